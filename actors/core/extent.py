"""How far a session's log reaches back, and how much of its front may go: trimming by a limit, at snapshots.

A log is trimmed together with a snapshot, up to where an earlier one was taken: never beyond what a snapshot
covers, never in its middle. So what is left is contiguous, and begins within reach of a watcher that was away.
"""

from __future__ import annotations

from typing import Final

import msgspec

MOST_MARKS: Final = 64
"""Marks that are kept of one log; of more, every other one is dropped."""


class LogLimit(msgspec.Struct, frozen=True):
    """How much of a session's log is kept, about; None for no limit."""

    events: int | None = None
    bytes: int | None = None

    def exceeded(self, events: int, size: int) -> bool:
        """Return whether a log of that many events and bytes is too long."""
        return (self.events is not None and events > self.events) or (self.bytes is not None and size > self.bytes)


class LogExtent(msgspec.Struct, frozen=True):
    """What is known of a log's size; stored with its snapshots.

    Attributes:
        marks: where snapshots were taken, as (seq, bytes written up to there); the first is where the log begins.
        whole: nothing may go: it says which child sessions there are, and they are deleted by it.
    """

    marks: tuple[tuple[int, int], ...] = ((0, 0),)
    whole: bool = False

    @property
    def begin(self) -> int:
        """The seq up to which the log isn't needed any more."""
        return self.marks[0][0]

    def snapped(self, seq: int, size: int, limit: LogLimit) -> LogExtent:
        """Return the extent as of a snapshot at `seq`, trimmed to the limit, if it may be.

        What came since the snapshot before always stays, whatever the limit: for watchers that are a little behind.

        Args:
            seq: of the snapshot.
            size: bytes written since the snapshot before.
            limit: how much is to be kept.
        """
        head, total = seq, self.marks[-1][1] + size
        marks = [*self.marks, (head, total)]
        if not self.whole:
            while len(marks) > 2 and limit.exceeded(head - marks[0][0], total - marks[0][1]):
                del marks[0]
        if len(marks) > MOST_MARKS:
            marks = [marks[0], *marks[2:-2:2], *marks[-2:]]
        return LogExtent(tuple(marks), self.whole)


NEW: Final = LogExtent()
NO_LIMIT: Final = LogLimit()


def unknown(seq: int) -> LogExtent:
    """Return the extent of a log whose snapshot, at `seq`, was stored without: children may stand in it."""
    return LogExtent(((0, 0), (seq, 0)), whole=True)
