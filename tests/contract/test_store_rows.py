"""Lists of sessions: order, filters, pages; and which sessions are unfinished."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from support.stores import Owner, moment, row, segment

from sessiond.actors.core.ports import Commit, RowQuery, SessionRow, Store

STATUSES = ("pending", "running", "paused", "completed", "failed", "cancelled")


def ids(store: Store, query: RowQuery) -> list[str]:
    """Return the ids on all pages of a query."""
    found: list[str] = []
    while True:
        page = store.rows(query)
        assert len(page.items) <= query.limit
        found += (item.session_id for item in page.items)
        if page.next_cursor is None:
            return found
        query = RowQuery(
            query.tenant,
            query.status,
            query.workflow_id,
            query.label,
            query.waiting,
            page.next_cursor,
            query.limit,
        )


def variety() -> list[SessionRow]:
    """Return rows that differ in everything a query may ask for, some of the same age."""
    return [
        row(
            f"s{number:03}",
            STATUSES[number % 6],
            at=number // 3,
            workflow_id=("council", "w/2 %x")[number % 2],
            tenant=("default", "tenant/2")[number % 5 == 0],
            labels={
                "team": ("x", "y")[number % 4 == 0],
                **({"url": "http://h:1"} if number % 3 == 0 else {}),
            },
            waits=("review",) if number % 7 == 0 else (),
        )
        for number in range(120)
    ]


def naive(rows: list[SessionRow], query: RowQuery) -> list[str]:
    """Return the ids that a query wants, by its plain meaning."""
    wanted = [
        item
        for item in rows
        if item.tenant == query.tenant
        and (query.status is None or item.status == query.status)
        and (query.workflow_id is None or item.workflow_id == query.workflow_id)
        and (query.waiting is None or (len(item.waits) > 0) == query.waiting)
        and (query.label is None or any(query.label in (key, f"{key}:{value}") for key, value in item.labels.items()))
    ]
    wanted.sort(key=lambda item: (item.created_at, item.session_id), reverse=True)
    return [item.session_id for item in wanted]


def test_every_combination_of_filters_gives_what_it_means(store: Store, owner: Owner) -> None:
    rows = variety()
    for item in rows:
        owner.create(item)
    matched = 0
    for tenant, status, workflow_id, label, waiting in itertools.product(
        ("default", "tenant/2", "nobody"),
        (None, "running", "completed"),
        (None, "w/2 %x"),
        (None, "team", "team:x", "url:http://h:1", "url:http", "nothing"),
        (None, True, False),
    ):
        query = RowQuery(tenant, status, workflow_id, label, waiting, None, 7)
        expected = naive(rows, query)
        assert ids(store, query) == expected, query
        matched += bool(expected)
    assert matched > 100


def test_rows_come_newest_first_and_of_the_same_age_by_id(store: Store, owner: Owner) -> None:
    for name, at in (("b", 1), ("a", 1), ("d", 0), ("c", 2), ("é", 1)):
        owner.create(row(name, at=at))
    assert ids(store, RowQuery()) == ["c", "é", "b", "a", "d"]
    assert ids(store, RowQuery(limit=1)) == ["c", "é", "b", "a", "d"]


@pytest.mark.parametrize("count", [0, 9, 10, 11, 20])
def test_the_last_page_has_no_cursor(store: Store, owner: Owner, count: int) -> None:
    for number in range(count):
        owner.create(row(f"s{number}", at=number))
    pages, cursor = [], None
    while True:
        page = store.rows(RowQuery(cursor=cursor, limit=10))
        pages.append(len(page.items))
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == {0: [0], 9: [9], 10: [10], 11: [10, 1], 20: [10, 10]}[count]


def test_pages_neither_repeat_nor_hide_rows_while_sessions_come_and_go(store: Store, owner: Owner) -> None:
    for number in range(30):
        owner.create(row(f"s{number:02}", at=100 + number))
    found: list[str] = []
    cursor = None
    for step in itertools.count():
        page = store.rows(RowQuery(cursor=cursor, limit=4))
        found += (item.session_id for item in page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
        owner.create(row(f"new{step}", at=1000 + step))
        assert store.delete(page.items[-1].session_id)
    assert found == [f"s{number:02}" for number in reversed(range(30))]


@pytest.mark.parametrize("cursor", ["", "!", "x" * 50, "WzEsImEiXQ", "WzIsImEiLCJiIl0", "ä", "W10="])
def test_a_foreign_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        store.rows(RowQuery(cursor=cursor))


def test_a_changed_row_is_found_as_it_is_now(store: Store, owner: Owner) -> None:
    for name in ("a", "b"):
        owner.create(row(name, labels={"k": "old"}, waits=("n",)))
    owner.commit(Commit("a", segment(2), row("a", "completed", seq=2, labels={"k": "new"})))
    for unchanged in (RowQuery(status="running"), RowQuery(label="k:old"), RowQuery(waiting=True)):
        assert ids(store, unchanged) == ["b"], unchanged
    for found in (RowQuery(status="completed"), RowQuery(label="k:new"), RowQuery(waiting=False)):
        assert ids(store, found) == ["a"], found
    assert ids(store, RowQuery(label="k")) == ["b", "a"]


def test_a_row_keeps_every_field(store: Store, owner: Owner) -> None:
    full = SessionRow(
        "a~n~0",
        "paused",
        "w",
        "v" * 64,
        1,
        moment(0),
        moment(1),
        moment(2),
        moment(3),
        "a",
        "tenant",
        {"k": "v", "ä": ""},
        ("n", "m"),
    )
    owner.create(full)
    stored = store.load("a~n~0")
    assert stored is not None
    assert full == store.row("a~n~0") == stored.row == store.rows(RowQuery(tenant="tenant")).items[0]


def test_unfinished_sessions_are_the_running_ones_of_a_shard(store: Store, owner: Owner) -> None:
    for number, status in enumerate(STATUSES * 3):
        owner.create(row(f"root~{status}~{number}", status, at=number))
    owner.create(row("elsewhere", tenant="other"))
    owner.commit(
        Commit("root~paused~2", segment(2), row("root~paused~2", "running", seq=2, at=2)),
        Commit("root~running~7", segment(2), row("root~running~7", "failed", seq=2, at=7)),
    )
    home = owner.batch([Commit("root", segment(1))]).shard
    found = {shard: store.unfinished(shard) for shard in range(store.shards)}
    family = ["root~running~13", "root~paused~2", "root~running~1"]
    assert [name for name in found[home] if name != "elsewhere"] == family
    assert sorted(itertools.chain(*found.values())) == sorted([*family, "elsewhere"])


def test_idle_sessions_are_found_by_their_timers_only(store: Store, owner: Owner) -> None:
    def idle(name: str, wakes_at: float | None) -> SessionRow:
        return msgspec.structs.replace(row(name), idle=True, wakes_at=wakes_at)

    for name, wakes_at in (("root~m~1", 30.5), ("root~m~2", 10.25), ("root~m~3", None), ("root~m~4", 99.0)):
        owner.create(idle(name, wakes_at))
    home = owner.batch([Commit("root", segment(1))]).shard
    assert store.unfinished(home) == []
    assert store.due(home, 10.25) == ["root~m~2"]
    assert store.due(home, 50.0) == ["root~m~2", "root~m~1"]
    assert [store.due(shard, 99.0) for shard in range(store.shards) if shard != home] == [[]] * (store.shards - 1)
    at_work = msgspec.structs.replace(row("root~m~2", seq=2), wakes_at=10.0)
    owner.commit(Commit("root~m~2", segment(2), at_work))
    owner.commit(Commit("root~m~1", segment(2), idle("root~m~1", 98.0)))
    assert store.unfinished(home) == ["root~m~2"]
    assert store.due(home, 97.0) == []
    assert store.due(home, 99.0) == ["root~m~1", "root~m~4"]
    assert store.delete("root~m~1")
    assert store.due(home, 99.0) == ["root~m~4"]


def test_expired_sessions_are_found_by_when_they_ended(store: Store, owner: Owner) -> None:
    def ended(name: str, at: int) -> SessionRow:
        return msgspec.structs.replace(row(name, "completed"), ended_at=moment(at))

    for number, at in enumerate((30, 10, 20)):
        owner.create(ended(f"root~m~{number}", at))
    owner.create(row("root~m~9"))
    home = owner.batch([Commit("root", segment(1))]).shard
    assert store.expired(home, moment(10), 9) == []
    assert store.expired(home, moment(30), 9) == ["root~m~1", "root~m~2"]
    assert store.expired(home, moment(31), 2) == ["root~m~1", "root~m~2"]
    assert store.delete("root~m~1")
    assert store.expired(home, moment(99), 9) == ["root~m~2", "root~m~0"]
    owner.commit(Commit("root~m~9", segment(2), ended("root~m~9", 25)))
    assert store.expired(home, moment(99), 9) == ["root~m~2", "root~m~9", "root~m~0"]
