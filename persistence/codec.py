"""Rows, snapshots and definitions to bytes and back, each record headed by one byte: its schema version.

A later version that changes a record raises VERSION, reads the older numbers too and upcasts them;
a record with a higher number than ours was written by a newer sessiond and is left untouched.
Segments carry no header: the stored bytes are the bytes that watchers get.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ..actors.core.errors import CorruptLog, FutureVersion
from ..actors.core.ports import Definition, SessionRow

VERSION: Final = 4
"""The schema of the records below and of the stores that hold them.

2: rows say whether a session is idle, and when it wakes.
3: ended sessions are found by when they ended.
4: sessions are found by their definitions, and a definition goes with its last session.
"""

_COUNTED: Final = 4
_HEADER: Final = bytes((VERSION,))
_encode = msgspec.json.Encoder().encode
_decode_row = msgspec.json.Decoder(SessionRow).decode
_decode_definition = msgspec.json.Decoder(Definition).decode


def check_version(found: int, what: str) -> None:
    """Refuse `what`, whose schema version is `found`, unless this sessiond can read it.

    Raises:
        FutureVersion: a newer sessiond wrote it.
        CorruptLog: no sessiond ever wrote that version.
    """
    if found > VERSION:
        raise FutureVersion(f"{what} has schema version {found}, this sessiond reads up to {VERSION}")
    if found < 1:
        raise CorruptLog(f"{what} has schema version {found}, which never existed")


def counted(record: bytes) -> bool:
    """Return whether every session with the definition of this record can be found by it."""
    return record[0] >= _COUNTED


def encode_row(row: SessionRow) -> bytes:
    """Return the record of a row."""
    return _HEADER + _encode(row)


def decode_row(record: bytes) -> SessionRow:
    """Return the row of a record.

    Raises:
        FutureVersion, CorruptLog: see `check_version`; CorruptLog also if the record is damaged.
    """
    body = _body(record, "a session's row")
    try:
        return _decode_row(body)
    except msgspec.MsgspecError as error:
        raise CorruptLog(f"a session's row can't be read: {error}") from error


def encode_snapshot(data: bytes) -> bytes:
    """Return the record of a snapshot's data."""
    return _HEADER + data


def decode_snapshot(record: bytes) -> bytes:
    """Return the data of a snapshot's record.

    Raises:
        FutureVersion, CorruptLog: see `check_version`.
    """
    return _body(record, "a snapshot")


def encode_definition(definition: Definition) -> bytes:
    """Return the record of a definition."""
    return _HEADER + _encode(definition)


def decode_definition(record: bytes) -> Definition:
    """Return the definition of a record.

    Raises:
        FutureVersion, CorruptLog: see `check_version`; CorruptLog also if the record is damaged.
    """
    body = _body(record, "a workflow definition")
    try:
        return _decode_definition(body)
    except msgspec.MsgspecError as error:
        raise CorruptLog(f"a workflow definition can't be read: {error}") from error


def _body(record: bytes, what: str) -> bytes:
    if not record:
        raise CorruptLog(f"{what} is empty")
    check_version(record[0], what)
    return record[1:]
