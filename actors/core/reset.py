"""What stands in a stream for events that were trimmed: a snapshot, and where the events go on."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from .detail import SessionDetail
from .errors import CorruptLog
from .events import Record

RESET: Final = "stream:reset"


class Reset(msgspec.Struct, frozen=True):
    """Events that were asked for aren't kept any more: the session as of `first_seq` - 1 stands for them.

    Attributes:
        first_seq: of the event that comes next.
        snapshot: the session, whole, before that.
    """

    first_seq: int
    snapshot: SessionDetail


class StreamReset(Record):
    """A Reset among the records of a stream. It is no event: `seq` is that of its snapshot, where one may go on."""

    @property
    def first_seq(self) -> int:
        """The seq of the event that comes next."""
        return self.seq + 1

    @property
    def snapshot(self) -> SessionDetail:
        """The session, whole, as of `seq`."""
        return msgspec.json.decode(msgspec.json.encode(self.data["snapshot"]), type=SessionDetail)

    @property
    def notice(self) -> dict[str, Any]:
        """The notice as it goes over the wire."""
        return {"session_id": self.session_id, "event": RESET, "data": self.data}


def reset_at(snapshot: SessionDetail) -> Reset:
    """Return the reset to a snapshot."""
    return Reset(snapshot.seq + 1, snapshot)


def stream_reset(session_id: str, data: dict[str, Any]) -> StreamReset:
    """Return a reset, as plain JSON data, as a record.

    Raises:
        CorruptLog: it goes nowhere.
    """
    seq, snapshot = data["first_seq"] - 1, data["snapshot"]
    if seq < 1 or snapshot["seq"] != seq:
        raise CorruptLog(f"a reset of {session_id!r} to {seq + 1} has a snapshot at {snapshot['seq']}")
    return StreamReset(seq, session_id, RESET, snapshot["updated_at"], data)


def as_record(reset: Reset) -> StreamReset:
    """Return a reset as a record, with plain JSON data."""
    return stream_reset(reset.snapshot.session_id, msgspec.json.decode(msgspec.json.encode(reset)))
