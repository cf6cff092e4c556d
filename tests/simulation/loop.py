"""Virtual time, and event loops on it: a seed decides what happens next, and nothing really waits.

Each simulated process has an event loop of its own. What a loop was told by `call_soon` runs first in, first out, as
asyncio promises. Everything else that asyncio leaves open is drawn from the seed: which of two processes goes on,
how long a callback takes, how late a timer is (so timers within a millisecond change places), when work on another
thread begins, has its effect, and is heard of.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from functools import partial
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

LATE_S = 0.001
"""Seconds by which a timer may be late."""


class Crashed(BaseException):
    """Ends whatever a process was doing when it crashed; nothing may catch it for good."""


class Scheduler:
    """Virtual time, and the order in which everything happens.

    Attributes:
        now: seconds since the beginning.
        steps: callbacks run so far.
        running: the loop whose callback runs, None between callbacks and on simulated threads.
    """

    def __init__(self, random: Random, callback_s: float = 0.0001, reply_s: float = 0.005) -> None:
        self.now = 0.0
        self.steps = 0
        self.running: SimulatedLoop | None = None
        self.chance = random.random
        self._random = random
        self._callback_s = callback_s
        self._reply_s = reply_s
        self._agenda: list[tuple[float, int, Any]] = []
        self._entries = 0
        self._loops: list[SimulatedLoop] = []

    def add(self, loop: SimulatedLoop) -> None:
        """Run a loop from now on."""
        self._loops.append(loop)

    def remove(self, loop: SimulatedLoop) -> None:
        """Never run a loop again."""
        if loop in self._loops:
            self._loops.remove(loop)

    def enter(self, when: float, item: Any) -> None:
        """Have `item`, a timer of a loop or a function of no loop, take place at `when` or a little later."""
        self._entries += 1
        due = max(when, self.now) + self.chance() * LATE_S
        heapq.heappush(self._agenda, (due, self._entries, item))

    def later(self, delay: float, call: Callable[[], object]) -> None:
        """Call a function, which belongs to no loop, `delay` seconds from now."""
        self.enter(self.now + delay, call)

    def delay(self) -> float:
        """How long I/O takes this time: most often little, sometimes much."""
        roll = self.chance()
        scale = self._reply_s if roll < 0.9 else self._reply_s * 40
        return self.chance() * scale

    def tick(self) -> float:
        """The clock of a dispatcher: to look at it takes a moment, so that slices end anywhere."""
        self.now += self.chance() * self._callback_s
        return self.now

    def step(self) -> bool:
        """Do the next thing; False if there is none."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= self.now:
            self._take_place(heapq.heappop(agenda)[2])
        ready = [loop for loop in self._loops if loop.ready]
        if not ready:
            if not agenda:
                return False
            self.now = agenda[0][0]
            return True
        loop = ready[0] if len(ready) == 1 else self._random.choice(ready)
        self.now += self.chance() * self._callback_s
        self.steps += 1
        loop.run_next()
        return True

    def _take_place(self, item: Any) -> None:
        if not isinstance(item, asyncio.TimerHandle):
            item()
        elif not item.cancelled():
            loop: SimulatedLoop = item._loop  # type: ignore[attr-defined]  # as asyncio's own loops do
            loop.ready.append(item)

    def run(self, limit: int, until: Callable[[], bool] = lambda: False) -> bool:
        """Go on until nothing is left to do, or `until` says so; False if that took more than `limit` steps."""
        end = self.steps + limit
        while self.steps < end:
            if until() or not self.step():
                return True
        return False


_AnyLoop: Any = asyncio.AbstractEventLoop  # whose many other methods nobody calls here


class SimulatedLoop(_AnyLoop):  # type: ignore[misc]
    """The event loop of one simulated process. Threads don't exist: work for them is simulated too.

    Attributes:
        ready: callbacks that wait for their turn.
        dead: whether its process crashed; from then on nothing that anybody asks of it happens.
        tasks: all tasks so far.
        troubles: what asyncio would have logged: errors in callbacks, exceptions that nobody looked at.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.ready: deque[asyncio.Handle] = deque()
        self.dead = False
        self.tasks: list[asyncio.Task[Any]] = []
        self.timers: list[asyncio.TimerHandle] = []
        self.troubles: list[str] = []
        scheduler.add(self)

    # ---- for the scheduler

    def run_next(self) -> None:
        """Run the callback that has waited longest."""
        handle = self.ready.popleft()
        if handle.cancelled():
            return
        self.scheduler.running = self
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)
            self.scheduler.running = None

    def crash(self) -> None:
        """Stop for ever, in the middle of whatever it is."""
        self.dead = True
        self.ready.clear()
        self.scheduler.remove(self)

    def bury(self) -> None:
        """Let go of the tasks of a crashed process, whose clean-up reaches nobody any more."""
        assert self.dead
        for task in self.tasks:
            if not task.done():
                coroutine: Any = task.get_coro()
                with suppress(BaseException):  # last words of a dead process
                    coroutine.close()
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is meant to be
        self.tasks.clear()

    @property
    def unheard(self) -> list[str]:
        """Exceptions of tasks that nobody looked at."""
        ended: list[Any] = [task for task in self.tasks if task.done() and not task.cancelled()]
        return [repr(task.exception()) for task in ended if task._log_traceback]

    @property
    def unfinished(self) -> list[asyncio.Task[Any]]:
        """Tasks that aren't done."""
        return [task for task in self.tasks if not task.done()]

    @property
    def waiting_timers(self) -> list[asyncio.TimerHandle]:
        """Timers that were neither cancelled nor due yet."""
        return [timer for timer in self.timers if not timer.cancelled() and timer.when() > self.scheduler.now]

    # ---- what asyncio's own parts and the runtime use

    def time(self) -> float:
        return self.scheduler.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self.scheduler.running is self

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self.ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.scheduler.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            self.timers.append(handle)
            self.scheduler.enter(when, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Called by asyncio's timers; the agenda passes over them."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        task: asyncio.Task[T] = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        self.tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Call `func` on a simulated thread: it may begin later, and is heard of later still."""
        future: asyncio.Future[T] = asyncio.Future(loop=self)
        scheduler, began = self.scheduler, self.scheduler.chance() < 0.5

        def work() -> None:
            if self.dead or (future.cancelled() and not began):
                return
            try:
                result = func(*args)
            except Crashed:
                return
            except BaseException as error:  # noqa: BLE001  # as a thread pool does
                scheduler.later(scheduler.delay(), partial(self.call_soon, _settle, future, None, error))
            else:
                scheduler.later(scheduler.delay(), partial(self.call_soon, _settle, future, result, None))

        scheduler.later(scheduler.delay(), work)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self.troubles.append(f"{context.get('message')}: {context.get('exception')!r}")


def _settle(future: asyncio.Future[T], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
