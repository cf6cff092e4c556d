"""The gate of a session: open while it runs, shut while it is paused."""

from __future__ import annotations

import asyncio


class Gate:
    """What a paused session's nodes wait at. Belongs to one event loop."""

    __slots__ = ("_waiters", "_watchers", "shut")

    def __init__(self) -> None:
        self.shut = False
        self._waiters: list[asyncio.Future[None]] | None = None
        self._watchers: list[asyncio.Future[None]] | None = None

    def close(self) -> None:
        """Let nobody through."""
        self.shut = True
        watchers, self._watchers = self._watchers, None
        _wake(watchers)

    def open(self) -> None:
        """Let everybody through."""
        self.shut = False
        waiters, self._waiters = self._waiters, None
        _wake(waiters)

    async def passage(self) -> None:
        """Wait until the gate is open."""
        while self.shut:
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await waiter

    async def closure(self) -> None:
        """Wait until the gate is shut."""
        while not self.shut:
            watcher = asyncio.get_running_loop().create_future()
            if self._watchers is None:
                self._watchers = []
            self._watchers.append(watcher)
            try:
                await watcher
            finally:
                if self._watchers is not None and watcher in self._watchers:  # whoever watched gave up
                    self._watchers.remove(watcher)


def _wake(waiters: list[asyncio.Future[None]] | None) -> None:
    for waiter in waiters or ():
        if not waiter.done():
            waiter.set_result(None)
