"""What a follower has seen is held by a log only if it is the same event there."""

from __future__ import annotations

import pytest

from sessiond.actors.core.errors import CorruptLog, LogTrimmed
from sessiond.actors.core.segment import Segment, frame
from sessiond.actors.seen import holds


def event(seq: int) -> bytes:
    return frame(b'{"seq":%d,"timestamp":"at %d"}' % (seq, seq))


LOG = [Segment(1, 3, event(1) + event(2) + event(3)), Segment(4, 4, event(4))]


async def read(session_id: str, after: int, limit: int) -> list[Segment]:
    return [segment for segment in LOG if segment.last_seq > after][:1]


@pytest.mark.parametrize(
    ("seq", "timestamp", "held"),
    [(1, "at 1", True), (2, "at 2", True), (3, "at 2", False), (4, "at 4", True), (4, None, True), (5, None, False)],
)
async def test_the_time_tells_one_event_from_another_with_its_seq(seq: int, timestamp: str | None, held: bool) -> None:
    assert await holds(read, "s", seq, timestamp) is held


async def test_what_was_trimmed_is_believed() -> None:
    async def trimmed(session_id: str, after: int, limit: int) -> list[Segment]:
        raise LogTrimmed(session_id, 9)

    assert await holds(trimmed, "s", 4, "at 5")


async def test_a_damaged_event_is_an_error() -> None:
    async def damaged(session_id: str, after: int, limit: int) -> list[Segment]:
        return [Segment(4, 4, frame(b"{"))]

    with pytest.raises(CorruptLog):
        await holds(damaged, "s", 4, "at 4")
