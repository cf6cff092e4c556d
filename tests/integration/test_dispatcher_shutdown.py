"""The end of a dispatcher: everything is answered, everything that awaits is cancelled."""

import asyncio
from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pykka
import pytest
from support.recording import Echo

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Kill
from sessiond.actors.dispatch.waiting import BlockingOnLoop

WAIT = 5.0


class Noting(LoopActor):
    def __init__(self, name: str, log: list[Any]) -> None:
        self.name = name
        self.log = log

    def on_receive(self, message: object) -> None:
        self.log.append((self.name, message))


class Hanging(LoopActor):
    def __init__(self, log: list[str], begun: Callable[[], object]) -> None:
        self.log = log
        self.begun = begun

    async def on_receive(self, message: object) -> None:
        self.begun()
        await asyncio.Event().wait()

    def on_stop(self) -> None:
        self.log.append("stop")


async def test_stop_all_drains_the_actors_of_this_dispatcher_only() -> None:
    log: list[Any] = []
    mine, other = LoopDispatcher(), LoopDispatcher()
    bystander = other.spawn(Echo)
    for name in "ab":
        ref = mine.spawn(Noting, name, log)
        for number in range(3):
            ref.tell(number)
    assert await mine.stop_all() == [True, True]
    assert sorted(log) == [(name, n) for name in "ab" for n in range(3)]
    assert not mine.directory
    assert bystander.is_alive()
    assert await mine.stop_all() == []
    await other.aclose()


async def test_closing_answers_what_waits_and_cancels_what_awaits() -> None:
    log: list[str] = []
    begun = asyncio.Event()
    dispatcher = LoopDispatcher()
    ref = dispatcher.spawn(Hanging, log, begun.set)
    unstarted = dispatcher.spawn(Echo)
    futures = [ref.ask(n, block=False) for n in range(2)]
    await begun.wait()
    futures.append(unstarted.ask("x", block=False))
    await dispatcher.aclose()
    assert log == ["stop"]
    for future in futures:
        with pytest.raises(pykka.ActorDeadError):
            await future
    assert not dispatcher.directory


async def test_a_closed_dispatcher_takes_no_actors_and_the_loop_gets_a_new_one() -> None:
    dispatcher = LoopDispatcher()
    dispatcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        dispatcher.spawn(Echo)
    ref = Echo.start()
    assert ref not in dispatcher.directory
    assert await ref.ask("x", block=False) == "x"
    await ref.stop(block=False)


async def test_a_handler_may_close_its_own_dispatcher() -> None:
    class Closing(LoopActor):
        def on_receive(self, message: object) -> str:
            self.dispatcher.close()
            return "closing"

    dispatcher = LoopDispatcher()
    ref = dispatcher.spawn(Closing)
    assert await ref.ask("x", block=False) == "closing"
    assert not ref.is_alive()


def test_a_dispatcher_with_a_thread_ends_it_and_can_be_closed_twice() -> None:
    log: list[str] = []
    begun = Event()
    dispatcher = LoopDispatcher.in_thread()
    hanging = dispatcher.spawn(Hanging, log, begun.set)
    waiting = hanging.ask("x", block=False)
    assert begun.wait(WAIT)
    closers = [Thread(target=dispatcher.close) for _ in range(3)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(WAIT)
    dispatcher.close()
    assert dispatcher.loop.is_closed()
    assert log == ["stop"]
    with pytest.raises(pykka.ActorDeadError):
        waiting.get(timeout=WAIT)


def test_tasks_that_others_left_on_the_dispatchers_loop_are_cancelled() -> None:
    dispatcher = LoopDispatcher.in_thread()
    cancelled = Event()

    async def linger() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    asyncio.run_coroutine_threadsafe(linger(), dispatcher.loop)
    dispatcher.spawn(Echo).ask("x", timeout=WAIT)
    dispatcher.close()
    assert cancelled.is_set()


async def test_closing_a_dispatcher_with_a_thread_on_a_loop_raises_instead_of_blocking() -> None:
    dispatcher = LoopDispatcher.in_thread()
    with pytest.raises(BlockingOnLoop):
        dispatcher.close()
    await asyncio.to_thread(dispatcher.close)


def test_a_bound_dispatcher_can_be_closed_from_another_thread() -> None:
    async def main() -> bool:
        dispatcher = LoopDispatcher()
        ref = dispatcher.spawn(Echo)
        await asyncio.to_thread(dispatcher.close)
        return ref.is_alive()

    assert asyncio.run(main()) is False


def loop_that_vanished() -> tuple[LoopDispatcher, pykka.ActorRef[Echo]]:
    async def main() -> tuple[LoopDispatcher, pykka.ActorRef[Echo]]:
        dispatcher = LoopDispatcher()
        return dispatcher, dispatcher.spawn(Echo)

    return asyncio.run(main())


def test_an_ask_to_a_loop_that_is_closed_is_answered_on_its_thread_and_on_another() -> None:
    dispatcher, ref = loop_that_vanished()
    answers: deque[object] = deque()
    for message in ("data", Kill()):
        thread = Thread(target=lambda message=message: answers.append(ref.ask(message, block=False)))
        thread.start()
        thread.join()
    for answer in answers:
        with pytest.raises(pykka.ActorDeadError):
            answer.get(timeout=WAIT)  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="closed"):
        dispatcher.spawn(Echo)
    dispatcher.close()


def test_the_end_of_the_loop_fails_an_actor_whose_task_has_not_begun() -> None:
    reasons: list[type[BaseException]] = []

    class Late(LoopActor):
        async def on_receive(self, message: object) -> None: ...

        def on_failure(self, exception_type: type[BaseException], *rest: object) -> None:  # type: ignore[override]
            reasons.append(exception_type)

    async def main() -> Any:
        dispatcher = LoopDispatcher()
        answer = dispatcher.spawn(Late).ask("x", block=False)
        await asyncio.sleep(0)  # the turn has made the task, which would begin in the next round
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return answer

    answer = asyncio.run(main())
    assert reasons == [asyncio.CancelledError]
    with pytest.raises(pykka.ActorDeadError):
        answer.get(timeout=WAIT)
