"""Appending: order, positions, repeats, snapshots."""

from __future__ import annotations

import pytest
from support.stores import Owner, row, segment

from sessiond.actors.core.errors import PositionConflict, StoreError
from sessiond.actors.core.ports import Batch, Commit, Snapshot, Store
from sessiond.actors.core.segment import Segment, payloads

EVERYTHING = 1 << 30


def log(store: Store, session_id: str) -> list[Segment]:
    return store.read(session_id, 0, EVERYTHING)


def test_a_committed_segment_is_read_back_byte_for_byte(store: Store, owner: Owner) -> None:
    written = segment(1, 3, 'ünïcode "and" \N{PILE OF POO}')
    owner.commit(Commit("a", written, row("a", seq=3)))
    assert log(store, "a") == [written]
    assert [len(list(payloads(part.data))) for part in log(store, "a")] == [3]
    assert store.row("a") == row("a", seq=3)


def test_one_batch_may_carry_a_session_further_several_times(store: Store, owner: Owner) -> None:
    parts = [segment(1), segment(2, 4), segment(5)]
    owner.commit(
        Commit("a", parts[0], row("a", "pending")),
        Commit("a", parts[1], row("a", "running", seq=4)),
        Commit("a", parts[2]),
    )
    assert log(store, "a") == parts
    assert store.row("a") == row("a", "running", seq=4)


@pytest.mark.parametrize("count", [64, 65, 500, 1200])
def test_a_batch_may_be_large(store: Store, owner: Owner, count: int) -> None:
    names = [f"root~map~{number}" for number in range(count)]
    owner.commit(*(Commit(name, segment(1), row(name)) for name in names))
    owner.commit(*(Commit(name, segment(2)) for name in names))
    assert all(log(store, name) == [segment(1), segment(2)] for name in names)


def test_a_segment_may_be_large(store: Store, owner: Owner) -> None:
    large = segment(2, 3, "x" * (1 << 20))
    owner.create(row("a"), large)
    assert log(store, "a") == [segment(1), large]


@pytest.mark.parametrize("name", ["äöü-日本語-🦜", "a b c", "a:b.c_d-e", "{braces}", "a'b\"c;--", "x" * 128])
def test_ids_are_any_text(store: Store, owner: Owner, name: str) -> None:
    owner.create(row(name), segment(2))
    stored = store.load(name)
    assert stored is not None
    assert stored.row == row(name)
    assert log(store, name) == [segment(1), segment(2)]
    assert store.unfinished(owner.batch([Commit(name, segment(3))]).shard) == [name]
    assert store.delete(name)
    assert store.load(name) is None


def test_no_batches_give_no_answers(store: Store) -> None:
    assert store.commit([]) == []


def test_repeating_a_commit_changes_nothing(store: Store, owner: Owner) -> None:
    first = Commit("a", segment(1), row("a"))
    second = Commit("a", segment(2, 3))
    for commit in (first, first, second, second, first):
        owner.commit(commit)
    assert log(store, "a") == [segment(1), segment(2, 3)]


def test_a_repeat_is_compared_with_its_own_log_only(store: Store, owner: Owner) -> None:
    for name in ("a", "b"):
        owner.create(row(name), segment(2, text=f"of {name}"))
    owner.commit(Commit("b", segment(2, text="of b")))
    assert isinstance(owner.try_commit(Commit("b", segment(2, text="of a"))), PositionConflict)
    assert log(store, "b") == [segment(1), segment(2, text="of b")]


def test_a_late_repeat_does_not_bring_an_old_row_back(store: Store, owner: Owner) -> None:
    owner.create(row("a", "running"))
    owner.commit(Commit("a", segment(2), row("a", "completed", seq=2)))
    owner.commit(Commit("a", segment(1), row("a", "running")))
    assert store.row("a") == row("a", "completed", seq=2)
    assert [store.unfinished(shard) for shard in range(store.shards)] == [[]] * store.shards


def test_a_batch_that_was_written_in_part_is_completed(store: Store, owner: Owner) -> None:
    owner.create(row("a"))
    owner.commit(
        Commit("a", segment(1), row("a")),
        Commit("a", segment(2)),
        Commit("a~n~0", segment(1), row("a~n~0")),
    )
    assert log(store, "a") == [segment(1), segment(2)]
    assert log(store, "a~n~0") == [segment(1)]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        pytest.param(segment(5), 4, id="gap"),
        pytest.param(segment(3), 2, id="overlaps the end"),
        pytest.param(segment(2), 1, id="inside a segment"),
        pytest.param(segment(3, 4), 2, id="overlaps and goes beyond"),
        pytest.param(segment(1, 3), 0, id="spans two segments"),
        pytest.param(Segment(3, 3, segment(2, 3).data), 2, id="the same bytes at another place"),
        pytest.param(segment(2, 3, "other"), 1, id="other bytes at the same place"),
    ],
)
def test_a_gap_or_overlap_is_refused(store: Store, owner: Owner, bad: Segment, expected: int) -> None:
    owner.create(row("a"), segment(2, 3))
    before = store.load("a")
    answer = owner.try_commit(Commit("a", bad, row("a", "failed")))
    assert isinstance(answer, PositionConflict)
    assert (answer.session_id, answer.expected, answer.found) == ("a", expected, 3)
    assert store.load("a") == before
    owner.commit(Commit("a", segment(4)))


