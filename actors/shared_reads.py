"""Reads that many ask for at once, done once: ten thousand watchers who come back want the same page of the same log.

Whoever asks gets what a read that began after the asking has found, never an older one: what was stored before
is in it. So at most two reads of one kind exist at a time, one that has begun and one for all who came since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class SharedReads(Generic[P, T]):
    """Shares the results of an asynchronous read among those who ask with the same, hashable arguments.

    What is returned is shared too: it mustn't be changed. Belongs to one event loop.
    """

    def __init__(self, read: Callable[P, Awaitable[T]]) -> None:
        self._read = read
        self._begun: dict[object, asyncio.Task[T]] = {}
        self._next: dict[object, asyncio.Task[T]] = {}

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a read finds that begins now or later; it goes on though one who asked is cancelled."""
        key = args
        task = self._next.get(key)
        if task is None:
            task = self._next[key] = asyncio.get_running_loop().create_task(self._run(key, *args, **kwargs))
            task.add_done_callback(_looked_at)
        return await asyncio.shield(task)

    async def _run(self, key: object, *args: P.args, **kwargs: P.kwargs) -> T:
        before = self._begun.get(key)
        if before is not None:
            await asyncio.wait((before,))
        self._begun[key] = self._next.pop(key)
        try:
            return await self._read(*args, **kwargs)
        finally:
            del self._begun[key]


def _looked_at(task: asyncio.Task[T]) -> None:
    """Whoever asked may have left: then nobody else takes the error."""
    if not task.cancelled():
        task.exception()
