"""What clients send: bodies and queries, as the types that decode them and the API's documents are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta

from ..actors.core.lifecycle import Action, Status

Page: TypeAlias = Annotated[int, Meta(ge=1, le=500)]
Seq: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Label: TypeAlias = Annotated[str, Meta(max_length=256)]
"""A label's key, or its value: lists have up to 500 sessions with all of theirs."""
Seen: TypeAlias = Annotated[str, Meta(max_length=40)]
"""The timestamp of an event, as a client has it."""


class Execute(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /workflows/execute`: run a graph, inline or stored.

    Attributes:
        start: False leaves the session pending.
        deadline_s: seconds from the start after which the session fails.
    """

    graph: dict[str, Any] | None = None
    workflow_id: str | None = None
    input: Any = None
    session_id: str | None = None
    context: dict[str, Any] | None = None
    start: bool = True
    deadline_s: Annotated[float, Meta(gt=0)] | None = None
    labels: Annotated[dict[Label, Label], Meta(max_length=64)] = {}

    def __post_init__(self) -> None:
        if (self.graph is None) == (self.workflow_id is None):
            raise ValueError("should have either `graph` or `workflow_id`")


class CreateSession(Execute, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /sessions`: the same, pending unless told to start."""

    start: bool = False


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sessions/{id}/control`."""

    action: Action
    reason: Annotated[str, Meta(max_length=2_000)] | None = None


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sessions/{id}/review`."""

    node_id: str
    action: Literal["approve", "reject", "modify"]
    data: Any = None


class ResumeNode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sessions/{id}/nodes/{node_id}/resume`."""

    output: Any


class RetryInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sessions/{id}/nodes/{node_id}/retry`.

    Attributes:
        input: what the node sees from now on in place of the session's input; left as it was if absent.
    """

    input: Any = UNSET


class SkipOutput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sessions/{id}/nodes/{node_id}/skip`: null if no output is given."""

    output: Any = None


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sessions/{id}/signal`: for whichever node waits for `name`, or for the node `node_id`."""

    payload: Any = None
    name: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    node_id: str | None = None

    def __post_init__(self) -> None:
        if (self.name is None) == (self.node_id is None):
            raise ValueError("should have either `name` or `node_id`")


class ForkSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /sessions/{id}/fork`: as it was after a seq, or as it is but from a node on.

    Attributes:
        input: in place of the session's; as it was if absent.
        start: False leaves the fork pending.
    """

    after_seq: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    from_node: str | None = None
    input: Any = UNSET
    session_id: str | None = None
    start: bool = True

    def __post_init__(self) -> None:
        if (self.after_seq is None) == (self.from_node is None):
            raise ValueError("should have either `after_seq` or `from_node`")


class Graph:
    """A workflow definition, passed on as it is: the engine checks it."""


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class SessionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`GET /sessions`; `label` is `key` or `key:value`."""

    status: Status | None = None
    label: str | None = None
    workflow_id: str | None = None
    cursor: str | None = None
    limit: Page = 50


class ReviewQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`GET /reviews`."""

    session_id: str | None = None
    node_id: str | None = None
    cursor: str | None = None
    limit: Page = 50


class EventQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`GET /sessions/{id}/events`.

    Attributes:
        after: the last seq the client has.
        seen: the timestamp of that event; if the log holds another one, or none, since a power failure or a failover
            took it, the client gets a reset.
        limit: events on a page.
        close: 1 to have the stream closed after the terminal event.
        ticket: opens a stream in place of an Authorization header; never a page.
    """

    after: Seq = 0
    seen: Seen | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    close: Annotated[int, Meta(ge=0, le=1)] = 0
    ticket: str | None = None


class TicketRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /tickets`: for the streams of one session, or of any of the tenant's."""

    session_id: str | None = None


class VersionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`GET /workflows/{id}`: the newest version unless one is named."""

    version: str | None = None
