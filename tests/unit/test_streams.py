"""Subscriptions over a scripted log: whatever the interleaving, a follower sees one contiguous slice."""

from __future__ import annotations

import asyncio
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessiond.actors.core.detail import SessionDetail, describe
from sessiond.actors.core.errors import CorruptLog, LogTrimmed
from sessiond.actors.core.node import NodeRegistry, NodeType
from sessiond.actors.core.parse import parse
from sessiond.actors.core.reset import Reset, StreamReset, reset_at
from sessiond.actors.core.segment import Segment, frame, payloads
from sessiond.actors.core.state import SessionState
from sessiond.actors.nodes import register_builtin
from sessiond.actors.streams import WAKE_AT_ONCE, Chunk, EventHub


class Log:
    """A session's log whose reads the test may hold, and that may be trimmed.

    Attributes:
        base: the seq of the snapshot.
    """

    def __init__(self, page: int = 10_000) -> None:
        self.segments: list[Segment] = []
        self.page = page
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.reading = asyncio.Event()
        self.base = 0
        self.gone = False
        self.hub = EventHub(self.read, self.reset, self.present)

    async def read(self, session_id: str, after: int, limit: int) -> list[Segment]:
        self.reads += 1
        self.reading.set()
        found = [s for s in self.segments if s.last_seq > after][: self.page]
        await self.gate.wait()
        if found and found[0].first_seq > after + 1:
            raise LogTrimmed(session_id, found[0].first_seq)
        return found

    async def reset(self, session_id: str) -> Reset | None:
        return None if self.gone else reset_at(detail(session_id, self.base))

    async def present(self, session_id: str) -> Reset | None:
        return reset_at(detail(session_id, self.segments[-1].last_seq)) if self.segments else None

    def trim(self, upto: int, base: int) -> None:
        """Take a snapshot, and let the log begin after `upto`."""
        assert upto < base <= self.segments[-1].last_seq
        self.segments = [s for s in self.segments if s.last_seq > upto]
        self.base = base

    def append(self, count: int = 1, size: int = 0) -> Segment:
        """Store the next segment; it isn't published yet."""
        first = self.segments[-1].last_seq + 1 if self.segments else 1
        events = [frame(f"{seq}".ljust(size).encode()) for seq in range(first, first + count)]
        self.segments.append(Segment(first, first + count - 1, b"".join(events)))
        return self.segments[-1]

    def emit(self, count: int = 1, size: int = 0) -> None:
        self.hub.publish("s", self.append(count, size))


def detail(session_id: str, seq: int) -> SessionDetail:
    workflow = parse({"workflow_id": "w", "start_node_id": "a", "nodes": {"a": {"type": "start"}}}, known_types())
    return describe(workflow, SessionState(session_id, seq=seq), ())


@functools.cache
def known_types() -> dict[str, NodeType]:
    registry = NodeRegistry()
    register_builtin(registry)
    return registry.types


def seqs(chunk: Chunk | None) -> list[int]:
    assert chunk is not None
    found = [int(payload) for payload in payloads(chunk.data)]
    assert found == list(range(chunk.first_seq, chunk.last_seq + 1))
    return found


async def test_stored_events_first_then_live_ones() -> None:
    log = Log()
    log.append(3)
    subscription = log.hub.subscribe("s")
    assert seqs(await subscription.pull()) == [1, 2, 3]
    assert await subscription.pull() == Chunk(4, 3, b"", True)
    log.emit(2)
    assert seqs(chunk := await subscription.pull()) == [4, 5]
    assert chunk is not None
    assert not chunk.live
    assert log.reads == 2


async def test_a_log_of_many_pages_is_read_to_its_end_although_nothing_is_published() -> None:
    log = Log(page=2)
    for _ in range(5):
        log.append()
    subscription = log.hub.subscribe("s", 1)
    assert [seqs(await subscription.pull()) for _ in range(2)] == [[2, 3], [4, 5]]
    assert await subscription.pull() == Chunk(6, 5, b"", True)
    log.emit()
    assert seqs(await subscription.pull()) == [6]


async def test_an_empty_log_says_that_it_is_live() -> None:
    subscription = Log().hub.subscribe("s")
    assert await subscription.pull() == Chunk(1, 0, b"", True)


async def test_what_is_published_during_a_read_follows_without_another_read() -> None:
    log = Log()
    log.append(2)
    subscription = log.hub.subscribe("s")
    log.gate.clear()
    pull = asyncio.create_task(subscription.pull())
    await log.reading.wait()
    log.emit()
    log.emit()
    log.gate.set()
    assert seqs(await pull) == [1, 2]
    assert seqs(await subscription.pull()) == [3, 4]
    assert log.reads == 1


