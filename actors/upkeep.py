"""What is stored of a session beside its log: the row that lists show and restarts go by, and snapshots."""

from __future__ import annotations

from typing import Final

import msgspec

from .core.extent import NEW, LogExtent, LogLimit
from .core.ports import SessionRow, Snapshot
from .core.snapshot import freeze
from .core.state import SessionState

PASSIVE_BYTES: Final = 65_536
"""Bytes of log, at least, for which a session that leaves memory takes a snapshot: whoever looks at it reads it."""

_ROW_EVENTS: Final = frozenset(
    {"execution:created", "human_interaction_required", "signal_awaited", "timer:set", "node_resumed"}
)
"""What changes a session's row besides its status."""
_NEVER: Final = 1 << 62
"""A seq that no log comes to."""


class Upkeep:
    """Says when one session's row and snapshots are worth writing, and what of its log isn't needed any more.

    With a limit, four snapshots or more are taken within it, so that what is kept stays near it.

    Args:
        snapshot_bytes: bytes of log, at least, after which a snapshot is worth its own.
        idle: what the stored row says.
        limit: how much of the log is kept.
        extent: what the last snapshot knew of the log.
        since: bytes of log since then.
    """

    __slots__ = ("_after", "_after_seq", "_extent", "_idle", "_least", "_limit", "_since", "_step")

    def __init__(
        self, snapshot_bytes: int, idle: bool, limit: LogLimit, extent: LogExtent = NEW, since: int = 0
    ) -> None:
        self._limit = limit
        self._step = snapshot_bytes if limit.bytes is None else min(snapshot_bytes, limit.bytes // 4)
        self._after = self._step
        self._least = 0
        self._extent = extent
        self._after_seq = self._next(extent.marks[-1][0])
        self._since = since
        self._idle = idle

    def row(self, state: SessionState, changed: bool, events: set[str], resting: bool) -> SessionRow | None:
        """Return the row if it is to be written with a commit of these events.

        A restart goes by it, and must not take a session that works for idle.

        Args:
            state: as of the commit.
            changed: whether the row changes, whatever the events say.
            events: the names of the commit's events.
            resting: whether it can only go on if somebody tells it something, or a timer does.
        """
        if "child:started" in events and not self._extent.whole:
            self._extent = msgspec.structs.replace(self._extent, whole=True)
        idle = state.status == "running" and resting
        if not changed and idle == self._idle and _ROW_EVENTS.isdisjoint(events):
            return None
        self._idle = idle
        return state.row(idle)

    def grew(self, size: int) -> None:
        """Note that `size` bytes came to the log."""
        self._since += size

    def snapshot(self, state: SessionState, *, leaving: bool = False) -> Snapshot | None:
        """Return a snapshot if one is due; all together stay below half of the log, as it was written.

        None is taken of an end: whoever follows a session counts on its terminal event, not on a reset behind it.
        """
        since = self._since
        if state.terminal:
            return None
        if leaving:
            if since < min(PASSIVE_BYTES, self._after):
                return None
        elif since < self._after and (state.seq < self._after_seq or since < self._least):
            return None
        extent = self._extent.snapped(state.seq, since, self._limit)
        snapshot = Snapshot(state.session_id, state.seq, freeze(state, extent), extent.begin)
        self._extent = extent
        self._since = 0
        self._least = 2 * len(snapshot.data)
        self._after = max(self._step, self._least)
        self._after_seq = self._next(state.seq)
        return snapshot

    def _next(self, seq: int) -> int:
        """The seq at which the limit of events wants the next snapshot."""
        return _NEVER if self._limit.events is None else seq + max(self._limit.events // 4, 1)
