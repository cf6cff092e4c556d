"""What streams read off framed events without decoding each: the end, and the notice of being live."""

from __future__ import annotations

from typing import Final

import msgspec

from ..actors.segment import frame, payloads

_TERMINAL: Final = b'"event":"execution:completed"'


class _Name(msgspec.Struct):
    event: str


class _At(msgspec.Struct):
    seq: int


class Notice(msgspec.Struct, frozen=True):
    """Something about the stream itself: it has no seq and isn't stored."""

    session_id: str
    event: str
    data: _At


_name_of = msgspec.json.Decoder(_Name).decode
_encode = msgspec.json.Encoder().encode


def live_notice(session_id: str, seq: int) -> bytes:
    """Return the JSON that says: all up to `seq` was stored before, what follows happens now."""
    return _encode(Notice(session_id, "stream:live", _At(seq)))


def live_frame(session_id: str, seq: int) -> bytes:
    """Return the same as a text frame."""
    return frame(live_notice(session_id, seq))


def holds_end(data: bytes) -> bool:
    """Return whether the terminal event is in `data`, framed events; if so, it is the last.

    A search for the bytes first: only where they occur, which user data can bring about too, frames are split.
    """
    if _TERMINAL not in data:
        return False
    *_, last = payloads(data)
    return _name_of(last).event == "execution:completed"
