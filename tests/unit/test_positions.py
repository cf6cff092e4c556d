"""Where a batch may write, checked against a naive log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores import row, segment

from sessiond.actors.core.errors import CorruptLog, LogTrimmed, PositionConflict, StoreError
from sessiond.actors.core.ports import Batch, Commit, Snapshot
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.sharding import shard_of
from sessiond.persistence.positions import check_contiguous, check_loaded, check_read, check_shape, unwritten


def plan(log: list[Segment], *parts: Segment, snapshots: tuple[int, ...] = ()) -> list[Segment]:
    """Return which of `parts` are to be appended to `log`, the only session's."""
    batch = Batch(0, "t", [Commit("a", part) for part in parts], [Snapshot("a", seq, b"") for seq in snapshots])
    ends = {part.last_seq: part for part in log}
    return [commit.segment for commit in unwritten(batch, lambda _: max(ends, default=0), lambda _, at: ends.get(at))]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.data())
def test_any_stretch_that_touches_the_end_is_completed(sizes: list[int], data: st.DataObject) -> None:
    parts, end = [], 0
    for size in sizes:
        parts.append(segment(end + 1, end + size))
        end += size
    head = data.draw(st.integers(0, len(parts)))
    begin = data.draw(st.integers(0, head))
    assert plan(parts[:head], *parts[begin:]) == parts[head:]


@given(st.integers(1, 9), st.integers(0, 4))
def test_a_segment_fits_in_one_place_only(first: int, more: int) -> None:
    log = [segment(1, 2), segment(3), segment(4, 6)]
    part = segment(first, first + more)
    if part in log:
        assert plan(log, part) == []
    elif first == 7:
        assert plan(log, part) == [part]
    else:
        with pytest.raises(PositionConflict):
            plan(log, part)


def test_a_segment_twice_in_one_batch_is_refused() -> None:
    with pytest.raises(PositionConflict):
        plan([], segment(1), segment(1))


def test_a_snapshot_may_include_what_its_batch_appends() -> None:
    assert plan([segment(1)], segment(2, 3), snapshots=(3,)) == [segment(2, 3)]
    with pytest.raises(PositionConflict):
        plan([segment(1)], segment(2, 3), snapshots=(4,))


@pytest.mark.parametrize("shards", [2, 64])
def test_a_session_of_another_shard_is_refused(shards: int) -> None:
    home = shard_of("a", shards)
    check_shape(Batch(home, "t", [Commit("a", segment(1), row("a"))], [Snapshot("a~n~0", 1, b"")]), shards)
    away = (home + 1) % shards
    for batch in (Batch(away, "t", [Commit("a", segment(2))]), Batch(away, "t", [], [Snapshot("a", 1, b"")])):
        with pytest.raises(StoreError, match=f"'a' is not of shard {away}"):
            check_shape(batch, shards)


def test_a_family_lives_in_one_shard_and_roots_spread() -> None:
    assert {shard_of(name, 64) for name in ("root", "root~n~0", "root~n~0~m~17")} == {shard_of("root", 64)}
    assert {shard_of(f"s{number}", 64) for number in range(2_000)} == set(range(64))
    assert shard_of("123456789", 1 << 32) == 0xCBF43926  # the check value of CRC-32


@pytest.mark.parametrize(
    ("after", "parts", "wrong"),
    [
        (0, [(1, 2), (3, 3)], None),
        (1, [(1, 2), (3, 3)], None),
        (2, [(3, 3)], None),
        (5, [], None),
        (0, [(2, 3)], "at seq 2 after 0"),
        (0, [(1, 2), (4, 4)], "at seq 4 after 2"),
        (0, [(1, 3), (3, 4)], "at seq 3 after 3"),
    ],
)
def test_a_gap_or_overlap_in_a_log_is_an_error(after: int, parts: list[tuple[int, int]], wrong: str | None) -> None:
    log = [segment(*part) for part in parts]
    if wrong is None:
        assert check_contiguous("a", after, log) == (log[-1].last_seq if log else after)
    else:
        with pytest.raises(CorruptLog, match=wrong):
            check_contiguous("a", after, log)


@pytest.mark.parametrize(
    ("after", "covered", "error"), [(2, 0, None), (1, 2, LogTrimmed), (1, 3, LogTrimmed), (1, 1, CorruptLog)]
)
def test_a_front_is_trimmed_only_where_the_snapshot_stands_for_all_of_it(
    after: int, covered: int, error: type[StoreError] | None
) -> None:
    """Whoever goes on from a snapshot before the gap would never know of the events in it."""
    if error is None:
        check_read("a", after, [segment(3, 4)], lambda: covered)
        return
    with pytest.raises(error):
        check_read("a", after, [segment(3, 4)], lambda: covered)


def test_a_log_that_ends_before_its_row_is_an_error() -> None:
    check_loaded(row("a", seq=3), 0, [segment(1, 3)])
    check_loaded(row("a", seq=3), 3, [])
    with pytest.raises(CorruptLog, match="ends at seq 2, its row was written at 3"):
        check_loaded(row("a", seq=3), 2, [])
