"""The simulated event loop itself: virtual time, order, timers, cancellation, threads, crashes, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from simulation.loop import LATE_S, Crashed, Scheduler, SimulatedLoop

STEPS = 10_000


def made(seed: int = 0, **pace: float) -> tuple[Scheduler, SimulatedLoop]:
    scheduler = Scheduler(Random(seed), **pace)
    return scheduler, SimulatedLoop(scheduler)


def run(loop: SimulatedLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, and until nothing is left to do."""
    tasks: list[asyncio.Task[Any]] = []
    loop.call_soon(lambda: tasks.append(loop.create_task(work)))
    assert loop.scheduler.run(STEPS)
    return tasks[0].result()


def test_what_is_called_soon_runs_first_in_first_out() -> None:
    _, loop = made()
    ran: list[int] = []
    for number in range(20):
        loop.call_soon(ran.append, number)
    assert loop.scheduler.run(STEPS)
    assert ran == list(range(20))


def test_time_stands_still_unless_something_happens() -> None:
    scheduler, loop = made(callback_s=0.5)
    assert scheduler.run(STEPS)
    assert scheduler.now == 0.0
    loop.call_soon(lambda: None)
    assert scheduler.run(STEPS)
    assert 0.0 < scheduler.now < 0.5
    assert loop.time() == scheduler.now


def test_a_long_sleep_takes_no_time_and_is_a_little_late_at_most() -> None:
    _, loop = made()

    async def sleep() -> float:
        began = loop.time()
        await asyncio.sleep(1e6)
        return loop.time() - began

    assert 1e6 <= run(loop, sleep()) < 1e6 + LATE_S + 0.001


def test_timers_that_are_far_apart_keep_their_order_and_close_ones_change_places() -> None:
    far, close = set[tuple[int, ...]](), set[tuple[int, ...]]()
    for seed in range(50):
        for orders, gap in ((far, LATE_S * 2), (close, LATE_S / 4)):
            _, loop = made(seed)
            ran: list[int] = []
            for number in (2, 0, 1):
                loop.call_later(1 + gap * number, ran.append, number)
            assert loop.scheduler.run(STEPS)
            orders.add(tuple(ran))
    assert far == {(0, 1, 2)}
    assert len(close) > 2


def test_a_cancelled_timer_never_rings_and_is_not_waited_for() -> None:
    scheduler, loop = made()
    ran: list[str] = []
    timer = loop.call_later(5, ran.append, "cancelled")
    loop.call_later(1, timer.cancel)
    assert len(loop.waiting_timers) == 2
    assert scheduler.run(STEPS)
    assert (ran, loop.waiting_timers) == ([], [])


def test_a_cancelled_callback_is_passed_over() -> None:
    _, loop = made()
    ran: list[str] = []
    loop.call_soon(ran.append, "kept")
    loop.call_soon(ran.append, "cancelled").cancel()
    assert loop.scheduler.run(STEPS)
    assert ran == ["kept"]


def test_a_timeout_cancels_what_takes_too_long() -> None:
    _, loop = made()

    async def work() -> str:
        try:
            async with asyncio.timeout(2):
                await asyncio.sleep(3)
        except TimeoutError:
            return "too long"
        return "in time"

    assert run(loop, work()) == "too long"


def test_idle_is_when_neither_callbacks_nor_timers_are_left() -> None:
    scheduler, loop = made()
    assert not scheduler.step()
    loop.call_later(1, lambda: None)
    steps = 0
    while scheduler.step():
        steps += 1
    assert steps
    assert not loop.ready

    async def forever() -> None:
        await loop.create_future()

    task = loop.create_task(forever())
    assert scheduler.run(STEPS), "who waits for nothing that can come doesn't keep it busy"
    assert loop.unfinished == [task]
    task.cancel()
    assert scheduler.run(STEPS)
    assert loop.unfinished == []


def test_who_turns_in_circles_is_noticed() -> None:
    scheduler, loop = made()

    def again() -> None:
        loop.call_soon(again)

    again()
    assert not scheduler.run(100)
    assert scheduler.steps == 100


