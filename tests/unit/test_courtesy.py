"""A loop that is never idle lends the interpreter to the threads it waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sessiond.actors.dispatch.courtesy import STAND_BACK_S, Courtesy, Lender


class Desk:
    """A lender whose sleeps are noted, with the time in the test's hands."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.courtesy = Courtesy(self.now, self.sleeps.append)
        self.lender = Lender(asyncio.get_running_loop(), self.courtesy, lambda: self.now)

    async def until_it_stood_back(self, times: int) -> None:
        while len(self.sleeps) < times:
            self.now += 1.0
            await asyncio.sleep(0)


@pytest.fixture
def other_thread() -> Iterator[None]:
    """There is a thread that might want the interpreter."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait, args=(30,))
    thread.start()
    yield
    done.set()
    thread.join()


async def test_a_spinning_loop_stands_back_while_somebody_waits_for_a_thread(other_thread: None) -> None:
    desk = Desk()
    desk.lender.begin()
    await asyncio.wait_for(desk.until_it_stood_back(3), 5)
    assert set(desk.sleeps) == {STAND_BACK_S}
    desk.lender.end()


async def test_nothing_is_lent_once_nobody_waits(other_thread: None) -> None:
    desk = Desk()
    desk.lender.begin()
    desk.lender.end()
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.02
    while loop.time() < end:
        desk.now += 1.0
        await asyncio.sleep(0)
    assert desk.sleeps == []


async def test_a_call_on_a_thread_comes_back_although_the_loop_spins() -> None:
    lender = Lender(asyncio.get_running_loop(), Courtesy(0.0, lambda _: None), lambda: 0.0)
    spinning = True

    async def spin() -> None:
        while spinning:
            await asyncio.sleep(0)

    spinner = asyncio.create_task(spin())
    with ThreadPoolExecutor(1) as executor:
        assert await asyncio.wait_for(lender.run(executor, sum, range(100_000)), 30) == 4_999_950_000
        with pytest.raises(ZeroDivisionError):
            await lender.run(executor, divmod, 1, 0)
    spinning = False
    await spinner
