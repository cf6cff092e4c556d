"""The gate of a session: open while it runs, shut while it is paused."""

from __future__ import annotations

import asyncio


class Gate:
    """What a paused session's nodes wait at. Belongs to one event loop."""

    __slots__ = ("_waiters", "shut")

    def __init__(self) -> None:
        self.shut = False
        self._waiters: list[asyncio.Future[None]] | None = None

    def close(self) -> None:
        """Let nobody through."""
        self.shut = True

    def open(self) -> None:
        """Let everybody through."""
        self.shut = False
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    async def passage(self) -> None:
        """Wait until the gate is open."""
        while self.shut:
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = []
            self._waiters.append(waiter)
            await waiter
