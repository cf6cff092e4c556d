"""What clients get: the bodies of answers, as the types that encode them and the API's documents are made of."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..actors.core.lifecycle import Status
from ..actors.core.ports import SessionRow
from ..actors.core.reset import Reset
from ..actors.core.timestamps import stamp
from .principal import Principal, Role


class Started(msgspec.Struct, frozen=True):
    """A session exists, durably."""

    session_id: str
    status: Literal["started", "pending"]
    seq: int


class Resumed(msgspec.Struct, frozen=True):
    """A node's wait is closed, durably."""

    seq: int
    status: Literal["resumed"] = "resumed"


class SignalSent(msgspec.Struct, frozen=True):
    """A signal is delivered, or kept until somebody waits for it, durably."""

    seq: int
    status: Literal["signal_sent"] = "signal_sent"


class TicketIssued(msgspec.Struct, frozen=True):
    """A ticket, good for one stream until `expires_at`."""

    ticket: str
    expires_at: str


_LAST: Final = 253_402_300_799.0
"""The last second that can be written as a time on the wire, in the year 9999; a token may say that it ends later."""


class Me(msgspec.Struct, frozen=True):
    """Who the caller is.

    Attributes:
        name: what the log calls them: the id of a key, or the subject of a token; `anonymous` where nobody has to say.
        roles: each may do what those before it may, from viewer over operator and author to admin.
        expires_at: when the key or the token ends, if it does.
    """

    name: str
    tenant: str
    roles: tuple[Role, ...]
    expires_at: str | None

    @classmethod
    def of(cls, principal: Principal) -> Me:
        """Return what is told of a principal."""
        ends = None if principal.expires_at is None else stamp(min(principal.expires_at, _LAST))
        return cls(principal.name, principal.tenant, principal.roles, ends)


class SessionItem(msgspec.Struct, frozen=True):
    """A session on a list, as of its last change of status."""

    session_id: str
    workflow_id: str
    workflow_version: str
    status: Status
    labels: dict[str, str]
    waits: tuple[str, ...]
    parent_id: str | None
    seq: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    updated_at: str

    @classmethod
    def of(cls, row: SessionRow) -> SessionItem:
        """Return what a list shows of a stored row."""
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class SessionList(msgspec.Struct, frozen=True):
    """A page of sessions, newest first."""

    items: list[SessionItem]
    next_cursor: str | None


class Counts(msgspec.Struct, frozen=True):
    """Sessions by status."""

    pending: int
    running: int
    paused: int
    completed: int
    failed: int
    cancelled: int


class SessionCounts(msgspec.Struct, frozen=True):
    """How many sessions there are, as of a second ago or less."""

    counts: Counts


class ReviewItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A wait that is open for a person; `status` is that of its session."""

    session_id: str
    node_id: str
    workflow_id: str
    status: Status
    reason: str
    prompt: str
    actions: tuple[str, ...]
    schema: Any = None
    timeout_s: float | None = None


class ReviewList(msgspec.Struct, frozen=True):
    """A page of open waits, of the newest sessions first."""

    items: list[ReviewItem]
    next_cursor: str | None


class EventPage(msgspec.Struct, frozen=True):
    """Events in order.

    Attributes:
        last_seq: where the next page begins.
        reset: only where events after `after` were trimmed, or the log doesn't hold what was seen: what stands for
            them; the items begin at its `first_seq`.
    """

    items: list[Raw]
    last_seq: int
    reset: Reset | UnsetType = UNSET


class WorkflowItem(msgspec.Struct, frozen=True):
    """A stored workflow."""

    workflow_id: str
    version: str
    name: str | None
    description: str | None
    created_at: str


class WorkflowList(msgspec.Struct, frozen=True):
    """The newest version of each workflow, by id."""

    items: list[WorkflowItem]


class WorkflowVersion(msgspec.Struct, frozen=True):
    """A workflow that passed every check."""

    workflow_id: str
    version: str


class NodeTypeItem(msgspec.Struct, frozen=True):
    """A node type; `properties` is the JSON Schema of a node's properties.

    Attributes:
        next_ids: how many successors it takes, at least and at most.
    """

    type: str
    description: str
    properties: dict[str, Any]
    next_ids: tuple[int, int | None]


class NodeTypeList(msgspec.Struct, frozen=True):
    """Every node type of this server, by name."""

    items: list[NodeTypeItem]


class Health(msgspec.Struct, frozen=True):
    """`GET /livez` and `/readyz`.

    Attributes:
        quarantined: sessions that can't be brought back, at most 100 of them.
    """

    status: Literal["ok"] = "ok"
    quarantined: tuple[str, ...] | UnsetType = UNSET
