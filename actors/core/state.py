"""A session's state, and how it folds from the records of its log.

`apply` is the only place where state changes, live and on recovery alike. Outputs are kept as the JSON
bytes they were validated as: nobody can change them, and they are decoded only where they are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, assert_never, cast

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .errors import CorruptLog
from .events import (
    AnyFact,
    AttemptError,
    ChildEnded,
    ChildStarted,
    ExecutionCompleted,
    ExecutionCreated,
    ExecutionPaused,
    ExecutionQuiesced,
    ExecutionRecovered,
    ExecutionResumed,
    ExecutionStarted,
    Failure,
    ForkedFrom,
    HumanInteractionRequired,
    NodeResumed,
    NodeStateChange,
    ParallelStart,
    Progress,
    Record,
    SignalAwaited,
    SignalReceived,
    TimerSet,
    TokenStream,
    TokenUsage,
    ToolExecution,
)
from .lifecycle import TERMINAL, NodeStatus, Status
from .ports import SessionRow
from .timestamps import epoch
from .workflow import Workflow

MAX_DONE: Final = 100
"""Commands with a name that one session remembers."""
_NULL: Final = Raw(b"null")


class Timer(msgspec.Struct, frozen=True, gc=False):
    """Unpaused seconds that were left at `since` (epoch seconds; None while the session is paused).

    Attributes:
        until: epoch seconds; a pause doesn't move when the timer is due, it only keeps it from going off.
    """

    left: float
    since: float | None
    until: float | None = None


class KeptSignal(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A signal that came, at `seq`, before anybody waited for it."""

    seq: int
    payload: Raw
    name: str | None = None
    node_id: str | None = None


class DoneCommand(msgspec.Struct, frozen=True, gc=False):
    """A command with a name that was carried out; `seq` is of the last event that it caused."""

    command_id: str
    seq: int


