"""Tasks that share one work, and whose number grows as long as there is something to do for one more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Crew:
    """Tasks that work until nothing is left to do, or one of them fails.

    Args:
        work: makes what each of them does.
        most: how many there may be.

    Attributes:
        through: is done when all of them are; raises what the first to fail did.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]], most: int) -> None:
        self._work = work
        self._most = most
        self._tasks: list[asyncio.Task[None]] = []
        self._at_work = 0
        self.through: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def grow(self) -> None:
        """Have one more begin, unless there are as many as may be."""
        if len(self._tasks) < self._most:
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.append(task)
            self._at_work += 1
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._at_work -= 1
        error = None if task.cancelled() else task.exception()
        if self.through.done():
            return
        if error is not None:
            self.through.set_exception(error)
        elif not self._at_work:
            self.through.set_result(None)

    async def dismiss(self) -> None:
        """Cancel all of them, and wait until they have gone."""
        self._most = 0
        if not self.through.cancel() and not self.through.cancelled():
            self.through.exception()  # nobody may have been there to be told
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
