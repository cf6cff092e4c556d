"""The end of an actor, and the bound of its mailbox."""

import asyncio
import gc
import weakref
from typing import Any

import pykka
import pytest
from support.recording import Echo, Recorder, Urgent

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Kill, MailboxFull, Suspend, Unsuspend

# -- stop


async def test_stop_waits_for_what_was_sent_before_and_refuses_what_comes_after(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    ref.tell("before")
    stopping = ref.stop(block=False)
    late = ref.ask("after", block=False)
    assert await stopping is True
    assert log == ["start", "before", "stop"]
    with pytest.raises(pykka.ActorDeadError):
        await late


async def test_a_dead_actor_refuses_everything_at_once(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Echo)
    await ref.stop(block=False)
    assert not ref.is_alive()
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("x")
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(Kill())
    for message in ("x", Kill()):
        with pytest.raises(pykka.ActorDeadError):
            await ref.ask(message, block=False)
    assert await ref.stop(block=False) is False
    with pytest.raises(pykka.ActorDeadError):
        ref.proxy()


async def test_two_stops_are_both_confirmed(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Echo)
    assert [await stop for stop in [ref.stop(block=False), ref.stop(block=False)]] == [True, True]


async def test_an_actor_can_stop_itself_behind_its_messages(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Quitter(Recorder):
        def on_receive(self, message: object) -> object:
            if message == "quit":
                self.stop()
            return super().on_receive(message)

    ref = dispatcher.spawn(Quitter, log)
    for message in ("quit", "one more"):
        ref.tell(message)
    with pytest.raises(pykka.ActorDeadError):
        await _ask_until_dead(ref)
    assert log == ["start", "quit", "one more", "are you there?", "stop"]


async def _ask_until_dead(ref: pykka.ActorRef[Any]) -> None:
    while True:
        await ref.ask("are you there?", block=False)


async def test_finish_stops_at_once_and_the_answer_still_arrives(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class OneShot(Recorder):
        def on_receive(self, message: object) -> object:
            self.finish()
            log.append("still here")
            return "the answer"

    ref = dispatcher.spawn(OneShot, log)
    answer = ref.ask("go", block=False)
    late = ref.ask("late", block=False)
    assert await answer == "the answer"
    assert log == ["start", "stop", "still here"]
    assert ref not in dispatcher.directory
    with pytest.raises(pykka.ActorDeadError):
        await late


async def test_finish_twice_runs_on_stop_once(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Twice(Recorder):
        def on_receive(self, message: object) -> None:
            self.finish()
            self.finish()

    await dispatcher.spawn(Twice, log).ask("x", block=False)
    assert log == ["start", "stop"]


async def test_an_actor_whose_life_is_one_task(dispatcher: LoopDispatcher) -> None:
    done: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    class Run(LoopActor):
        async def on_start(self) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            self.finish()
            done.set_result("ran")

    ref = dispatcher.spawn(Run)
    assert await done == "ran"
    assert not ref.is_alive()
    assert not dispatcher.directory


async def test_the_stopped_event_is_set_when_all_is_over(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    before = ref.actor_stopped
    assert not before.is_set()
    await ref.stop(block=False)
    assert before.is_set()
    assert ref.actor_stopped is before
    never_looked_at = dispatcher.spawn(Echo)
    await never_looked_at.stop(block=False)
    assert never_looked_at.actor_stopped.is_set()


@pytest.mark.parametrize("end", ["stop", "kill", "fail"])
async def test_the_end_frees_the_actor_while_the_ref_is_kept(
    dispatcher: LoopDispatcher, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "sessiond.actors.dispatch.supervision")  # a captured traceback holds the actor
    alive: list[weakref.ref[LoopActor]] = []

    class Watched(LoopActor):
        def __init__(self) -> None:
            alive.append(weakref.ref(self))

        def on_receive(self, message: object) -> None:
            raise ValueError("fail")

    ref = dispatcher.spawn(Watched)
    match end:
        case "stop":
            await ref.stop(block=False)
        case "kill":
            await ref.ask(Kill(), block=False)
        case _:
            ref.tell("x")
            while ref.is_alive():
                await asyncio.sleep(0)
    gc.collect()
    assert alive[0]() is None
    assert not ref.is_alive()


async def test_an_idle_actor_lives_without_anybody_holding_its_ref(dispatcher: LoopDispatcher) -> None:
    dispatcher.spawn(Echo)
    gc.collect()
    (ref,) = dispatcher.directory
    assert await ref.ask("hello", block=False) == "hello"


# -- the bound


class Bounded(Recorder):
    mailbox_bound = 5


async def test_a_full_mailbox_refuses_tell_and_ask_but_never_control_or_stop(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Bounded, log)
    await ref.ask(Suspend(), block=False)
    for number in range(5):
        ref.tell(number)
    with pytest.raises(MailboxFull):
        ref.tell(5)
    with pytest.raises(MailboxFull):
        await ref.ask(6, block=False)
    assert await ref.ask(Urgent("x"), block=False) == Urgent("x")
    stopping = ref.stop(block=False)
    ref.tell(Unsuspend())
    assert await stopping is True
    assert log == ["start", Urgent("x"), 0, 1, 2, 3, 4, "stop"]


async def test_a_place_is_free_again_as_soon_as_its_message_is_handled(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Bounded, [])
    for number in range(50):
        assert await ref.ask(number, block=False) == number


async def test_a_dead_actor_that_was_full_is_dead_not_full(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Bounded, [])
    for number in range(5):
        ref.tell(number)
    await ref.ask(Kill(), block=False)
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("x")
    with pytest.raises(pykka.ActorDeadError):
        await ref.ask("x", block=False)
