"""How many sessions there are: asked of the store once a second at most, however many pages look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, get_args

from ..actors.core.lifecycle import Status
from ..actors.recent import Recent
from .responses import Counts

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
MOST_TENANTS: Final = 10_000
"""Tenants whose counts are remembered."""
FRESH_S: Final = 1.0
"""An SQLite file counts a million sessions in about an eighth of a second."""


class _Known:
    """What is known of a tenant."""

    __slots__ = ("at", "counts", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.counts: Counts | None = None
        self.at = 0.0


class CountedSessions:
    """Remembers the counts of each tenant for a second; who asks meanwhile waits for the same answer.

    Args:
        count: asks the store, for a tenant.
        clock: seconds, only forward.
    """

    def __init__(self, count: Callable[[str], Awaitable[dict[str, int]]], clock: Callable[[], float]) -> None:
        self._count = count
        self._clock = clock
        self._known: Recent[str, _Known] = Recent(MOST_TENANTS)

    async def of(self, tenant: str) -> Counts:
        """Return a tenant's sessions by status, as of a second ago or less."""
        known = self._known.of(tenant, _Known)
        async with known.lock:
            if known.counts is None or self._clock() - known.at >= FRESH_S:
                began = self._clock()
                found = await self._count(tenant)
                known.counts = Counts(**{status: found.get(status, 0) for status in STATUSES})
                known.at = began
            return known.counts
