"""Counts of sessions: asked of the store once a second, however many look."""

from __future__ import annotations

import asyncio

import pytest

from sessiond.gateway import session_counts
from sessiond.gateway.responses import Counts
from sessiond.gateway.session_counts import FRESH_S, CountedSessions


def running(count: int) -> Counts:
    return Counts(pending=0, running=count, paused=0, completed=0, failed=0, cancelled=0)


class Counted:
    """A store that counts how often it is asked, and what time it is."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 100.0
        self.open = asyncio.Event()
        self.open.set()

    async def count(self, tenant: str) -> dict[str, int]:
        self.asked.append(tenant)
        await self.open.wait()
        if len(self.asked) == 1 and self.now < 0:
            raise OSError("away")
        return {"running": len(self.asked)}


async def test_within_a_second_the_store_is_asked_once_for_each_tenant() -> None:
    store = Counted()
    counts = CountedSessions(store.count, lambda: store.now)
    assert await counts.of("a") == await counts.of("a") == running(1)
    assert await counts.of("b") == running(2)
    store.now += FRESH_S
    assert await counts.of("a") == running(3)
    assert store.asked == ["a", "b", "a"]


async def test_who_asks_at_the_same_time_shares_an_answer() -> None:
    store = Counted()
    store.open.clear()
    counts = CountedSessions(store.count, lambda: store.now)
    waiting = [asyncio.ensure_future(counts.of("a")) for _ in range(5)]
    store.open.set()
    assert await asyncio.gather(*waiting) == [running(1)] * 5
    assert store.asked == ["a"]


async def test_a_store_that_was_away_is_asked_again() -> None:
    store = Counted()
    store.now = -5.0
    counts = CountedSessions(store.count, lambda: store.now)
    with pytest.raises(OSError, match="away"):
        await counts.of("a")
    assert await counts.of("a") == running(2)


async def test_of_many_tenants_those_that_asked_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_counts, "MOST_TENANTS", 2)
    store = Counted()
    counts = CountedSessions(store.count, lambda: store.now)
    for tenant in ("a", "b", "a", "c", "a", "b"):
        await counts.of(tenant)
    assert store.asked == ["a", "b", "c", "b"]
