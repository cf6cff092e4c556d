"""What tests say about event streams."""

from __future__ import annotations

from collections.abc import Sequence

from sessiond import Session
from sessiond.actors.core.events import Record


async def collect(session: Session, after: int = 0) -> list[Record]:
    """Every event after a seq, to the end."""
    return [record async for record in session.events(after)]


async def until(session: Session, event: str, after: int = 0) -> list[Record]:
    """The events up to the first of that name."""
    seen = []
    async for record in session.events(after):
        seen.append(record)
        if record.event == event:
            return seen
    raise AssertionError(f"the session ended without {event}")


def contiguous(records: Sequence[Record], first: int = 1) -> None:
    """Seq has no gap and no repeat, and the terminal event, if any, is the last."""
    assert [record.seq for record in records] == list(range(first, first + len(records)))
    ends = [record.seq for record in records if record.event == "execution:completed"]
    assert ends in ([], [records[-1].seq])
