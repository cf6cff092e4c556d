"""The pool that blocking nodes run on, without a thread: each call begins and ends when the seed says."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, ParamSpec, TypeVar

from .loop import SimulatedLoop

P = ParamSpec("P")
T = TypeVar("T")


class SimulatedThreads(Executor):
    """An executor of one simulated process.

    Args:
        loop: the process's.
    """

    def __init__(self, loop: SimulatedLoop, _count: int) -> None:
        self._loop = loop

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a call begin some time soon."""
        future = Future[T]()
        scheduler = self._loop.scheduler
        scheduler.later(scheduler.delay(), partial(self._begin, future, partial(fn, *args, **kwargs)))
        return future

    def _begin(self, future: Future[Any], call: Callable[[], Any]) -> None:
        if not self._loop.dead and future.set_running_or_notify_cancel():
            self._loop.scheduler.later(self._loop.scheduler.delay(), partial(self._end, future, call))

    def _end(self, future: Future[Any], call: Callable[[], Any]) -> None:
        if self._loop.dead:
            return
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001  # as a thread pool does
            future.set_exception(error)
