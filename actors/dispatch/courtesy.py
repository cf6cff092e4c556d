"""Letting other threads have the interpreter while a loop is never idle.

A thread that wants the interpreter lock asks for it only after it has waited a whole switch interval (5 ms)
in which nobody released it. A busy loop releases it at every look at its sockets, so after every slice of
2 ms, and has it back before the other thread is awake: that thread starts its wait over, and starves for
seconds. Only a release that lasts is one. (``take_gil`` in CPython's ``ceval_gil.c``.)
"""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop, TimerHandle
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from sys import getswitchinterval
from threading import Lock, active_count
from typing import Any, Final, TypeVar

__all__ = ["Courtesy", "Lender"]

T = TypeVar("T")

RESUME_WAIT_S: Final = 0.001
STAND_BACK_S: Final = 0.00005  # a little more than a thread takes to wake up; the kernel adds as much again


class Courtesy:
    """The manners of one busy loop.

    Args:
        now: the time by the loop's clock, in seconds.
        sleep: blocks the thread for some seconds.
    """

    __slots__ = ("_next", "_sleep", "resuming")

    def __init__(self, now: float, sleep: Callable[[float], object]) -> None:
        self.resuming: deque[Lock] = deque()
        """Held by threads whose futures this loop has set, until they run."""
        self._sleep = sleep
        self._next = now + getswitchinterval() / 2

    def stand_back(self, now: float) -> None:
        """Sleep a moment, twice per switch interval, if there are other threads at all."""
        if now >= self._next:
            self._next = now + getswitchinterval() / 2
            if active_count() > 1:
                self._sleep(STAND_BACK_S)

    def let_threads_resume(self) -> None:
        """Wait until threads whose futures were set run, all in all at most a millisecond."""
        end_at = time.monotonic() + RESUME_WAIT_S
        while self.resuming:
            self.resuming.popleft().acquire(timeout=max(0.0, end_at - time.monotonic()))


class Lender:
    """Lends the interpreter to threads that work for a loop, however busy that is.

    A loop that never waits, because a task on it spins, never lasts in giving the lock away; so while
    anybody waits for a thread, a timer stands back in its place.

    Args:
        loop: the busy one.
        courtesy: its manners.
        clock: the loop's, in seconds.
    """

    __slots__ = ("_clock", "_courtesy", "_loop", "_timer", "_waiting")

    def __init__(self, loop: AbstractEventLoop, courtesy: Courtesy, clock: Callable[[], float]) -> None:
        self._loop = loop
        self._courtesy = courtesy
        self._clock = clock
        self._waiting = 0
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """A thread was given work that the loop waits for."""
        self._waiting += 1
        if self._timer is None:
            self._timer = self._loop.call_later(getswitchinterval() / 2, self._tick)

    def end(self) -> None:
        """The work is done."""
        self._waiting -= 1

    def _tick(self) -> None:
        self._timer = None
        if self._waiting > 0:
            self._courtesy.stand_back(self._clock())
            self._timer = self._loop.call_later(getswitchinterval() / 2, self._tick)

    async def run(self, executor: Executor, call: Callable[..., T], *arguments: Any) -> T:
        """Run a blocking call on an executor's thread and return its result."""
        self.begin()
        try:
            return await self._loop.run_in_executor(executor, call, *arguments)
        finally:
            self.end()
