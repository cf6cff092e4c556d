import asyncio
import time
from collections.abc import Callable
from contextvars import Context, ContextVar
from sys import getswitchinterval
from threading import Event, Thread
from typing import Any, TypeVarTuple

import pytest
from support.recording import Echo, Urgent

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor

WAIT = 5.0
Ts = TypeVarTuple("Ts")


class Noting(LoopActor):
    def __init__(self, name: str, log: list[Any]) -> None:
        self.name = name
        self.log = log

    def on_receive(self, message: object) -> None:
        self.log.append((self.name, message))


class Busy(LoopActor):
    """Never runs out of messages."""

    def on_receive(self, message: object) -> None:
        self.actor_ref.tell(message)


# -- fairness


async def test_an_actor_gets_its_share_of_messages_and_then_the_next_one_its_own() -> None:
    log: list[Any] = []
    dispatcher = LoopDispatcher(throughput=2)
    first, second = (dispatcher.spawn(Noting, name, log) for name in "ab")
    for number in range(3):
        first.tell(number)
        second.tell(number)
    await dispatcher.stop_all()
    assert log == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("a", 2), ("b", 2)]


async def test_when_the_slice_is_over_the_event_loop_has_its_turn() -> None:
    now = [0.0]
    log: list[Any] = []

    class Slow(LoopActor):
        def on_receive(self, message: int) -> None:
            now[0] += 0.001
            log.append(message)

    dispatcher = LoopDispatcher(slice_s=0.003, clock=lambda: now[0])
    ref = dispatcher.spawn(Slow)
    for number in range(7):
        ref.tell(number)
    asyncio.get_running_loop().call_soon(log.append, "loop")
    stopping = ref.stop(block=False)
    asyncio.get_running_loop().call_soon(log.append, "loop")
    await stopping
    assert log == [0, 1, 2, "loop", "loop", 3, 4, 5, 6]


async def test_actors_that_are_always_busy_do_not_starve_the_loop_even_if_its_clock_stands_still() -> None:
    dispatcher = LoopDispatcher(clock=lambda: 0.0)
    for _ in range(4):
        dispatcher.spawn(Busy).tell("again")
    for _ in range(10):
        await asyncio.sleep(0)
    assert await dispatcher.spawn(Echo).ask("hello", block=False) == "hello"
    await dispatcher.aclose()


@pytest.mark.parametrize("clock", [lambda: 0.0, time.monotonic], ids=["still", "running"])
async def test_coroutines_that_never_suspend_do_not_starve_the_loop(clock: Callable[[], float]) -> None:
    class BusyAsync(LoopActor):
        async def on_receive(self, message: object) -> None:
            self.actor_ref.tell(message)

    dispatcher = LoopDispatcher(clock=clock)
    for _ in range(4):
        dispatcher.spawn(BusyAsync).tell("again")
    for _ in range(10):
        await asyncio.sleep(0)
    assert await dispatcher.spawn(Echo).ask("hello", block=False) == "hello"
    await dispatcher.aclose()


async def test_an_ask_waits_for_one_turn_of_each_busy_actor_at_most() -> None:
    handled = [0]

    class Counting(LoopActor):
        def on_receive(self, message: object) -> None:
            handled[0] += 1
            self.actor_ref.tell(message)

    dispatcher = LoopDispatcher(throughput=8, clock=lambda: 0.0)
    for _ in range(4):
        dispatcher.spawn(Counting).tell("again")
    await asyncio.sleep(0)
    before = handled[0]
    answered_at: list[int] = []

    class Noticing(LoopActor):
        def on_receive(self, message: object) -> None:
            answered_at.append(handled[0])

    await dispatcher.spawn(Noticing).ask("x", block=False)
    assert answered_at[0] - before <= 4 * 8
    await dispatcher.aclose()


async def test_control_overtakes_the_data_of_all_other_actors() -> None:
    log: list[Any] = []
    dispatcher = LoopDispatcher()
    for number in range(100):
        dispatcher.spawn(Noting, str(number), log).tell("data")
    last = dispatcher.spawn(Noting, "last", log)
    last.tell("data")
    last.tell(Urgent("x"))
    await dispatcher.stop_all()
    assert log[:2] == [("last", Urgent("x")), ("last", "data")]
    assert len(log) == 102


async def test_a_storm_of_control_leaves_data_every_other_turn() -> None:
    log: list[Any] = []

    class Stormy(LoopActor):
        def on_receive(self, message: object) -> None:
            log.append("control")
            self.actor_ref.tell(message)

    dispatcher = LoopDispatcher(clock=lambda: 0.0)
    dispatcher.spawn(Stormy).tell(Urgent("again"))
    await dispatcher.spawn(Noting, "data", log).ask("x", block=False)
    assert log.index(("data", "x")) <= 64
    await dispatcher.aclose()


