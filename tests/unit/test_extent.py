"""How much of a log is kept: by the limit, by snapshots, and all of it where children stand in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.graphs import Engine, chain, registry
from support.stores import Owner

from sessiond.actors.core.events import ChildStarted, Progress, pack
from sessiond.actors.core.extent import MOST_MARKS, NEW, NO_LIMIT, LogExtent, LogLimit, unknown
from sessiond.actors.core.messages import RecordFacts
from sessiond.actors.core.ports import Commit, Definition, Snapshot
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.snapshot import extent_of, freeze, thaw
from sessiond.actors.core.state import SessionState
from sessiond.actors.definitions import Definitions
from sessiond.actors.environment import SystemClock
from sessiond.actors.restore import Restorer
from sessiond.actors.upkeep import PASSIVE_BYTES, Upkeep
from sessiond.persistence.memory import MemoryStore

STEPS = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 5_000)), min_size=1, max_size=200)
SOME = st.none() | st.integers(1, 10_000)


def test_without_a_limit_nothing_goes() -> None:
    extent = NEW
    for seq in range(100, 1_000, 100):
        extent = extent.snapped(seq, 1 << 30, NO_LIMIT)
        assert extent.begin == 0


@given(STEPS, SOME, SOME)
def test_what_is_kept_is_near_the_limit_and_at_least_what_came_since_the_last_snapshot_but_one(
    steps: list[tuple[int, int]], events: int | None, size: int | None
) -> None:
    limit, extent, before, seq = LogLimit(events, size), NEW, 0, 0
    written = [(0, 0)]
    for more, grown in steps:
        last, seq = seq, seq + more
        written.append((seq, written[-1][1] + grown))
        extent = extent.snapped(seq, grown, limit)
        assert before <= extent.begin <= last < seq, "never back, never up to the snapshot"
        assert extent.begin in [at for at, _ in written]
        total = dict(written)
        assert len(extent.marks) <= MOST_MARKS
        if extent.begin != last:
            assert not limit.exceeded(seq - extent.begin, total[seq] - total[extent.begin])
        before = extent.begin


@given(STEPS)
def test_no_more_goes_than_the_limit_asks_for(steps: list[tuple[int, int]]) -> None:
    limit, extent, seq = LogLimit(100), NEW, 0
    for more, grown in steps[: MOST_MARKS - 2]:
        marks = extent.marks
        seq += more
        extent = extent.snapped(seq, grown, limit)
        if extent.begin != marks[0][0]:
            earlier = max(at for at, _ in marks if at < extent.begin)
            assert seq - earlier > 100


def test_a_log_with_children_in_it_keeps_them() -> None:
    extent = LogExtent(((10, 100), (20, 200)), whole=True)
    assert extent.snapped(1_000, 1 << 30, LogLimit(1, 1)).begin == 10
    assert unknown(500).snapped(1_000, 1 << 30, LogLimit(1, 1)).begin == 0


def test_an_extent_is_stored_with_its_snapshot_and_older_ones_have_none() -> None:
    extent = LogExtent(((10, 100), (20, 200)), whole=True)
    state = SessionState("s", seq=20)
    assert (thaw(freeze(state, extent)), extent_of(freeze(state, extent))) == (state, extent)
    assert extent_of(freeze(state)) is None
    assert extent_of(b'{"version":1,"state":{"session_id":"s"},"crc":1}') is None


def grown(upkeep: Upkeep, state: SessionState, events: int, size: int) -> int | None:
    """Grow a log; return the trim of the snapshot that this is worth, None if it is worth none."""
    state.seq += events
    upkeep.grew(size)
    snapshot = upkeep.snapshot(state)
    return None if snapshot is None else snapshot.trim


def test_without_a_limit_snapshots_come_by_bytes_alone() -> None:
    upkeep, state = Upkeep(1_000, False, NO_LIMIT), SessionState("s")
    assert grown(upkeep, state, 1_000_000, 999) is None
    assert grown(upkeep, state, 1, 1) == 0


@pytest.mark.parametrize("limit", [LogLimit(events=40), LogLimit(bytes=40_000)])
def test_within_a_limit_there_are_snapshots_enough_to_stay_near_it(limit: LogLimit) -> None:
    upkeep, state = Upkeep(1 << 30, False, limit), SessionState("s")
    trims = [grown(upkeep, state, 1, 1_000) for _ in range(400)]
    taken = [(seq, trim) for seq, trim in enumerate(trims, 1) if trim is not None]
    assert [seq for seq, _ in taken] == list(range(10, 401, 10))
    assert [seq - trim for seq, trim in taken] == [10, 20, 30, *[40] * 37]


def test_a_large_state_is_not_written_more_often_than_its_log_is_worth() -> None:
    upkeep, state = Upkeep(1 << 30, False, LogLimit(events=4)), SessionState("s", labels={"x": "y" * 10_000})
    assert grown(upkeep, state, 1, 100) == 0
    assert grown(upkeep, state, 100, 10_000) is None
    assert grown(upkeep, state, 1, 20_000) == 1


def test_a_session_that_comes_back_goes_on_with_what_was_known_of_its_log() -> None:
    extent = LogExtent(((0, 0), (50, 5_000), (90, 9_000)))
    upkeep, state = Upkeep(1 << 30, False, LogLimit(60), extent, since=900), SessionState("s", seq=99)
    assert grown(upkeep, state, 5, 500) is None
    assert grown(upkeep, state, 1, 100) == 50
    upkeep = Upkeep(1 << 30, False, LogLimit(60), extent, since=PASSIVE_BYTES)
    leaving = upkeep.snapshot(state, leaving=True)
    assert leaving is not None
    assert leaving.trim == 50


def test_no_snapshot_is_taken_of_an_end() -> None:
    upkeep, state = Upkeep(1_000, False, LogLimit(10), since=1 << 20), SessionState("s", "completed", seq=50)
    assert upkeep.snapshot(state) is None
    assert upkeep.snapshot(state, leaving=True) is None


def test_a_child_keeps_what_is_there_from_then_on() -> None:
    upkeep, state = Upkeep(1_000, False, LogLimit(10)), SessionState("s")
    assert [grown(upkeep, state, 20, 1_000) for _ in range(3)] == [0, 20, 40]
    upkeep.row(state, False, {"child:started"}, resting=False)
    assert [grown(upkeep, state, 20, 1_000) for _ in range(3)] == [40, 40, 40]


@pytest.mark.parametrize(
    ("log", "children", "whole"),
    [
        pytest.param(NEW, 0, False, id="no child"),
        pytest.param(NEW, 1, True, id="a child behind the snapshot"),
        pytest.param(None, 0, True, id="a snapshot that doesn't say"),
    ],
)
async def test_a_session_that_is_read_back_keeps_its_children(
    log: LogExtent | None, children: int, whole: bool
) -> None:
    engine = Engine(chain(1))
    engine.create()
    snapshot = Snapshot("s", engine.state.seq, freeze(engine.state, log))
    engine.tell(RecordFacts("n1", 1, 1, (Progress(0.5), *[ChildStarted("s~n1~0", 0)] * children)))
    workflow, records, at = engine.workflow, engine.records, snapshot.seq
    begin, rest = Segment(1, at, pack(records[:at])), Segment(at + 1, engine.state.seq, pack(records[at:]))
    store = MemoryStore()
    store.put_definition(Definition("w", workflow.version, workflow.body, engine.now, listed=False))
    owner = Owner(store)
    owner.commit(Commit("s", begin, engine.state.row()), Commit("s", rest))
    assert store.commit([owner.batch([], [snapshot])]) == [None]

    async def read(call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    restorer = Restorer(store, Definitions(store, registry(), SystemClock(), read), read)
    restored = await restorer.restore("s")
    assert restored is not None
    assert (restored.state, restored.since) == (engine.state, len(rest.data))
    assert restored.extent.whole is whole
