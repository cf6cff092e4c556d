"""A session's state as bytes, and back: with a version, a checksum, and what is known of the log's size."""

from __future__ import annotations

from typing import Final
from zlib import crc32

import msgspec
from msgspec import Raw

from .errors import CorruptLog, FutureVersion
from .extent import LogExtent
from .state import SessionState

SNAPSHOT_VERSION: Final = 1


class _Versioned(msgspec.Struct):
    """`crc` is the CRC-32 of the state's bytes; the oldest snapshots have none, and no `log`: how far that reaches."""

    version: int
    state: Raw
    crc: int | None = None
    log: LogExtent | None = None


def freeze(state: SessionState, log: LogExtent | None = None) -> bytes:
    """Return a snapshot's bytes."""
    encoded = msgspec.json.encode(state)
    return msgspec.json.encode(_Versioned(SNAPSHOT_VERSION, Raw(encoded), crc32(encoded), log))


def thaw(data: bytes) -> SessionState:
    """Return the state in a snapshot.

    Raises:
        FutureVersion: a newer sessiond wrote it.
        CorruptLog: the bytes are damaged.
    """
    try:
        outer = msgspec.json.decode(data, type=_Versioned)
        if outer.version > SNAPSHOT_VERSION:
            raise FutureVersion(f"a snapshot has version {outer.version}, known is {SNAPSHOT_VERSION}")
        if outer.crc is not None and outer.crc != crc32(outer.state):
            raise CorruptLog("a snapshot's checksum doesn't match")
        return msgspec.json.decode(outer.state, type=SessionState)
    except msgspec.MsgspecError as error:
        raise CorruptLog(f"a snapshot can't be decoded: {error}") from error


def extent_of(data: bytes) -> LogExtent | None:
    """Return what a snapshot that `thaw` could read knew of its log, None if that wasn't written yet."""
    return msgspec.json.decode(data, type=_Versioned).log
