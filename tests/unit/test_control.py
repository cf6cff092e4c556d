"""Messages that overtake."""

import asyncio
from typing import Any

import pykka
import pytest
from support.recording import Echo, Recorder, Urgent

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Kill, Suspend, Unsuspend

# -- control


async def test_control_overtakes_data_and_keeps_its_own_order(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    for number in range(3):
        ref.tell(number)
    ref.tell(Urgent("a"))
    ref.tell(Urgent("b"))
    assert await ref.ask(Urgent("c"), block=False) == Urgent("c")
    await ref.stop(block=False)
    assert log == ["start", Urgent("a"), Urgent("b"), Urgent("c"), 0, 1, 2, "stop"]


async def test_an_entry_left_behind_by_control_does_not_start_the_actor_again(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    await ref.ask("flush", block=False)
    ref.tell("data")
    ref.tell(Urgent("x"))
    await dispatcher.spawn(Echo).ask("one round later", block=False)
    assert await ref.ask("last", block=False) == "last"
    assert log == ["start", "flush", Urgent("x"), "data", "last"]


async def test_control_sent_by_a_handler_overtakes_the_rest_of_the_same_turn(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []

    class Urging(Recorder):
        def on_receive(self, message: object) -> object:
            if message == 0:
                self.actor_ref.tell(Urgent("x"))
            return super().on_receive(message)

    ref = dispatcher.spawn(Urging, log)
    for number in range(3):
        ref.tell(number)
    await ref.stop(block=False)
    assert log == ["start", 0, Urgent("x"), 1, 2, "stop"]


async def test_an_async_handler_of_control_stays_ahead_of_data(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Slow(Recorder):
        async def on_receive(self, message: object) -> None:
            await asyncio.sleep(0)
            self.log.append(message)

    ref = dispatcher.spawn(Slow, log)
    ref.tell("data")
    for name in "abc":
        ref.tell(Urgent(name))
    await ref.stop(block=False)
    assert log == ["start", Urgent("a"), Urgent("b"), Urgent("c"), "data", "stop"]


async def test_a_failing_control_message_follows_the_rules_of_ask_and_tell(
    dispatcher: LoopDispatcher,
) -> None:
    class Failing(LoopActor):
        def on_receive(self, message: object) -> None:
            raise ValueError("control")

    ref = dispatcher.spawn(Failing)
    with pytest.raises(ValueError, match="control"):
        await ref.ask(Urgent("x"), block=False)
    assert ref.is_alive()
    ref.tell(Urgent("x"))
    with pytest.raises(pykka.ActorDeadError):
        await ref.ask(Urgent("y"), block=False)


async def test_kill_overtakes_a_backlog_and_drops_none_of_it_silently(
    dispatcher: LoopDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "sessiond.actors.dispatch.mailbox")
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    for number in range(5000):
        ref.tell(number)
    ref.tell(Kill())
    while ref.is_alive():
        await asyncio.sleep(0)
    assert log == ["start", "stop"]
    assert caplog.text.count("dead letter") == 5000


async def test_a_suspended_actor_serves_control_only_until_unsuspended(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    ref.tell("before")
    await ref.ask("flush", block=False)
    await ref.ask(Suspend(), block=False)
    data = [ref.ask(n, block=False) for n in range(3)]
    assert await ref.ask(Urgent("x"), block=False) == Urgent("x")
    assert log == ["start", "before", "flush", Urgent("x")]
    ref.tell(Unsuspend())
    assert [await future for future in data] == [0, 1, 2]


async def test_suspend_stops_the_turn_it_comes_in(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class SelfSuspending(Recorder):
        def on_receive(self, message: object) -> object:
            if message == 1:
                self.actor_ref.tell(Suspend())
            return super().on_receive(message)

    ref = dispatcher.spawn(SelfSuspending, log)
    for number in range(4):
        ref.tell(number)
    assert await ref.ask(Urgent("seen"), block=False) == Urgent("seen")
    while len(log) < 4:
        await asyncio.sleep(0)
    await ref.ask(Unsuspend(), block=False)
    await ref.stop(block=False)
    assert log == ["start", Urgent("seen"), 0, 1, 2, 3, "stop"]


async def test_kill_ends_a_suspended_actor(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    await ref.ask(Suspend(), block=False)
    waiting = ref.ask("x", block=False)
    await ref.ask(Kill(), block=False)
    assert log == ["start", "stop"]
    with pytest.raises(pykka.ActorDeadError):
        await waiting
