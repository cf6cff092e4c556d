"""What crosses the wire: requests and answers as typed structs, and their codecs.

A request that doesn't fit its struct is answered with every fault, each with its path, not with the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ..actors.core.errors import Fault, InvalidInput, InvalidWorkflow
from ..actors.core.lifecycle import Action, Status
from ..actors.core.ports import SessionRow
from ..actors.core.reset import Reset
from ..actors.core.workflow import fault_of
from .json_limits import MAX_DEPTH, parse

T = TypeVar("T", bound=msgspec.Struct)

Page: TypeAlias = Annotated[int, Meta(ge=1, le=500)]
Seq: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Seen: TypeAlias = Annotated[str, Meta(max_length=40)]
"""The timestamp of an event, as a client has it."""

encode: Final = msgspec.json.Encoder().encode


# ---- requests


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
    labels: Annotated[dict[str, Annotated[str, Meta(max_length=256)]], Meta(max_length=64)] = {}

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


# ---- answers


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


# ---- codecs


def decode(body: bytes, kind: type[msgspec.Struct] | type[Graph], depth: int = MAX_DEPTH) -> Any:
    """Return a request's body as `kind`; a Graph as plain data.

    Args:
        body: as it came.
        kind: what it should be.
        depth: levels to which it may be nested.

    Raises:
        Malformed: it isn't JSON.
        InvalidInput: it doesn't fit; with every fault.
    """
    value = parse(body, depth)
    return value if issubclass(kind, Graph) else convert(value, kind, "the request")


def decode_query(arguments: Mapping[str, Sequence[bytes]], kind: type[T]) -> T:
    """Return a request's query parameters as `kind`.

    Raises:
        InvalidInput: unknown, given twice, or of the wrong form; with every fault.
    """
    faults = [Fault(f"$.{name}", "is given twice") for name, values in arguments.items() if len(values) > 1]
    if faults:
        raise InvalidInput(faults, "the query")
    given = {name: values[0].decode(errors="replace") for name, values in arguments.items()}
    found = convert(given, kind, "the query", strict=False)
    null = [name for name, text in given.items() if getattr(found, name) is None]
    if null:  # msgspec reads the text `null` as None: here it is a text like any other
        raise InvalidInput([Fault(f"$.{name}", f"can't be {given[name]!r}") for name in null], "the query")
    return found


def convert(value: Any, kind: type[T], what: str, *, strict: bool = True) -> T:
    """Return plain data as `kind`.

    Raises:
        InvalidInput: with every fault.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        faults = _faults(value, kind, strict) or [fault_of(error, "$")]
        raise InvalidInput(faults, what) from None


def _faults(value: Any, kind: type[msgspec.Struct], strict: bool) -> list[Fault]:
    """The faults of each field; msgspec itself stops at the first."""
    if not isinstance(value, dict):
        return []
    faults: list[Fault] = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            faults.append(Fault(f"$.{name}", f"unknown field; known: {', '.join(fields) or 'none'}"))
            continue
        try:
            msgspec.convert(item, field.type, strict=strict)
        except msgspec.ValidationError as error:
            faults.append(fault_of(error, f"$.{name}"))
    missing = [name for name, field in fields.items() if field.required and name not in value]
    return faults + [Fault(f"$.{name}", "is missing") for name in missing]


def below(error: InvalidWorkflow, at: str) -> InvalidWorkflow:
    """Return the faults of a workflow that stands at path `at` of a request."""
    return InvalidWorkflow([Fault(at + fault.path[1:], fault.message) for fault in error.faults])
