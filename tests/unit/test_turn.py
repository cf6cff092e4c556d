"""What a handler may do: raise, await, answer later."""

import asyncio
from typing import Any

import pykka
import pytest
from support.recording import Echo, Recorder

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.future import Deferred
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Kill

# -- coroutines


async def test_an_async_handler_is_as_serial_as_a_plain_one(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Slow(LoopActor):
        async def on_receive(self, message: int) -> None:
            log.append(("in", message))
            await asyncio.sleep(0)
            log.append(("out", message))

    ref = dispatcher.spawn(Slow)
    for number in range(20):
        ref.tell(number)
    await ref.stop(block=False)
    assert log == [step for n in range(20) for step in (("in", n), ("out", n))]


async def test_plain_and_awaiting_answers_mix_in_order(dispatcher: LoopDispatcher) -> None:
    class Mixed(LoopActor):
        def on_receive(self, message: int) -> Any:
            return self.later(message) if message % 2 else message

        async def later(self, message: int) -> int:
            await asyncio.sleep(0)
            return message

    ref = dispatcher.spawn(Mixed)
    futures = [ref.ask(n, block=False) for n in range(10)]
    assert [await future for future in futures] == list(range(10))


async def test_other_actors_run_while_one_awaits(dispatcher: LoopDispatcher) -> None:
    release = asyncio.Event()

    class Waiting(LoopActor):
        async def on_receive(self, message: object) -> object:
            await release.wait()
            return message

    waiting = dispatcher.spawn(Waiting).ask("slow", block=False)
    assert await dispatcher.spawn(Echo).ask("quick", block=False) == "quick"
    assert not waiting.done()
    release.set()
    assert await waiting == "slow"


async def test_messages_wait_until_an_async_on_start_is_through(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    release = asyncio.Event()

    class Preparing(Recorder):
        async def on_start(self) -> None:  # type: ignore[override]
            await release.wait()
            self.log.append("ready")

    ref = dispatcher.spawn(Preparing, log)
    answer = ref.ask("x", block=False)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == []
    release.set()
    await answer
    assert log == ["ready", "x"]


async def test_kill_cancels_an_awaiting_handler_and_then_on_stop_runs(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    begun = asyncio.Event()

    class Hanging(Recorder):
        async def on_receive(self, message: object) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.log.append("cancelled")
                raise

    ref = dispatcher.spawn(Hanging, log)
    hanging = ref.ask("hang", block=False)
    behind = ref.ask("behind", block=False)
    await begun.wait()
    await ref.ask(Kill(), block=False)
    assert log == ["start", "cancelled", "stop"]
    for future in (hanging, behind):
        with pytest.raises(pykka.ActorDeadError):
            await future


async def test_kill_of_a_handler_whose_task_has_not_begun(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Hanging(Recorder):
        async def on_receive(self, message: object) -> None:
            await asyncio.Event().wait()

        def on_failure(self, *exc_info: object) -> None:
            self.log.append("failure")

    class Killer(LoopActor):
        """Runs in the same turn of the dispatcher, right behind the victim."""

        def on_receive(self, victim: pykka.ActorRef[Any]) -> Any:
            return victim.ask(Kill(), block=False)

    victim = dispatcher.spawn(Hanging, log)
    victim.tell("hang")
    killing = await dispatcher.spawn(Killer).ask(victim, block=False)
    await killing
    assert log == ["start", "stop"]


async def test_kill_cancels_an_awaiting_on_start(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Preparing(Recorder):
        async def on_start(self) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

    ref = dispatcher.spawn(Preparing, log)
    await asyncio.sleep(0)
    await ref.ask(Kill(), block=False)
    assert log == ["stop"]


async def test_a_handler_that_ignores_its_cancellation_ends_before_the_actor_does(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    begun = asyncio.Event()

    class Stubborn(Recorder):
        async def on_receive(self, message: object) -> str:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            return "all the same"

    ref = dispatcher.spawn(Stubborn, log)
    answer = ref.ask("x", block=False)
    await begun.wait()
    await ref.ask(Kill(), block=False)
    assert await answer == "all the same"
    assert log == ["start", "stop"]


# -- deferred answers


async def test_a_deferred_answer_lets_the_actor_go_on(dispatcher: LoopDispatcher) -> None:
    class Committing(LoopActor):
        def __init__(self) -> None:
            self.waiting: list[Deferred[str]] = []

        def on_receive(self, message: object) -> object:
            if message == "commit":
                self.waiting.append(Deferred())
                return self.waiting[-1]
            for number, deferred in enumerate(self.waiting):
                deferred.set(f"committed {number}")
            return "released"

    ref = dispatcher.spawn(Committing)
    commits = [ref.ask("commit", block=False) for _ in range(2)]
    ref.tell("commit")
    assert await ref.ask("release", block=False) == "released"
    assert [await commit for commit in commits] == ["committed 0", "committed 1"]


async def test_an_async_handler_may_defer_too(dispatcher: LoopDispatcher) -> None:
    deferred: Deferred[int] = Deferred()

    class Deferring(LoopActor):
        async def on_receive(self, message: object) -> Deferred[int]:
            return deferred

    answer = dispatcher.spawn(Deferring).ask("x", block=False)
    await asyncio.sleep(0)
    deferred.set(7)
    assert await answer == 7