async def test_the_log_may_run_ahead_of_the_loop() -> None:
    log = Log()
    early = log.append(2)
    subscription = log.hub.subscribe("s")
    assert seqs(await subscription.pull()) == [1, 2]
    log.hub.publish("s", early)
    log.emit()
    assert seqs(await subscription.pull()) == [3]


async def test_a_slow_follower_is_bounded_and_reads_the_log_again() -> None:
    log = Log(page=7)
    subscription = log.hub.subscribe("s", bound=1_000)
    await subscription.pull()
    for _ in range(100):
        log.emit(size=100)
    assert subscription.held < 2_000
    seen: list[int] = []
    while len(seen) < 100:
        seen += seqs(await subscription.pull())
    assert seen == list(range(1, 101))
    reads = log.reads
    log.emit()
    assert seqs(await subscription.pull()) == [101]
    assert log.reads == reads, "it is live again"


async def test_a_gap_in_what_is_published_is_read_from_the_log() -> None:
    log = Log()
    subscription = log.hub.subscribe("s")
    await subscription.pull()
    log.append()  # stored, but its owner died before it could publish
    log.emit()
    assert seqs(await subscription.pull()) == [1, 2]


@pytest.mark.parametrize("after", [1, 2, 3, 9])
async def test_a_cursor_may_stand_in_mid_segment_or_ahead(after: int) -> None:
    log = Log()
    log.append(4)
    subscription = log.hub.subscribe("s", after)
    log.emit(8)
    seen: list[int] = []
    while not seen or seen[-1] < 12:
        seen += seqs(await subscription.pull())
    assert seen == list(range(after + 1, 13))


async def test_who_has_seen_what_the_log_lacks_is_reset_to_what_there_is() -> None:
    log = Log()
    log.append(4)
    subscription = log.hub.subscribe("s", 9)
    chunk = await subscription.pull()
    assert chunk is not None
    assert chunk.reset == reset_at(detail("s", 4))
    assert (chunk.first_seq, chunk.last_seq, chunk.live) == (5, 4, False)
    assert await subscription.pull() == Chunk(5, 4, b"", True)
    log.emit(7)
    assert seqs(await subscription.pull()) == list(range(5, 12))


async def test_who_has_seen_all_that_there_is_just_goes_on() -> None:
    log = Log()
    log.append(4)
    subscription = log.hub.subscribe("s", 4)
    assert await subscription.pull() == Chunk(5, 4, b"", True)
    log.emit()
    assert seqs(await subscription.pull()) == [5]


async def test_closing_wakes_the_follower_and_forgets_it() -> None:
    log = Log()
    subscription = log.hub.subscribe("s")
    await subscription.pull()
    pull = asyncio.create_task(subscription.pull())
    await asyncio.sleep(0)
    subscription.close()
    assert await pull is None
    assert not log.hub.watched("s")
    subscription.close()


MOVES = st.lists(st.sampled_from(["emit", "append", "publish", "pull", "big"]), max_size=60)


@settings(deadline=None)
@given(MOVES, st.integers(0, 5), st.integers(1, 3))
def test_any_interleaving_is_one_contiguous_slice(moves: list[str], after: int, page: int) -> None:
    async def play() -> None:
        log = Log(page)
        subscription = log.hub.subscribe("s", after, bound=300)
        unpublished: list[Segment] = []
        seen: list[int] = []
        begin = after

        def see(chunk: Chunk | None) -> None:
            nonlocal begin
            seen.extend(seqs(chunk))
            if chunk is not None and chunk.reset is not None:
                assert not seen, "only who comes is reset"
                assert chunk.last_seq < after
                begin = chunk.last_seq

        pull: asyncio.Task[Chunk | None] | None = None
        for move in moves:
            match move:
                case "emit" | "big":
                    for segment in unpublished:
                        log.hub.publish("s", segment)
                    unpublished.clear()
                    log.emit(2, 200 if move == "big" else 0)
                case "append":
                    unpublished.append(log.append())
                case "publish":
                    while unpublished:
                        log.hub.publish("s", unpublished.pop(0))
                case _:
                    pull = pull or asyncio.create_task(subscription.pull())
                    for _ in range(4):
                        await asyncio.sleep(0)
            if pull and pull.done():
                see(pull.result())
                pull = None
        for segment in unpublished:
            log.hub.publish("s", segment)
        for _ in range(after + 1):
            log.emit()
        last = log.segments[-1].last_seq
        while not seen or seen[-1] < last:
            see(await (pull or subscription.pull()))
            pull = None
        assert seen == list(range(begin + 1, last + 1))

    asyncio.run(play())


