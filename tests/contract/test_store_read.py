"""Reading logs: places, limits, readers beside the writer, and deletion."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.stores import Owner, row, segment

from sessiond.actors.core.ports import Commit, RowQuery, Snapshot, Store
from sessiond.actors.core.segment import Segment

EVERYTHING = 1 << 30
LOG = [segment(1), segment(2, 4), segment(5), segment(6, 9)]


@pytest.fixture
def written(owner: Owner) -> Owner:
    owner.create(row("a"), *LOG[1:])
    return owner


@pytest.mark.parametrize(
    ("after", "first"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (8, 3), (9, 4), (1000, 4)]
)
def test_reading_goes_on_after_a_seq_even_within_a_segment(
    store: Store, written: Owner, after: int, first: int
) -> None:
    assert store.read("a", after, EVERYTHING) == LOG[first:]


@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_reading_stops_at_the_limit_but_gives_one_at_least(
    store: Store, written: Owner, count: int, extra: int
) -> None:
    limit = sum(len(part.data) for part in LOG[:count]) + extra
    fits = count if extra >= 0 else max(count - 1, 1)
    assert store.read("a", 0, limit) == LOG[:fits]
    assert store.read("a", 0, 0) == LOG[:1]


def test_a_long_log_is_read_in_pieces(store: Store, owner: Owner) -> None:
    parts = [segment(seq, text="x" * (seq * 37 % 3000)) for seq in range(1, 601)]
    owner.create(row("a"))
    assert owner.try_commit(*(Commit("a", part) for part in parts[1:])) is None
    parts[0] = segment(1)
    found: list[Segment] = []
    while piece := store.read("a", found[-1].last_seq if found else 0, 20_000):
        assert sum(len(part.data) for part in piece) <= 20_000
        found += piece
    assert found == parts
    assert store.read("a", 0, EVERYTHING) == parts


def test_an_unknown_session_has_nothing(store: Store) -> None:
    assert store.read("nobody", 0, EVERYTHING) == []
    assert store.load("nobody") is None
    assert store.row("nobody") is None
    assert not store.delete("nobody")


def test_load_gives_the_whole_log_without_a_snapshot(store: Store, written: Owner) -> None:
    stored = store.load("a")
    assert stored is not None
    assert (stored.row, stored.snapshot, stored.segments) == (row("a"), None, LOG)


def test_readers_see_whole_commits_while_the_owner_writes(store: Store, owner: Owner) -> None:
    written, done = [1], threading.Event()
    owner.create(row("a"))
    begin = threading.Barrier(4)

    def watch() -> int:
        seen = 0
        begin.wait()
        while not done.is_set() or seen < written[0]:
            for part in store.read("a", seen, 4096):
                assert part == segment(part.first_seq, part.last_seq)
                assert part.first_seq == seen + 1
                seen = part.last_seq
            stored = store.load("a")
            assert stored is not None
            assert stored.segments == [] or stored.segments[-1].last_seq >= stored.row.seq
            assert store.rows(RowQuery()).items[0].session_id == "a"
        return seen

    with ThreadPoolExecutor(3) as threads:
        watchers = [threads.submit(watch) for _ in range(3)]
        begin.wait()
        try:
            for number in range(300):
                first = 2 + 2 * number
                changed = row("a", seq=first + 1) if number % 7 == 0 else None
                snapshots = [Snapshot("a", first - 1, b"s")] if number % 50 == 49 else []
                batch = owner.batch([Commit("a", segment(first, first + 1), changed)], snapshots)
                assert store.commit([batch]) == [None]
                written[0] = first + 1
        finally:
            done.set()
        assert [watcher.result() for watcher in watchers] == [601] * 3


def test_deleting_leaves_nothing_and_nobody_else_out(store: Store, owner: Owner) -> None:
    labels = {"team": "x"}
    for name in ("a", "a~n~0", "ab"):
        owner.create(row(name, labels=labels, waits=("n",)), segment(2))
        assert owner.snapshot(name, 2, b"s") is None
    assert store.delete("a")
    assert not store.delete("a")
    assert (store.load("a"), store.row("a"), store.read("a", 0, EVERYTHING)) == (None, None, [])
    for query in (RowQuery(), RowQuery(label="team:x"), RowQuery(waiting=True), RowQuery(status="running")):
        assert {item.session_id for item in store.rows(query).items} == {"a~n~0", "ab"}
    assert "a" not in [name for shard in range(store.shards) for name in store.unfinished(shard)]
    assert store.load("ab") is not None


def test_a_deleted_id_may_be_used_again(store: Store, owner: Owner) -> None:
    owner.create(row("a", "completed", labels={"old": "x"}), segment(2), segment(3))
    assert owner.snapshot("a", 3, b"old") is None
    assert store.delete("a")
    owner.create(row("a", at=5))
    stored = store.load("a")
    assert stored is not None
    assert (stored.row, stored.snapshot, stored.segments) == (row("a", at=5), None, [segment(1)])
    assert store.rows(RowQuery(label="old")).items == []


def test_hazards_are_sentences(store: Store) -> None:
    for hazard in store.hazards():
        assert str(hazard).startswith(f"{hazard.setting} is {hazard.found}: ")
        assert hazard.risk.endswith(".")
        assert hazard.advice.endswith(".")