def test_a_log_begins_at_one(store: Store, owner: Owner) -> None:
    answer = owner.try_commit(Commit("a", segment(2), row("a")))
    assert isinstance(answer, PositionConflict)
    assert store.row("a") is None


def test_a_refused_commit_takes_its_whole_batch_along(store: Store, owner: Owner) -> None:
    names = [f"r~n~{number}" for number in range(100)]
    owner.commit(*(Commit(name, segment(1), row(name)) for name in names))
    commits = [Commit(name, segment(2), row(name, "completed", seq=2)) for name in names]
    commits.insert(1, Commit("r~new~0", segment(1), row("r~new~0")))
    commits[-1] = Commit(names[-1], segment(3))
    assert isinstance(owner.try_commit(*commits), PositionConflict)
    assert [log(store, name) for name in names] == [[segment(1)]] * 100
    assert [store.row(name) for name in names] == [row(name) for name in names]
    assert store.row("r~new~0") is None
    owner.commit(*commits[:-1], Commit(names[-1], segment(2)))
    assert log(store, names[-1]) == [segment(1), segment(2)]


def test_each_batch_stands_for_itself(store: Store, owner: Owner) -> None:
    batches = [
        owner.batch([Commit("a", segment(1), row("a"))]),
        owner.batch([Commit("b", segment(7))]),
        Batch(0, "9:unheard-of", [Commit("c", segment(1), row("c"))]),
        owner.batch([Commit("d", segment(1), row("d"))]),
    ]
    answers = store.commit(batches)
    assert [type(answer) for answer in answers][::3] == [type(None), type(None)]
    assert isinstance(answers[1], PositionConflict)
    assert isinstance(answers[2], StoreError)
    assert [store.row(name) is not None for name in "abcd"] == [True, False, False, True]


@pytest.mark.parametrize(
    "commit",
    [
        pytest.param(Commit("a", segment(1)), id="begins without a row"),
        pytest.param(Commit("a", segment(1), row("b")), id="row of another session"),
        pytest.param(Commit("a", Segment(1, 0, b""), row("a")), id="no events"),
        pytest.param(Commit("a", segment(1), row("a", workflow_id="\ud800")), id="not UTF-8"),
    ],
)
def test_a_commit_that_makes_no_sense_is_refused(store: Store, owner: Owner, commit: Commit) -> None:
    answer = owner.try_commit(commit)
    assert isinstance(answer, StoreError)
    assert store.row("a") is None
    owner.create(row("a"))


def test_load_gives_the_snapshot_and_the_log_after_it(store: Store, owner: Owner) -> None:
    owner.create(row("a"), segment(2, 3), segment(4), segment(5))
    assert owner.snapshot("a", 3, b"\x00state at 3") is None
    stored = store.load("a")
    assert stored is not None
    assert stored.snapshot == Snapshot("a", 3, b"\x00state at 3")
    assert stored.segments == [segment(4), segment(5)]
    assert log(store, "a")[0] == segment(1)


def test_a_snapshot_may_come_with_the_commit_it_includes(store: Store, owner: Owner) -> None:
    owner.create(row("a"))
    batch = owner.batch([Commit("a", segment(2), row("a", "completed", seq=2))], [Snapshot("a", 2, b"end")])
    assert store.commit([batch, batch]) == [None, None]
    stored = store.load("a")
    assert stored is not None
    assert (stored.snapshot, stored.segments) == (Snapshot("a", 2, b"end"), [])
    first = owner.batch([Commit("a~n~0", segment(1), row("a~n~0"))], [Snapshot("a~n~0", 1, b"begin")])
    assert store.commit([first, first]) == [None, None]
    child = store.load("a~n~0")
    assert child is not None
    assert (child.snapshot, child.segments) == (Snapshot("a~n~0", 1, b"begin"), [])


def test_an_older_snapshot_does_not_replace_a_newer_one(store: Store, owner: Owner) -> None:
    owner.create(row("a"), segment(2), segment(3))
    for seq in (3, 1):
        assert owner.snapshot("a", seq, b"at %d" % seq) is None
    stored = store.load("a")
    assert stored is not None
    assert stored.snapshot == Snapshot("a", 3, b"at 3")


@pytest.mark.parametrize("seq", [0, 2, 99])
def test_a_snapshot_never_runs_ahead_of_the_log(store: Store, owner: Owner, seq: int) -> None:
    owner.create(row("a"))
    assert isinstance(owner.snapshot("a", seq, b"lie"), PositionConflict)
    assert isinstance(owner.snapshot("nobody", 1, b"lie"), PositionConflict)
    stored = store.load("a")
    assert stored is not None
    assert stored.snapshot is None
