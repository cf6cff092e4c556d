"""Segments: the events of one decision, encoded once and already framed for a WebSocket.

A segment is a run of unmasked, final text frames as a server sends them (RFC 6455, section 5.2),
one event each. The store keeps these bytes and watchers get these bytes; whoever needs the events
themselves splits them off again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .errors import CorruptLog

_TEXT = 0x81


class Segment(msgspec.Struct, frozen=True, gc=False):
    """The framed events `first_seq` … `last_seq` of one session, without a gap."""

    first_seq: int
    last_seq: int
    data: bytes


def frame(payload: bytes) -> bytes:
    """Return `payload` as one unmasked text frame."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def payloads(data: bytes) -> Iterator[bytes]:
    """Yield the payload of each frame in `data`.

    Raises:
        CorruptLog: the bytes are not a whole number of such frames.
    """
    at, end = 0, len(data)
    while at < end:
        begin, stop = _extent(data, at, end)
        yield data[begin:stop]
        at = stop


def skip(data: bytes, count: int) -> bytes:
    """Return `data` without its first `count` frames."""
    at, end = 0, len(data)
    for _ in range(count):
        if at >= end:
            break
        at = _extent(data, at, end)[1]
    return data[at:]


def after(segment: Segment, seq: int) -> bytes:
    """Return the frames of `segment` whose events come after `seq`."""
    if seq < segment.first_seq:
        return segment.data
    return skip(segment.data, seq - segment.first_seq + 1)


def _extent(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Begin and end of the payload of the frame at `at`."""
    if at + 2 > end or data[at] != _TEXT:
        raise CorruptLog(f"no text frame at byte {at} of a segment of {end} bytes")
    size, begin = data[at + 1], at + 2
    if size == 126:
        begin = at + 4
        size = int.from_bytes(data[at + 2 : begin], "big")
    elif size == 127:
        begin = at + 10
        size = int.from_bytes(data[at + 2 : begin], "big")
    if begin + size > end:
        raise CorruptLog(f"the frame at byte {at} of a segment ends after its {end} bytes")
    return begin, begin + size
