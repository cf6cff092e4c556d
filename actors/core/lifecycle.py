"""The life of a session, as one table: what each command does in each state.

`TABLE[status][trigger]` is the status after it. A trigger that leads to the present status changes
nothing (answered with `changed: false`); one that is missing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from .errors import CommandRefused

Status: TypeAlias = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]
Action: TypeAlias = Literal["start", "pause", "resume", "stop", "cancel"]
Trigger: TypeAlias = Literal["start", "pause", "resume", "stop", "cancel", "complete", "error"]
NodeStatus: TypeAlias = Literal["pending", "running", "suspended", "completed", "failed", "skipped"]

ACTIONS: Final[tuple[Action, ...]] = ("start", "pause", "resume", "stop", "cancel")
TERMINAL: Final = frozenset({"completed", "failed", "cancelled"})

TABLE: Final[Mapping[Status, Mapping[Trigger, Status]]] = {
    "pending": {"start": "running", "cancel": "cancelled"},
    "running": {
        "start": "running",
        "pause": "paused",
        "stop": "failed",
        "cancel": "cancelled",
        "complete": "completed",
        "error": "failed",
    },
    "paused": {
        "pause": "paused",
        "resume": "running",
        "stop": "failed",
        "cancel": "cancelled",
        "error": "failed",
    },
    "completed": {},
    "failed": {},
    "cancelled": {"cancel": "cancelled"},
}
"""A paused session doesn't complete: its last result is kept, and resume completes it."""

NODE_TABLE: Final[Mapping[NodeStatus, frozenset[NodeStatus]]] = {
    "pending": frozenset({"running", "skipped"}),
    "running": frozenset({"running", "suspended", "completed", "failed"}),
    "suspended": frozenset({"running", "suspended", "completed", "failed"}),
    "completed": frozenset(),
    "failed": frozenset({"running"}),
    "skipped": frozenset(),
}
"""running → running is the next attempt of a node that a crash interrupted; suspended → suspended is a wait
that failed, and now waits for a person; a new round of a loop starts from pending again."""


def allowed(status: Status) -> tuple[Action, ...]:
    """Return the actions that a caller may take now, in their usual order."""
    row = TABLE[status]
    return tuple(action for action in ACTIONS if row.get(action, status) != status)


def next_status(status: Status, trigger: Trigger) -> Status:
    """Return the status after `trigger`; the same status means that nothing changes.

    Raises:
        CommandRefused: the table has no such entry.
    """
    after = TABLE[status].get(trigger)
    if after is None:
        raise CommandRefused(trigger, status, allowed(status))
    return after