async def test_a_step_never_waits_for_what_is_still_to_come() -> None:
    log = Log()
    subscription = log.hub.subscribe("s")
    assert (chunk := await subscription.step()) is not None
    assert chunk.live
    assert await subscription.step() is None
    subscription.behind = True  # as after a burst whose log was deleted since
    assert await subscription.ready()
    assert await subscription.step() is None
    log.emit()
    assert await subscription.ready()
    assert seqs(await subscription.step()) == [1]


async def test_a_subscription_knows_how_far_it_lags() -> None:
    log = Log()
    subscription = log.hub.subscribe("s")
    assert subscription.lag == 0
    log.emit(5)
    assert subscription.lag == 5
    await subscription.pull()
    assert subscription.lag == 0


async def test_who_comes_from_before_the_trimmed_point_gets_a_reset_and_then_the_rest() -> None:
    log = Log()
    for _ in range(10):
        log.append()
    log.trim(4, 7)
    subscription = log.hub.subscribe("s", 2)
    chunk = await subscription.pull()
    assert chunk is not None
    assert chunk.reset is not None
    assert (chunk.reset.first_seq, chunk.reset.snapshot.seq, chunk.data, chunk.last_seq) == (8, 7, b"", 7)
    assert seqs(await subscription.pull()) == [8, 9, 10]
    assert await subscription.pull() == Chunk(11, 10, b"", True)
    log.emit()
    assert seqs(await subscription.pull()) == [11]


async def test_who_has_all_up_to_the_trimmed_point_gets_no_reset() -> None:
    log = Log()
    for _ in range(10):
        log.append()
    log.trim(4, 7)
    assert seqs(await log.hub.subscribe("s", 4).pull()) == [5, 6, 7, 8, 9, 10]


async def test_a_slow_follower_that_is_overtaken_gets_a_reset() -> None:
    log = Log()
    log.append()
    subscription = log.hub.subscribe("s", bound=0)
    assert seqs(await subscription.pull()) == [1]
    assert await subscription.pull() == Chunk(2, 1, b"", True)
    for _ in range(9):
        log.emit()
    log.trim(6, 8)
    chunk = await subscription.pull()
    assert chunk is not None
    assert chunk.reset is not None
    assert not chunk.live, "that was said"
    assert (chunk.reset.first_seq, subscription.cursor, subscription.behind) == (9, 8, True)
    assert seqs(await subscription.pull()) == [9, 10]
    log.emit()
    assert seqs(await subscription.pull()) == [11]
    assert not subscription.behind


async def test_records_have_the_reset_in_its_place_typed() -> None:
    log = Log()
    subscription = log.hub.subscribe("s")
    for seq in range(1, 6):
        event = "execution:completed" if seq == 5 else "progress"
        payload = b'{"seq":%d,"session_id":"s","event":"%s","timestamp":"","data":{}}' % (seq, event.encode())
        log.segments.append(Segment(seq, seq, frame(payload)))
    log.trim(2, 3)
    found = [record async for record in subscription.records()]
    assert [record.seq for record in found] == [3, 4, 5]
    reset = found[0]
    assert isinstance(reset, StreamReset)
    assert (reset.event, reset.first_seq, reset.snapshot) == ("stream:reset", 4, detail("s", 3))
    assert reset.notice["data"] == reset.data


async def test_a_gap_that_no_snapshot_covers_is_never_passed_over() -> None:
    log = Log()
    for _ in range(10):
        log.append()
    log.trim(4, 7)
    log.base = 2
    with pytest.raises(CorruptLog):
        await log.hub.subscribe("s", 2).pull()


async def test_a_session_that_is_deleted_between_leaves_the_follower_waiting() -> None:
    log = Log()
    for _ in range(10):
        log.append()
    log.trim(4, 7)
    log.gone = True
    assert await log.hub.subscribe("s").pull() == Chunk(1, 0, b"", True)


async def test_a_thousand_followers_are_woken_some_at_a_time_and_the_late_ones_find_more_at_once() -> None:
    log = Log()
    followers = [log.hub.subscribe("s") for _ in range(1_000)]
    for follower in followers:
        await follower.pull()
    pulls = [asyncio.ensure_future(follower.pull()) for follower in followers]
    await asyncio.sleep(0)
    log.emit()
    turns = 0
    while not all(pull.done() for pull in pulls):
        woken = sum(pull.done() for pull in pulls)
        await asyncio.sleep(0)
        turns += 1
        assert sum(pull.done() for pull in pulls) - woken <= WAKE_AT_ONCE, "others get their turns in between"
        if turns == 3:
            log.emit()
    assert seqs(pulls[0].result()) == [1]
    assert seqs(pulls[-1].result()) == [1, 2]
    assert seqs(await followers[0].pull()) == [2]
