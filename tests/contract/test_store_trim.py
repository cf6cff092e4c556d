"""Trimming: with a snapshot, whole segments before it, and a read that says so."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from support.stores import OpenStore, Owner, row, segment

from sessiond.actors.core.errors import CorruptLog, Fenced, LogTrimmed, PositionConflict, StoreError, Unavailable
from sessiond.actors.core.ports import Commit, Snapshot, Store

EVERYTHING = 1 << 30
LOG = [segment(1), segment(2, 4), segment(5), segment(6, 9), segment(10)]


@pytest.fixture
def written(owner: Owner) -> Owner:
    owner.create(row("a"), *LOG[1:])
    return owner


def snap(owner: Owner, seq: int, trim: int, name: str = "a") -> StoreError | Unavailable | None:
    return owner.snapshot(name, seq, b"s%d" % seq, trim)


@pytest.mark.parametrize(
    ("trim", "kept"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3), (8, 3)]
)  # a segment that goes on behind the point stays, whole
def test_whole_segments_up_to_the_point_go(store: Store, written: Owner, trim: int, kept: int) -> None:
    assert snap(written, 9, trim) is None
    begin = LOG[kept].first_seq - 1
    assert store.read("a", begin, EVERYTHING) == LOG[kept:]
    stored = store.load("a")
    assert stored is not None
    assert (stored.snapshot, stored.segments) == (Snapshot("a", 9, b"s9"), LOG[4:])


def test_a_read_from_before_the_point_says_where_the_log_begins(store: Store, written: Owner) -> None:
    assert snap(written, 9, 5) is None
    for after in (0, 1, 4):
        for limit in (0, EVERYTHING):
            with pytest.raises(LogTrimmed) as trimmed:
                store.read("a", after, limit)
            assert trimmed.value.first_seq == 6
    assert store.read("a", 5, EVERYTHING) == LOG[3:]
    assert store.read("a", 7, EVERYTHING) == LOG[3:]


@pytest.mark.parametrize(("seq", "trim"), [(5, 5), (5, 6), (5, -1), (9, 9), (10, 10), (10, 11)])
def test_nothing_goes_that_no_snapshot_covers_nor_the_last_segment(
    store: Store, written: Owner, seq: int, trim: int
) -> None:
    answer = snap(written, seq, trim)
    assert isinstance(answer, StoreError)
    assert not isinstance(answer, (Fenced, PositionConflict))
    stored = store.load("a")
    assert stored is not None
    assert (stored.snapshot, store.read("a", 0, EVERYTHING)) == (None, LOG)


def test_a_snapshot_that_does_not_fit_trims_nothing(store: Store, written: Owner) -> None:
    assert isinstance(snap(written, 11, 9), PositionConflict)
    assert store.read("a", 0, EVERYTHING) == LOG


def test_a_batch_that_is_refused_trims_nothing(store: Store, written: Owner) -> None:
    batch = written.batch([Commit("a", segment(12))], [Snapshot("a", 9, b"s", 5)])
    assert isinstance(store.commit([batch])[0], PositionConflict)
    assert store.read("a", 0, EVERYTHING) == LOG


def test_a_replaced_owner_trims_nothing(store: Store, written: Owner) -> None:
    heir = Owner(store, "heir")
    heir.commit(Commit("a", segment(11)))
    assert isinstance(snap(written, 9, 5), Fenced)
    assert store.read("a", 0, EVERYTHING) == [*LOG, segment(11)]


def test_trimming_again_changes_nothing_and_an_older_one_brings_nothing_back(store: Store, written: Owner) -> None:
    for seq, trim in ((9, 5), (9, 5), (5, 1), (9, 0)):
        assert snap(written, seq, trim) is None
        stored = store.load("a")
        assert stored is not None
        assert stored.snapshot == Snapshot("a", 9, b"s9")
        assert store.read("a", 5, EVERYTHING) == LOG[3:]


def test_a_trimmed_log_is_appended_to_and_a_repeated_commit_counts(store: Store, written: Owner) -> None:
    both = written.batch([Commit("a", segment(11, 12))], [Snapshot("a", 11, b"s11", 9)])
    assert store.commit([both, both]) == [None, None]
    for _ in range(2):
        batch = written.batch([Commit("a", segment(13))], [Snapshot("a", 12, b"s12", 9)])
        assert store.commit([batch]) == [None]
    assert store.read("a", 9, EVERYTHING) == [LOG[4], segment(11, 12), segment(13)]
    assert written.try_commit(Commit("a", segment(10))) is None, "it is there"
    assert isinstance(written.try_commit(Commit("a", LOG[2])), PositionConflict), "it can't be compared any more"


def test_only_that_session_is_trimmed(store: Store, owner: Owner) -> None:
    for name in ("a", "a~n~0", "ab"):
        owner.create(row(name), *LOG[1:])
    assert snap(owner, 9, 9 - 1, "a") is None
    for name in ("a~n~0", "ab"):
        assert store.read(name, 0, EVERYTHING) == LOG


def test_a_new_store_on_the_same_data_and_its_owner_know_of_it(open_store: OpenStore, durable_url: str) -> None:
    first = Owner(open_store(durable_url))
    first.create(row("a"), *LOG[1:])
    assert snap(first, 9, 5) is None
    heir = Owner(open_store(durable_url), "heir")
    heir.commit(Commit("a", segment(11)))
    assert heir.store.read("a", 5, EVERYTHING) == [*LOG[3:], segment(11)]
    with pytest.raises(LogTrimmed):
        heir.store.read("a", 0, EVERYTHING)


def test_a_deleted_session_leaves_no_trace_of_its_trimming(store: Store, written: Owner) -> None:
    assert snap(written, 9, 5) is None
    assert store.delete("a")
    assert store.read("a", 0, EVERYTHING) == []
    written.create(row("a", at=5), segment(2))
    assert store.read("a", 0, EVERYTHING) == [segment(1), segment(2)]


def test_readers_see_a_contiguous_log_or_that_it_was_trimmed(store: Store, owner: Owner) -> None:
    owner.create(row("a"))
    begin = threading.Barrier(4)

    def base(first_seq: int, seen: int) -> int:
        stored = store.load("a")
        assert stored is not None
        assert stored.snapshot is not None
        assert stored.snapshot.seq >= first_seq - 1 > seen
        return stored.snapshot.seq

    def watch() -> None:
        seen = 0
        begin.wait()
        while seen < 601:
            try:
                for part in store.read("a", seen, 2_000):
                    assert part.first_seq == seen + 1
                    assert part == segment(part.first_seq, part.last_seq)
                    seen = part.last_seq
            except LogTrimmed as trimmed:
                seen = base(trimmed.first_seq, seen)

    with ThreadPoolExecutor(3) as threads:
        watchers = [threads.submit(watch) for _ in range(3)]
        begin.wait()
        for number in range(300):
            first = 2 + 2 * number
            snapshots = [Snapshot("a", first - 1, b"s", max(first - 5, 0))] if number % 5 == 4 else []
            batch = owner.batch([Commit("a", segment(first, first + 1))], snapshots)
            assert store.commit([batch]) == [None]
        for watcher in watchers:
            watcher.result()


def test_a_front_that_no_snapshot_covers_is_an_error(open_store: OpenStore, tmp_path: Path) -> None:
    owner = Owner(open_store(f"sqlite:///{tmp_path}/s.db"))  # of Redis, see test_redis_faults
    owner.create(row("a"), *LOG[1:])
    assert owner.snapshot("a", 1, b"s1") is None
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection, connection:
        connection.execute("DELETE FROM log WHERE seq < 5")
    with pytest.raises(CorruptLog, match="goes on at seq 5 after 0"):
        owner.store.read("a", 0, EVERYTHING)
