"""The quota of unfinished sessions: how seldom the store is asked, and that it is never passed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from support.stores import row

from sessiond.actors.core.ports import RowPage, RowQuery
from sessiond.gateway import quota as quota_module
from sessiond.gateway.problems import QuotaExceeded
from sessiond.gateway.quota import SessionQuota


class Shelf:
    """Sessions of tenants, and how often they were counted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.running: dict[str, int] = {}
        self.asked = 0

    async def rows(self, query: RowQuery) -> RowPage:
        await asyncio.sleep(0)
        if query.status != "running":
            return RowPage([], None)
        self.asked += query.cursor is None
        done = int(query.cursor or 0)
        count = min(query.limit, self.running.get(query.tenant, 0) - done)
        more = done + count < self.running.get(query.tenant, 0)
        return RowPage([row(str(number)) for number in range(count)], str(done + count) if more else None)

    def quota(self, most: int) -> SessionQuota:
        return SessionQuota(most, self.rows, lambda: self.now)

    async def create(self, quota: SessionQuota, tenant: str = "acme") -> None:
        async with quota.room(tenant):
            await asyncio.sleep(0)
            self.running[tenant] = self.running.get(tenant, 0) + 1


async def test_the_store_is_asked_once_until_the_limit_is_reached() -> None:
    shelf = Shelf()
    shelf.running["acme"] = 3
    quota = shelf.quota(10)
    for _ in range(7):
        await shelf.create(quota)
    assert shelf.asked == 1
    with pytest.raises(QuotaExceeded):
        await shelf.create(quota)
    await shelf.create(quota, "zeta")


async def test_sessions_that_ended_make_room_at_the_next_count() -> None:
    shelf = Shelf()
    quota = shelf.quota(2)
    await shelf.create(quota)
    await shelf.create(quota)
    shelf.running["acme"] = 1
    with pytest.raises(QuotaExceeded) as refused:
        await shelf.create(quota)
    assert refused.value.retry_after == 1.0
    shelf.now = 1.0
    await shelf.create(quota)
    assert shelf.running["acme"] == 2


async def test_those_who_are_refused_all_the_time_do_not_have_it_counted_all_the_time() -> None:
    shelf = Shelf()
    shelf.running["acme"] = 1_200
    quota = shelf.quota(1_000)
    for _ in range(50):
        with pytest.raises(QuotaExceeded):
            await shelf.create(quota)
    assert shelf.asked == 1


async def test_many_at_once_never_pass_the_limit() -> None:
    shelf = Shelf()
    quota = shelf.quota(5)
    done = await asyncio.gather(*[shelf.create(quota) for _ in range(20)], return_exceptions=True)
    assert shelf.running["acme"] == 5
    assert sum(isinstance(one, QuotaExceeded) for one in done) == 15


async def test_what_is_still_being_created_at_a_count_is_counted() -> None:
    shelf, begun, stored = Shelf(), asyncio.Event(), asyncio.Event()
    quota = shelf.quota(2)
    await shelf.create(quota)

    async def slow() -> None:
        async with quota.room("acme"):
            begun.set()
            await stored.wait()
            shelf.running["acme"] += 1

    creating = asyncio.create_task(slow())
    await begun.wait()
    shelf.running["acme"], shelf.now = 0, 5.0
    await shelf.create(quota)
    with pytest.raises(QuotaExceeded):
        await shelf.create(quota)
    stored.set()
    await creating
    assert shelf.running["acme"] == 2


async def test_what_takes_a_room_that_was_given_back_during_a_count_is_counted() -> None:
    shelf, begun, fails = Shelf(), asyncio.Event(), asyncio.Event()
    counting, read = asyncio.Event(), asyncio.Event()

    async def rows(query: RowQuery) -> RowPage:
        found = await shelf.rows(query)
        if shelf.now and query.status == "running":
            counting.set()
            await read.wait()
        return found

    quota = SessionQuota(2, rows, lambda: shelf.now)
    await shelf.create(quota)

    async def failing() -> None:
        async with quota.room("acme"):
            begun.set()
            await fails.wait()
            raise KeyError

    fail = asyncio.create_task(failing())
    await begun.wait()
    shelf.now = 5.0
    asking = asyncio.create_task(shelf.create(quota))
    await counting.wait()
    fails.set()
    with pytest.raises(KeyError):
        await fail
    await shelf.create(quota)
    read.set()
    with pytest.raises(QuotaExceeded):
        await asking
    assert shelf.running["acme"] == 2


@pytest.mark.parametrize(
    ("status", "counts"), [("pending", True), ("running", True), ("paused", True), ("completed", False)]
)
async def test_every_session_counts_that_has_not_ended(status: str, counts: bool) -> None:
    async def rows(query: RowQuery) -> RowPage:
        return RowPage([row("s", status)] if query.status == status else [], None)

    entered = False
    with suppress(QuotaExceeded):
        async with SessionQuota(1, rows, lambda: 0.0).room("acme"):
            entered = True
    assert entered != counts


async def test_what_fails_gives_its_room_back() -> None:
    shelf = Shelf()
    quota = shelf.quota(1)
    with pytest.raises(KeyError):
        async with quota.room("acme"):
            raise KeyError
    await shelf.create(quota)


async def test_no_quota_asks_nothing() -> None:
    shelf = Shelf()
    quota = shelf.quota(0)
    for _ in range(20):
        await shelf.create(quota)
    assert shelf.asked == 0


async def test_of_many_tenants_the_counts_of_those_that_created_last_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quota_module, "MOST_TENANTS", 2)
    shelf = Shelf()
    quota = shelf.quota(10)
    for tenant, asked in (("a", 1), ("b", 2), ("a", 2), ("c", 3), ("a", 3), ("b", 4)):
        await shelf.create(quota, tenant)
        assert shelf.asked == asked
