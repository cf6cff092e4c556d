"""How many child sessions of a tenant are being started at the same time, so that nobody waits behind thousands.

A few kilobytes can ask for a map of maps: a hundred thousand sessions at once. Started all together, their commits
would stand before everybody else's, a stop among them, for as long as all of them take.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

AT_ONCE: Final = 32
"""Child sessions of one tenant that are being started: enough to fill the commits of a group."""


class Openings:
    """Turns to start a child session, for each tenant in the order of asking."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._asking: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._turns)

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it; nothing that needs another one may be awaited meanwhile."""
        turns = self._turns.setdefault(tenant, asyncio.Semaphore(self._at_once))
        self._asking[tenant] = self._asking.get(tenant, 0) + 1
        try:
            async with turns:
                yield
        finally:
            self._asking[tenant] -= 1
            if not self._asking[tenant]:
                del self._asking[tenant], self._turns[tenant]
