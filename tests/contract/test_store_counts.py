"""How many sessions of a tenant have each status."""

from __future__ import annotations

from collections import Counter

from support.stores import Owner, row, segment

from sessiond.actors.core.ports import Commit, Store

STATUSES = ("pending", "running", "paused", "completed", "failed", "cancelled")


def present(store: Store, tenant: str = "default") -> dict[str, int]:
    return {status: count for status, count in store.counts(tenant).items() if count}


def test_sessions_are_counted_for_each_tenant_by_status(store: Store, owner: Owner) -> None:
    expected: Counter[str] = Counter()
    for number in range(50):
        status = STATUSES[number % 7 % 6]
        expected[status] += 1
        owner.create(row(f"s{number}", status, at=number))
    owner.create(row("other", "paused", tenant="tenant/2"))
    assert present(store) == expected
    assert present(store, "tenant/2") == {"paused": 1}
    assert present(store, "nobody") == {}


def test_a_session_counts_once_under_the_status_that_it_has_now(store: Store, owner: Owner) -> None:
    owner.create(row("a"))
    owner.create(row("b"))
    owner.commit(Commit("a", segment(2), row("a", "completed", seq=2)))
    assert present(store) == {"running": 1, "completed": 1}
    assert store.delete("a")
    assert present(store) == {"running": 1}