def test_running_ends_when_it_is_told_to() -> None:
    scheduler, loop = made()
    ran: list[int] = []
    for number in range(10):
        loop.call_soon(ran.append, number)
    assert scheduler.run(STEPS, lambda: len(ran) == 3)
    assert ran == [0, 1, 2]


def test_loops_take_turns_in_any_order_each_keeping_its_own() -> None:
    orders = set[str]()
    for seed in range(50):
        scheduler, first = made(seed)
        second = SimulatedLoop(scheduler)
        ran: list[str] = []
        for number in "123":
            first.call_soon(ran.append, number)
        for letter in "abc":
            second.call_soon(ran.append, letter)
        assert scheduler.run(STEPS)
        order = "".join(ran)
        assert "".join(c for c in order if c.isdigit()) == "123"
        assert "".join(c for c in order if c.isalpha()) == "abc"
        orders.add(order)
    assert len(orders) > 10


def test_the_running_loop_is_the_one_whose_callback_runs() -> None:
    scheduler, first = made()
    second = SimulatedLoop(scheduler)
    seen: list[bool] = []
    for loop in (first, second):
        loop.call_soon(lambda loop=loop: seen.append(asyncio.get_running_loop() is loop and loop.is_running()))
    assert scheduler.run(STEPS)
    assert seen == [True, True]
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def fail() -> None:
    raise ValueError("as told")


@pytest.mark.parametrize(("call", "comes_to"), [(lambda: 7, 7), (fail, "as told")])
def test_work_on_a_thread_is_heard_of_later(call: Callable[[], Any], comes_to: object) -> None:
    scheduler, loop = made(reply_s=1.0)

    async def work() -> object:
        began = loop.time()
        try:
            return await loop.run_in_executor(None, call)
        except ValueError as error:
            return str(error)
        finally:
            assert loop.time() > began
            assert scheduler.running is loop

    assert run(loop, work()) == comes_to


def test_nothing_happens_on_a_crashed_loop() -> None:
    scheduler, loop = made()
    ran: list[str] = []

    async def work() -> None:
        await loop.run_in_executor(None, ran.append, "on a thread")
        ran.append("after it")

    task = loop.create_task(work())
    loop.call_later(1, ran.append, "a timer")
    loop.call_soon(loop.crash)
    assert scheduler.run(STEPS)
    loop.call_soon(ran.append, "soon")
    loop.call_later(1, ran.append, "later")
    assert scheduler.run(STEPS)
    assert ran == []
    assert loop.unfinished == [task]
    loop.bury()
    assert loop.tasks == []


def test_a_process_that_crashes_on_a_thread_hears_nothing() -> None:
    scheduler, loop = made()

    def crash() -> None:
        loop.crash()
        raise Crashed

    future = loop.run_in_executor(None, crash)
    assert scheduler.run(STEPS)
    assert not future.done()


def test_errors_that_nobody_hears_of_are_kept() -> None:
    _, loop = made()

    async def work() -> None:
        fail()

    loop.call_soon(fail)
    loop.call_soon(lambda: loop.create_task(work()))
    assert loop.scheduler.run(STEPS)
    assert len(loop.troubles) == 1
    assert "as told" in loop.troubles[0]
    assert loop.unheard == ["ValueError('as told')"]
    loop.tasks[0].exception()  # somebody looks


def test_one_seed_is_one_schedule() -> None:
    def trace(seed: int) -> list[tuple[float, str]]:
        scheduler, first = made(seed)
        second = SimulatedLoop(scheduler)
        seen: list[tuple[float, str]] = []

        async def work(name: str) -> None:
            for _ in range(5):
                await asyncio.sleep(0.001)
                await asyncio.get_running_loop().run_in_executor(None, seen.append, (scheduler.now, name))

        for loop, name in ((first, "first"), (second, "second")):
            loop.call_soon(lambda loop=loop, name=name: loop.create_task(work(name)))
        assert scheduler.run(STEPS)
        return seen

    assert trace(1) == trace(1)
    assert trace(1) != trace(2)
