"""What the running nodes of a runtime share: threads, processes, and leave to call other servers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from .http_policy import HttpPolicy
from .model_budget import ModelBudget
from .process_pool import ProcessPool
from .tracing import Tracing

if TYPE_CHECKING:
    from .children import ChildSessions

T = TypeVar("T")


def _threads(count: int) -> Executor:
    return ThreadPoolExecutor(count, "sessiond-node")


class NodeResources:
    """Bounded resources outside the event loop.

    Args:
        threads: blocking nodes that run at once; further ones wait.
        processes: CPU-heavy nodes that run at once, each in a process; further ones wait.
        http: what `http` nodes may call; None for nothing.
        children: how nodes reach child sessions.
        make_pool: makes the pool of as many threads that blocking nodes run on.

    Attributes:
        abandoned: threads that still work on attempts that were ended.
        tracing: records the attempts of nodes; None where nothing does.
        models: how much of language models the agents of a tenant may use.
    """

    def __init__(
        self,
        threads: int,
        processes: int,
        http: HttpPolicy | None = None,
        children: ChildSessions | None = None,
        make_pool: Callable[[int], Executor] = _threads,
    ) -> None:
        self._threads = make_pool(threads)
        self.processes = ProcessPool(processes)
        self.http = http
        self.abandoned = 0
        self.tracing: Tracing | None = None
        self.models = ModelBudget(None, time.monotonic)
        self.children = children

    async def in_thread(self, function: Callable[[], T], log: logging.LoggerAdapter[logging.Logger]) -> T:
        """Call a blocking function on a thread; when cancelled it goes on, abandoned: what it returns is dropped."""
        work = self._threads.submit(_contain, function)
        try:
            return await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            if work.running():
                self._abandon(work, log)
            raise

    def _abandon(self, work: Future[Any], log: logging.LoggerAdapter[logging.Logger]) -> None:
        loop = asyncio.get_running_loop()
        self.abandoned += 1
        log.warning("a thread can't be killed: it goes on, and what it returns is dropped")

        def back() -> None:
            self.abandoned -= 1
            log.info("the abandoned thread has come back")

        def came_back(_: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop may be closed by then
                loop.call_soon_threadsafe(back)

        work.add_done_callback(came_back)

    async def close(self) -> None:
        """End the processes, and wait for no thread."""
        await self.processes.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _contain(function: Callable[[], T]) -> T:
    """A StopIteration can't be set on a future: its waiter would wait for ever."""
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError(f"the node raised StopIteration: {error}") from error
