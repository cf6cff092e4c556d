"""Whether what a follower has seen is what the log holds: after a power failure, or a failover, it may not be.

A seq alone doesn't tell: a session whose last events were lost goes on, and uses their seqs again. The event's
timestamp, in microseconds, tells one from the other (ADR 19).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from .core.errors import CorruptLog, LogTrimmed
from .core.segment import Segment, after, payloads

Read: TypeAlias = Callable[[str, int, int], Awaitable[list[Segment]]]
"""Reads a session's log: id, after, limit in bytes."""


async def holds(read: Read, session_id: str, seq: int, timestamp: str | None) -> bool:
    """Return whether a log holds the event `seq`, with that timestamp if one is given. Trimmed ones count as held."""
    try:
        found = await read(session_id, seq - 1, 1)
    except LogTrimmed:
        return True
    return bool(found) and (timestamp is None or timestamp == timestamp_of(found[0], seq))


class _Stamped(msgspec.Struct):
    """What is read of an event."""

    timestamp: str


_decode_stamped = msgspec.json.Decoder(_Stamped).decode


def timestamp_of(segment: Segment, seq: int) -> str:
    """Return the timestamp of one event of a segment, as it stands there.

    Raises:
        CorruptLog: its frame is damaged.
    """
    try:
        return _decode_stamped(next(payloads(after(segment, seq - 1)))).timestamp
    except msgspec.DecodeError as error:
        raise CorruptLog(f"event {seq} can't be decoded: {error}") from error