class NodeState(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One node, in its present round.

    Attributes:
        attempt: 0 before the first, then 1, 2, 3 … within the round.
        round: 1, and one more each time a loop around the node goes round.
        laps: how often this loop node went round since it was entered.
        output: what it put out; in a later round that is the round before's, until it is through again: one that
            then failed, or was skipped, has none.
        taken: the successors it went on to; None for all of them.
        error: why it failed; of a suspended node, why its last attempt did.
        opened: what it asked for, while it waits for a person.
        timer: when its wait is over, or its next attempt due.
        input: what it sees in place of the session's input, if a retry said so.
        signal: the name of the signal that it waits for.
        children: ids of its child sessions that haven't ended, as far as it knows.
    """

    status: NodeStatus = "pending"
    attempt: int = 0
    round: int = 1
    laps: int = 0
    output: Raw | UnsetType = UNSET
    error: Failure | None = None
    taken: tuple[str, ...] | None = None
    started_at: str | None = None
    ended_at: str | None = None
    opened: HumanInteractionRequired | None = None
    timer: Timer | None = None
    input: Raw | UnsetType = UNSET
    signal: str | None = None
    children: tuple[str, ...] = ()

    @property
    def retries(self) -> bool:
        """Whether it failed and waits for its next attempt; no person is asked."""
        return self.status == "suspended" and self.error is not None and self.timer is not None


PENDING: Final = NodeState()


class SessionState(msgspec.Struct, omit_defaults=True, gc=False):
    """Everything about one session. Nodes that were never touched are absent from `nodes`.

    Attributes:
        initiators: who created or started it, by name; of a child session also its parent's, of a fork its original's.
        paused_by: who paused it, while it is paused.
        done: the latest commands that had a name, oldest first.
    """

    session_id: str
    status: Status = "pending"
    seq: int = 0
    workflow_id: str = ""
    workflow_version: str = ""
    input: Raw = _NULL
    context: Raw = _NULL
    nodes: dict[str, NodeState] = {}
    output: Raw | UnsetType = UNSET
    error: Failure | None = None
    labels: dict[str, str] = {}
    deadline_s: float | None = None
    parent_id: str | None = None
    tenant: str = "default"
    request: str = ""
    forked_from: ForkedFrom | None = None
    traceparent: str | None = None
    initiators: tuple[str, ...] = ()
    quiesced: bool = False
    paused_by: str | None = None
    signals: tuple[KeptSignal, ...] = ()
    done: tuple[DoneCommand, ...] = ()
    created_at: str = ""
    started_at: str | None = None
    ended_at: str | None = None
    updated_at: str = ""

    def node(self, node_id: str) -> NodeState:
        """Return a node's state, pending if it was never touched."""
        return self.nodes.get(node_id, PENDING)

    def in_status(self, *statuses: NodeStatus) -> list[str]:
        """Return the ids of the nodes in any of `statuses`."""
        return [node_id for node_id, node in self.nodes.items() if node.status in statuses]

    def children(self) -> list[str]:
        """Return the ids of all child sessions that haven't ended, as far as it knows."""
        return [child_id for node in self.nodes.values() for child_id in node.children]

    @property
    def at_rest(self) -> bool:
        """Whether it can only go on if somebody tells it something, or a timer does."""
        if self.status != "running":
            return True
        return all(node.status != "running" for node in reversed(self.nodes.values()))

    def wakes_at(self) -> float | None:
        """Return when its next timer is due, in epoch seconds; None if it has none, or doesn't run."""
        if self.status != "running":
            return None
        due = [node.timer.since + node.timer.left for node in self.nodes.values() if node.timer and node.timer.since]
        if self.deadline_s is not None and self.started_at is not None:
            due.append(epoch(self.started_at) + self.deadline_s)
        return min(due, default=None)

    @property
    def terminal(self) -> bool:
        """Whether the session has ended."""
        return self.status in TERMINAL

    def working_copy(self) -> SessionState:
        """Return a copy to decide on; what it shares with this one is immutable."""
        return msgspec.structs.replace(self, nodes=self.nodes.copy())

    def row(self, idle: bool = False) -> SessionRow:
        """Return what lists show of it, and whether a restart may leave it alone."""
        return SessionRow(
            session_id=self.session_id,
            status=self.status,
            workflow_id=self.workflow_id,
            workflow_version=self.workflow_version,
            seq=self.seq,
            created_at=self.created_at,
            updated_at=self.updated_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            parent_id=self.parent_id,
            tenant=self.tenant,
            labels=self.labels,
            idle=idle,
            wakes_at=self.wakes_at(),
            waits=tuple(n for n in self.in_status("suspended") if not self.nodes[n].retries),
        )


def apply(workflow: Workflow, state: SessionState, record: Record) -> None:
    """Change `state` by one record.

    Raises:
        CorruptLog: the record isn't the next of this session.
    """
    if record.seq != state.seq + 1:
        raise CorruptLog(f"seq {record.seq} follows {state.seq} in the log of {state.session_id!r}")
    state.seq = record.seq
    if record.command_id is not None:
        remember(state, record.command_id)
    fact = cast("AnyFact | None", record.data)
    if fact is None:
        return
    match fact:
        case NodeStateChange():
            _change_node(workflow, state, record, fact)
        case TokenStream() | Progress() | ToolExecution() | TokenUsage() | AttemptError() | ParallelStart():
            return  # not read back by a fold: what was decided live must not differ from it
        case ExecutionRecovered():
            pass
        case HumanInteractionRequired():
            _amend(state, record.node_id, opened=fact, timer=_timer(state, record, fact.timeout_s))
        case SignalAwaited():
            _amend(state, record.node_id, signal=fact.name, timer=_timer(state, record, fact.timeout_s))
        case SignalReceived():
            kept = KeptSignal(record.seq, fact.payload, fact.name, fact.node_id)
            state.signals = (*state.signals, kept)
        case TimerSet():
            _amend(state, record.node_id, timer=_timer(state, record, fact.seconds, fact.until))
        case ChildStarted():
            known = state.node(record.node_id or "").children
            if fact.child_id not in known:
                _amend(state, record.node_id, children=(*known, fact.child_id))
        case ChildEnded():
            known = state.node(record.node_id or "").children
            _amend(state, record.node_id, children=tuple(child for child in known if child != fact.child_id))
        case NodeResumed():
            _amend(state, record.node_id, opened=None, timer=None, signal=None)
            if fact.input is not UNSET:
                _amend(state, record.node_id, input=fact.input)
            if fact.signal_seq is not None:
                state.signals = tuple(kept for kept in state.signals if kept.seq != fact.signal_seq)
        case ExecutionCreated():
            _create(state, record, fact)
        case ExecutionStarted():
            state.status = "running"
            state.started_at = record.timestamp
            state.initiators = _names(*state.initiators, fact.by)
        case ExecutionPaused():
            state.status = "paused"
            state.paused_by = fact.by
            _freeze_timers(state, epoch(record.timestamp))
        case ExecutionQuiesced():
            state.quiesced = True
        case ExecutionResumed():
            state.status = "running"
            state.quiesced = False
            state.paused_by = None
            _thaw_timers(state, epoch(record.timestamp))
        case ExecutionCompleted():
            state.status = fact.status
            state.output = fact.output
            state.error = fact.error
            state.signals = ()
            state.ended_at = record.timestamp
            state.quiesced = False
            state.paused_by = None
        case _:
            assert_never(fact)
    state.updated_at = record.timestamp


def remember(state: SessionState, command_id: str) -> None:
    """Note that a command was carried out, the last event of which is the state's."""
    state.done = (*state.done, DoneCommand(command_id, state.seq))[-MAX_DONE:]


def early_signal(state: SessionState, node_id: str) -> KeptSignal | None:
    """Return the oldest kept signal that is for this node, or for the name that it waits for."""
    name = state.node(node_id).signal
    if name is None:
        return None
    return next((kept for kept in state.signals if kept.node_id == node_id or kept.name == name), None)


def fold(workflow: Workflow, state: SessionState, records: Iterable[Record]) -> SessionState:
    """Apply `records` in order and return the state."""
    for record in records:
        apply(workflow, state, record)
    return state


def _create(state: SessionState, record: Record, fact: ExecutionCreated) -> None:
    state.status = fact.status
    state.workflow_id = fact.workflow_id
    state.workflow_version = fact.workflow_version
    state.input = fact.input
    state.context = fact.context
    state.labels = fact.labels
    state.deadline_s = fact.deadline_s
    state.parent_id = fact.parent_id
    state.tenant = fact.tenant
    state.request = fact.request
    state.forked_from = fact.forked_from
    state.traceparent = fact.traceparent
    state.initiators = _names(*fact.initiators, fact.by)
    state.created_at = record.timestamp


def _names(*given: str | None) -> tuple[str, ...]:
    """Those that are known, each once."""
    return tuple(dict.fromkeys(name for name in given if name is not None))


def _change_node(workflow: Workflow, state: SessionState, record: Record, fact: NodeStateChange) -> None:
    node_id = record.node_id
    assert node_id is not None
    before = state.node(node_id)
    running = fact.status == "running"
    waits = fact.status == "suspended"
    ended = fact.status in ("completed", "failed", "skipped")
    state.nodes[node_id] = NodeState(
        fact.status,
        fact.attempt,
        fact.round,
        fact.laps if fact.status == "pending" else before.laps,
        fact.output if ended or fact.output is not UNSET else before.output,
        fact.error,
        fact.taken,
        record.timestamp if running else before.started_at,
        record.timestamp if ended else None,
        before.opened if waits else None,
        before.timer if waits else None,
        UNSET if ended else before.input,
        before.signal if waits else None,
        before.children if running else (),
    )
    if fact.taken and fact.status == "completed":
        node = workflow.nodes[node_id]
        if node.body and fact.taken[0] == node.next_ids[0]:
            _go_round(state, node_id, node.body)


def _go_round(state: SessionState, loop_id: str, body: frozenset[str]) -> None:
    """The loop's body is pending again, one round later; loops inside it start counting anew.

    Outputs stay readable: what was said in one round is what the next one goes on from.
    """
    for member in body:
        before = state.node(member)
        laps = before.laps + 1 if member == loop_id else 0
        state.nodes[member] = NodeState(round=before.round + 1, laps=laps, output=before.output)


def _amend(state: SessionState, node_id: str | None, **changes: Any) -> None:
    assert node_id is not None
    state.nodes[node_id] = msgspec.structs.replace(state.node(node_id), **changes)


def _timer(state: SessionState, record: Record, seconds: float | None, until: float | None = None) -> Timer | None:
    if seconds is None:
        return None
    return Timer(seconds, None if state.status == "paused" else epoch(record.timestamp), until)


def _freeze_timers(state: SessionState, now: float) -> None:
    for node_id, node in state.nodes.items():
        timer = node.timer
        if timer and timer.since is not None:
            left = max(0.0, timer.left - max(0.0, now - timer.since))
            state.nodes[node_id] = msgspec.structs.replace(node, timer=Timer(left, None, timer.until))


def _thaw_timers(state: SessionState, now: float) -> None:
    for node_id, node in state.nodes.items():
        timer = node.timer
        if timer and timer.since is None:
            left = timer.left if timer.until is None else max(0.0, timer.until - now)
            state.nodes[node_id] = msgspec.structs.replace(node, timer=Timer(left, now, timer.until))