async def test_a_loop_that_is_never_idle_stands_back_twice_per_switch_interval() -> None:
    now = [0.0]
    slept: list[float] = []

    class Slow(LoopActor):
        def on_receive(self, message: int) -> None:
            now[0] += getswitchinterval() / 5

    dispatcher = LoopDispatcher(
        slice_s=getswitchinterval() / 5, clock=lambda: now[0], sleep=lambda s: slept.append(now[0])
    )
    done = Event()
    other_thread = Thread(target=done.wait, args=(WAIT,))
    other_thread.start()
    ref = dispatcher.spawn(Slow)
    for number in range(20):
        ref.tell(number)
    await ref.stop(block=False)
    done.set()
    other_thread.join()
    assert [round(5 * at / getswitchinterval()) for at in slept] == [3, 6, 9, 12, 15, 18]


# -- waking


def is_a_run(callback: object) -> bool:
    return getattr(callback, "__func__", None) is LoopDispatcher._run


class SpyLoop(asyncio.SelectorEventLoop):
    """Counts the runs of a dispatcher that are queued at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.queued = 0
        self.most = 0

    def _counted(self, callback: Any) -> Any:
        if not is_a_run(callback):
            return callback
        self.queued += 1
        self.most = max(self.most, self.queued)

        def run() -> None:
            self.queued -= 1
            callback()

        return run

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon(self._counted(callback), *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon_threadsafe(self._counted(callback), *args, context=context)


def test_at_most_one_run_is_ever_queued() -> None:
    loop = SpyLoop()
    dispatcher = LoopDispatcher.in_thread(lambda: loop)
    busy = dispatcher.spawn(Busy)
    echo = dispatcher.spawn(Echo)
    busy.tell("again")

    def send() -> None:
        for number in range(500):
            echo.tell(number)
            if number % 25 == 0:
                echo.ask(number, timeout=WAIT)

    threads = [Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    echo.ask("flush", timeout=WAIT)

    async def wake_twice() -> None:
        dispatcher.wake()
        dispatcher.wake()

    asyncio.run_coroutine_threadsafe(wake_twice(), loop).result(WAIT)
    dispatcher.close()
    assert loop.most == 1


class PromptLoop(asyncio.SelectorEventLoop):
    """A loop that has run the dispatcher before the thread that woke it goes on."""

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = super().call_soon_threadsafe(callback, *args, context=context)
        if is_a_run(callback):
            ran = Event()
            super().call_soon_threadsafe(ran.set)
            assert ran.wait(WAIT)
        return handle


def test_a_run_that_is_over_before_its_waker_goes_on_leaves_the_dispatcher_wakeable() -> None:
    dispatcher = LoopDispatcher.in_thread(PromptLoop)
    echo = dispatcher.spawn(Echo)
    assert [echo.ask(n, timeout=WAIT) for n in range(3)] == [0, 1, 2]
    dispatcher.close()


class LateItem:
    """What a thread posts that saw the flag up just before it went down."""

    def __init__(self) -> None:
        self.admitted = asyncio.Event()

    def admit(self, item: Any) -> None:
        self.admitted.set()

    def refuse(self, item: Any) -> None: ...


class RacedDispatcher(LoopDispatcher):
    late: LateItem | None = None
    _flag = False

    @property
    def awake(self) -> bool:
        return self._flag

    @awake.setter
    def awake(self, flag: bool) -> None:
        if self._flag and not flag and self.late is not None:
            self._foreign.append((self.late, None))
            self.late = None
        self._flag = flag


async def test_what_is_posted_while_the_dispatcher_goes_to_sleep_wakes_it_again() -> None:
    dispatcher = RacedDispatcher()
    dispatcher.late = late = LateItem()
    await dispatcher.spawn(Echo).ask("x", block=False)
    await asyncio.wait_for(late.admitted.wait(), WAIT)
    await dispatcher.aclose()


def test_a_dispatcher_can_be_made_before_its_loop_runs() -> None:
    loop = asyncio.new_event_loop()
    dispatcher = LoopDispatcher(loop)
    ref = dispatcher.spawn(Echo)

    async def main() -> object:
        return await ref.ask("hello", block=False)

    assert loop.run_until_complete(main()) == "hello"
    dispatcher.close()
    loop.close()


def test_without_a_loop_there_is_no_dispatcher() -> None:
    with pytest.raises(RuntimeError):
        LoopDispatcher()


async def test_handlers_do_not_see_the_context_of_whoever_woke_the_dispatcher() -> None:
    request: ContextVar[str] = ContextVar("request", default="none")
    dispatcher = LoopDispatcher()
    seen: list[str] = []

    class Looking(LoopActor):
        def on_receive(self, message: object) -> None:
            seen.append(request.get())

    request.set("mine")
    await dispatcher.spawn(Looking).ask("x", block=False)
    assert seen == ["none"]
    await dispatcher.aclose()
