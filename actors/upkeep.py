"""What is stored of a session beside its log: the row that lists show and restarts go by, and snapshots."""

from __future__ import annotations

from typing import Final

from .ports import SessionRow, Snapshot
from .state import SessionState, freeze

PASSIVE_BYTES: Final = 65_536
"""Bytes of log, at least, for which a session that leaves memory takes a snapshot: whoever looks at it reads it."""

_ROW_EVENTS: Final = frozenset(
    {"execution:created", "human_interaction_required", "signal_awaited", "timer:set", "node_resumed"}
)
"""What changes a session's row besides its status."""


class Upkeep:
    """Says when one session's row and snapshots are worth writing.

    Args:
        snapshot_bytes: bytes of log, at least, after which a snapshot is worth its own.
        idle: what the stored row says.
    """

    __slots__ = ("_after", "_idle", "_since", "_snapshot_bytes")

    def __init__(self, snapshot_bytes: int, idle: bool) -> None:
        self._snapshot_bytes = snapshot_bytes
        self._after = snapshot_bytes
        self._since = 0
        self._idle = idle

    def row(self, state: SessionState, changed: bool, events: set[str]) -> SessionRow | None:
        """Return the row if it is to be written with a commit of these events.

        A restart goes by it, and must not take a session that works for idle.

        Args:
            state: as of the commit.
            changed: whether the row changes, whatever the events say.
            events: the names of the commit's events.
        """
        idle = state.status == "running" and state.at_rest
        if not changed and idle == self._idle and _ROW_EVENTS.isdisjoint(events):
            return None
        self._idle = idle
        return state.row()

    def grew(self, size: int) -> None:
        """Note that `size` bytes came to the log."""
        self._since += size

    def snapshot(self, state: SessionState, *, leaving: bool = False) -> Snapshot | None:
        """Return a snapshot if one is due; all together stay below half of the log."""
        if self._since < (min(PASSIVE_BYTES, self._after) if leaving else self._after):
            return None
        snapshot = Snapshot(state.session_id, state.seq, freeze(state))
        self._since = 0
        self._after = max(self._snapshot_bytes, 2 * len(snapshot.data))
        return snapshot
