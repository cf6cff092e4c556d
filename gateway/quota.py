"""How many unfinished sessions a tenant may have, without a counter that every end of a session would have to touch.

The store is asked once; from then on only what is created here is added. So the figure may be too high, never too
low, and the store is asked again when it reaches the limit: seldom, and never more than a small part of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from ..actors.core.ports import RowPage, RowQuery
from ..actors.recent import Recent
from .problems import QuotaExceeded

UNFINISHED: Final = ("pending", "running", "paused")
PAGE: Final = 500
MOST_TENANTS: Final = 10_000
"""Tenants whose count is remembered: of others the store is asked again."""
REST_S: Final = 1.0
"""Seconds between two counts of one tenant, at least."""
REST_FACTOR: Final = 20.0
"""… and at least this many times what the last count took."""


class _Count:
    """What is known of one tenant: an upper bound, and when the store may be asked again.

    Attributes:
        creating: sessions for which room is held now; the store may not have them yet.
        taken: how often room was taken.
    """

    __slots__ = ("again_at", "bound", "creating", "lock", "taken")

    def __init__(self) -> None:
        self.bound: int | None = None
        self.creating = 0
        self.taken = 0
        self.again_at = 0.0
        self.lock = asyncio.Lock()


class SessionQuota:
    """Refuses sessions over `most` unfinished ones of a tenant.

    Args:
        most: how many; 0 for any number.
        rows: reads a page of sessions.
        clock: seconds, only forward.
    """

    def __init__(self, most: int, rows: Callable[[RowQuery], Awaitable[RowPage]], clock: Callable[[], float]) -> None:
        self._most = most
        self._rows = rows
        self._clock = clock
        self._counts: Recent[str, _Count] = Recent(MOST_TENANTS)

    @asynccontextmanager
    async def room(self, tenant: str, known: Callable[[], Awaitable[bool]] | None = None) -> AsyncIterator[None]:
        """Hold room for one session while it is created; given back if that fails.

        Args:
            tenant: whose session.
            known: tells whether the session is there already, so that its creation is a repetition and needs no room;
                asked only if there is none.

        Raises:
            QuotaExceeded: there is none.
        """
        if not self._most:
            yield
            return
        count = self._counts.of(tenant, _Count)
        try:
            await self._take(tenant, count)
        except QuotaExceeded:
            if known is None or not await known():
                raise
            yield
            return
        try:
            yield
        except BaseException:
            if count.bound:
                count.bound -= 1
            raise
        finally:
            count.creating -= 1

    async def _take(self, tenant: str, count: _Count) -> None:
        if count.bound is None or count.bound >= self._most:
            async with count.lock:
                if count.bound is None or (count.bound >= self._most and self._clock() >= count.again_at):
                    await self._ask(tenant, count)
        if count.bound is None or count.bound >= self._most:
            wait = max(REST_S, count.again_at - self._clock())
            raise QuotaExceeded(f"{self._most} sessions are unfinished, which is the limit for one tenant", wait)
        count.bound += 1
        count.creating += 1
        count.taken += 1

    async def _ask(self, tenant: str, count: _Count) -> None:
        began = self._clock()
        creating, taken = count.creating, count.taken
        found = 0
        for status in UNFINISHED:
            cursor: str | None = None
            while found < self._most:
                page = await self._rows(RowQuery(tenant, status=status, cursor=cursor, limit=PAGE))
                found += len(page.items)
                cursor = page.next_cursor
                if cursor is None:
                    break
        added = count.taken - taken  # while the store was read; some of all these it may have counted too
        count.bound = found + creating + added
        took = self._clock() - began
        count.again_at = self._clock() + max(REST_S, REST_FACTOR * took)
