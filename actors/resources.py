"""What the running nodes of a runtime share: threads, processes, and leave to call other servers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from .http_policy import HttpPolicy
from .process_pool import ProcessPool

if TYPE_CHECKING:
    from .children import ChildSessions

T = TypeVar("T")


class NodeResources:
    """Bounded resources outside the event loop.

    Args:
        threads: blocking nodes that run at once; further ones wait.
        processes: CPU-heavy nodes that run at once, each in a process; further ones wait.
        http: what `http` nodes may call; None for nothing.
        children: how nodes reach child sessions.
    """

    def __init__(
        self, threads: int, processes: int, http: HttpPolicy | None = None, children: ChildSessions | None = None
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, "sessiond-node")
        self.processes = ProcessPool(processes)
        self.http = http
        self.children = children

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Call a blocking function on a thread; when cancelled it goes on, and its result is dropped."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(_contain, function))

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
