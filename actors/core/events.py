"""Facts, in the past tense: what a session's log consists of.

Each class is the `data` of one event and names it in `event`; the envelope `Record` carries the rest.
A session's state is the fold of these records, so a fact holds all that the fold needs; what a
fold can derive (readiness, joins) is not written down.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .errors import CorruptLog
from .lifecycle import NodeStatus, Status
from .segment import Segment, frame, payloads
from .upcasters import upcast


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a node or session failed; `code` is stable."""

    code: str
    message: str
    node_id: str | None = None
    by: str | None = None


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of every event's data.

    Attributes:
        event: its name.
        version: of its fields; see `upcasters` for how to change them.
    """

    event: ClassVar[str]
    version: ClassVar[int] = 1


class ForkedFrom(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a fork left its original: at `seq`, and from which node on, if that was asked for."""

    session_id: str
    seq: int
    from_node: str | None = None


class ExecutionCreated(Fact, frozen=True, omit_defaults=True, kw_only=True):
    """The session exists; seq 1 of every log.

    Attributes:
        request: a digest of the request, to tell a repeated one from another with the same id.
        forked_from: of a fork, its original; what it reuses of that is recorded next.
        traceparent: of the request that created it, if that said one.
        by: who created it.
        initiators: whose work it is besides: of a child session its parent's initiators, of a fork its original's.
    """

    event = "execution:created"
    workflow_id: str
    workflow_version: str
    status: Status
    input: Raw
    context: Raw = Raw(b"{}")
    labels: dict[str, str] = {}
    deadline_s: float | None = None
    parent_id: str | None = None
    tenant: str = "default"
    request: str = ""
    forked_from: ForkedFrom | None = None
    traceparent: str | None = None
    by: str | None = None
    initiators: tuple[str, ...] = ()


class ExecutionStarted(Fact, frozen=True, omit_defaults=True):
    """pending → running; `by` is who started it, unless its creation did."""

    event = "execution:started"
    by: str | None = None


class NodeStateChange(Fact, frozen=True, omit_defaults=True):
    """A node moved to `status`.

    A fork begins with these, before its start: `pending` for a node in a later round, with the output of the
    round before; `completed` or `failed` for what it reuses, without having run it.

    Attributes:
        error: why it failed; of a suspended node, why its last attempt did.
        taken: the successors it goes on to, where that isn't all of them.
        laps: of a pending loop node, how often it went round since it was entered.
    """

    event = "node_state_change"
    status: NodeStatus
    attempt: int
    round: int
    output: Raw | UnsetType = UNSET
    error: Failure | None = None
    taken: tuple[str, ...] | None = None
    laps: int = 0


class ParallelStart(Fact, frozen=True):
    """A parallel node fans out."""

    event = "node:parallel_start"
    branches: tuple[str, ...]


class TokenStream(Fact, frozen=True, omit_defaults=True):
    """A node emitted text."""

    event = "token_stream"
    agent_id: str
    chunk: str
    is_thinking: bool = False


class ToolExecution(Fact, frozen=True):
    """An agent used a tool."""

    event = "tool_execution"
    agent_id: str
    tool: str
    input: Any
    output: Any


class TokenUsage(Fact, frozen=True):
    """What one model call consumed."""

    event = "token_usage"
    agent_id: str
    input_tokens: int
    output_tokens: int
    estimated_cost_usd: float


class Progress(Fact, frozen=True, omit_defaults=True):
    """A node reports how far it is; `fraction` is 0 to 1."""

    event = "progress"
    fraction: float | None = None
    message: str | None = None


class ExecutionPaused(Fact, frozen=True):
    """Accepted: no node starts from here to the resume."""

    event = "execution:paused"
    reason: str | None
    by: str | None
    in_flight: tuple[str, ...]


class ExecutionQuiesced(Fact, frozen=True):
    """Paused, and nothing runs any more."""

    event = "execution:quiesced"


class ExecutionResumed(Fact, frozen=True):
    """paused → running."""

    event = "execution:resumed"
    by: str | None
    running: tuple[str, ...]


class HumanInteractionRequired(Fact, frozen=True, omit_defaults=True):
    """A review opened, or a node failed and a person is asked what to do.

    Attributes:
        timeout_s: seconds of unpaused time, from this event on, after which the review ends without a person.
        on_timeout: how it ends then.
        reviewers: who alone may answer, by name; anybody who isn't excluded if absent.
        excluded: who may not answer, by name.
    """

    event = "human_interaction_required"
    reason: str
    prompt: str
    actions: tuple[str, ...]
    schema: Any = None
    timeout_s: float | None = None
    on_timeout: Literal["fail", "approve", "reject"] | None = None
    reviewers: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()


class SignalAwaited(Fact, frozen=True, omit_defaults=True):
    """A node waits for the signal called `name`, for `timeout_s` seconds of unpaused time at most."""

    event = "signal_awaited"
    name: str
    timeout_s: float | None = None


class SignalReceived(Fact, frozen=True, omit_defaults=True):
    """A signal came before anybody waited for it, and is kept; it is for a node or for a name."""

    event = "signal_received"
    payload: Raw
    name: str | None = None
    node_id: str | None = None


