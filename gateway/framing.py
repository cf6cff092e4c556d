"""What streams read off framed events without decoding each: the end, and the notices of the stream itself."""

from __future__ import annotations

from typing import Final

import msgspec

from ..actors.core.reset import RESET, Reset
from ..actors.core.segment import frame, payloads
from ..actors.streams import Chunk

_TERMINAL: Final = b'"event":"execution:completed"'


class _Name(msgspec.Struct):
    event: str


class _At(msgspec.Struct):
    seq: int


class ResetNotice(msgspec.Struct, frozen=True):
    """Events that were asked for aren't kept any more: it has no seq and isn't stored."""

    session_id: str
    event: str
    data: Reset


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


def reset_notice(reset: Reset) -> bytes:
    """Return the JSON that says: a snapshot stands for what was trimmed, `first_seq` comes next."""
    return _encode(ResetNotice(reset.snapshot.session_id, RESET, reset))


def frames_of(session_id: str, chunk: Chunk) -> bytes:
    """Return a chunk with its notices as text frames."""
    data = chunk.data if chunk.reset is None else frame(reset_notice(chunk.reset))
    return data + live_frame(session_id, chunk.last_seq) if chunk.live else data


def holds_end(data: bytes) -> bool:
    """Return whether the terminal event is in `data`, framed events; if so, it is the last.

    A search for the bytes first: only where they occur, which user data can bring about too, frames are split.
    """
    if _TERMINAL not in data:
        return False
    *_, last = payloads(data)
    return _name_of(last).event == "execution:completed"