class TimerSet(Fact, frozen=True, omit_defaults=True):
    """A delay, or the wait for a node's next attempt, began: `seconds` of unpaused time from this event on.

    Attributes:
        until: seconds since the Unix epoch; the delay ends then, however long the session is paused before.
    """

    event = "timer:set"
    seconds: float
    until: float | None = None


class ChildStarted(Fact, frozen=True):
    """The node is about to start, or to take up again, its child session number `index`."""

    event = "child:started"
    child_id: str
    index: int


class ChildEnded(Fact, frozen=True):
    """A child session of the node has ended."""

    event = "child:ended"
    child_id: str
    index: int
    status: Status


class NodeResumed(Fact, frozen=True, omit_defaults=True):
    """A wait was closed by a review, a signal, a timer or a person.

    Attributes:
        review_action: what a person did: approve, reject or modify, or of a failed node retry, skip, resume or reject.
        input: of a retry, what the node sees from now on in place of the session's input.
        signal_seq: the seq at which the signal came that closed the wait, if it came before.
    """

    event = "node_resumed"
    data: Raw = Raw(b"null")
    review_action: str | None = None
    reviewer: str | None = None
    input: Raw | UnsetType = UNSET
    signal_seq: int | None = None


class AttemptError(Fact, frozen=True):
    """A node attempt failed."""

    event = "error"
    error: str
    code: str
    attempt: int
    will_retry: bool


class ExecutionRecovered(Fact, frozen=True):
    """A new owner took over after a crash; `interrupted` nodes run again."""

    event = "execution:recovered"
    interrupted: tuple[str, ...]


class ExecutionCompleted(Fact, frozen=True, omit_defaults=True):
    """The end: always the last event, exactly once."""

    event = "execution:completed"
    status: Status
    output: Raw | UnsetType = UNSET
    error: Failure | None = None


AnyFact: TypeAlias = (
    ExecutionCreated
    | ExecutionStarted
    | NodeStateChange
    | ParallelStart
    | TokenStream
    | ToolExecution
    | TokenUsage
    | Progress
    | ExecutionPaused
    | ExecutionQuiesced
    | ExecutionResumed
    | HumanInteractionRequired
    | SignalAwaited
    | SignalReceived
    | TimerSet
    | ChildStarted
    | ChildEnded
    | NodeResumed
    | AttemptError
    | ExecutionRecovered
    | ExecutionCompleted
)


class Record(msgspec.Struct, omit_defaults=True, gc=False):
    """One event in its envelope, as it goes over the wire.

    Attributes:
        seq: 1, 2, 3 … within the session.
        timestamp: RFC 3339 in UTC with microseconds.
        v: the version of `data`; absent while it is 1.
        command_id: names the command that caused it, if that had a name; on the last event that it caused.
    """

    seq: int
    session_id: str
    event: str
    timestamp: str
    data: Any
    node_id: str | None = None
    v: int = 1
    command_id: str | None = None


class _Envelope(msgspec.Struct):
    seq: int
    session_id: str
    event: str
    timestamp: str
    data: Raw = Raw(b"null")
    node_id: str | None = None
    v: int = 1
    command_id: str | None = None


_FOLDED: tuple[type[Fact], ...] = (
    ExecutionCreated,
    ExecutionStarted,
    NodeStateChange,
    ExecutionPaused,
    ExecutionQuiesced,
    ExecutionResumed,
    HumanInteractionRequired,
    SignalAwaited,
    SignalReceived,
    TimerSet,
    ChildStarted,
    ChildEnded,
    NodeResumed,
    ExecutionRecovered,
    ExecutionCompleted,
)
_decode = {fact.event: msgspec.json.Decoder(fact).decode for fact in _FOLDED}
_version = {fact.event: fact.version for fact in _FOLDED}
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_encode = msgspec.json.Encoder().encode


def pack(records: list[Record]) -> bytes:
    """Encode and frame `records`, which follow each other, as the bytes of one segment."""
    return b"".join([frame(_encode(record)) for record in records])


def unpack(segment: Segment) -> list[Record]:
    """Return the records of `segment`; `data` is a Fact where a fold needs it, else None.

    Raises:
        CorruptLog: a frame is damaged, a seq is not the next, or an event can't be decoded.
        FutureVersion: a newer sessiond wrote one of the events.
    """
    records = []
    expected = segment.first_seq
    try:
        for payload in payloads(segment.data):
            head = _decode_envelope(payload)
            if head.seq != expected:
                raise CorruptLog(f"seq {head.seq} of {head.session_id!r} stands where {expected} should")
            expected += 1
            decode = _decode.get(head.event)
            data: bytes | Raw = head.data
            if decode and head.v != _version[head.event]:
                data = upcast(head.event, head.v, _version[head.event], bytes(data))
            fact = decode(data) if decode else None
            record = Record(head.seq, head.session_id, head.event, head.timestamp, fact, head.node_id)
            record.command_id = head.command_id
            records.append(record)
    except msgspec.MsgspecError as error:
        raise CorruptLog(f"event {expected} can't be decoded: {error}") from error
    if expected != segment.last_seq + 1:
        raise CorruptLog(f"a segment ends at seq {expected - 1}, not at {segment.last_seq}")
    return records
