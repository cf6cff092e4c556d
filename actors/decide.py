"""What a session does about a command: a pure function from state to records and effects.

`decide` works on a copy: a command that is refused, or a bug, leaves the state as it was. The session
commits the records, and only then releases the effects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import assert_never

import msgspec
from msgspec import UNSET, Raw, UnsetType

from . import plan
from .errors import InvalidInput, NodeError, NotFound, NotWaiting, SessionExists
from .events import (
    AttemptError,
    ExecutionCompleted,
    ExecutionCreated,
    ExecutionPaused,
    ExecutionQuiesced,
    ExecutionRecovered,
    ExecutionResumed,
    ExecutionStarted,
    Fact,
    Failure,
    NodeResumed,
    NodeStateChange,
    Record,
)
from .json import encode_output
from .lifecycle import Action, NodeStatus, Status, next_status
from .messages import (
    Abort,
    Answered,
    AnswerWait,
    AnyCommand,
    Cancel,
    CompleteAttempt,
    Create,
    Created,
    FailAttempt,
    FireTimer,
    Pause,
    Quiesce,
    Receipt,
    RecordFacts,
    Recover,
    Reply,
    Resume,
    Start,
    Stop,
)
from .node import Answer, InlineType, Outcome, TaskType, WaitingType
from .scope import NodeScope
from .state import SessionState, apply
from .workflow import Node, Workflow


class StartAttempt(msgspec.Struct, frozen=True, gc=False):
    """Effect: run this attempt of a task node."""

    node_id: str
    round: int
    attempt: int


class Decision(msgspec.Struct, gc=False):
    """What a command came to: nothing of it counts before `records` are stored.

    Attributes:
        state: the session's state after the records.
        starts: attempts to start once the records are stored.
        reply: for whoever asked.
    """

    records: list[Record]
    state: SessionState
    starts: list[StartAttempt]
    reply: Reply = None


def decide(
    workflow: Workflow,
    state: SessionState,
    command: AnyCommand,
    now: str,
    alive: Collection[str] = (),
    parked: Collection[str] = (),
) -> Decision:
    """Return the decision on `command`.

    Args:
        workflow: the graph the session runs.
        state: the state so far; it isn't changed.
        command: what to decide on.
        now: the timestamp of the records.
        alive: ids of running nodes that have a live executor.
        parked: those of them that stand still because the session is paused.

    Raises:
        CommandRefused, NotWaiting, NotFound, SessionExists, InvalidInput: refused; nothing happened.
    """
    turn = _Turn(workflow, state, now)
    match command:
        case CompleteAttempt():
            turn.complete_attempt(command)
        case FailAttempt():
            turn.fail_attempt(command)
        case RecordFacts():
            if turn.is_current(command.node_id, command.round, command.attempt):
                for fact in command.facts:
                    turn.record(fact, command.node_id)
        case Create():
            if state.seq:
                return _repeated(workflow, state, command, now)
            turn.create(command)
        case Start() | Pause() | Resume() | Stop() | Cancel():
            turn.control(command, alive, parked)
        case AnswerWait():
            answer = Answer(command.action, msgspec.json.decode(command.data), command.by)
            turn.answer(command.node_id, answer)
            turn.reply = Answered(state.session_id, command.node_id, turn.state.seq)
        case FireTimer():
            turn.fire_timer(command)
        case Quiesce():
            if state.status == "paused" and not state.quiesced:
                turn.record(ExecutionQuiesced())
        case Recover():
            turn.recover()
        case Abort():
            if not state.terminal:
                turn.end("failed", command.failure)
        case _:
            assert_never(command)
    return Decision(turn.records, turn.state, turn.starts, turn.reply)


def _repeated(workflow: Workflow, state: SessionState, command: Create, now: str) -> Decision:
    """Answer a creation of a session that exists as the first one was answered: the decision is the same again."""
    if state.request != command.request:
        raise SessionExists(state.session_id)
    first = decide(workflow, SessionState(state.session_id), command, now)
    return Decision([], state, [], first.reply)


class _Turn:
    """One decision in the making: each record is applied to the working state at once."""

    __slots__ = ("now", "records", "reply", "starts", "state", "workflow")

    def __init__(self, workflow: Workflow, state: SessionState, now: str) -> None:
        self.workflow = workflow
        self.state = state.working_copy()
        self.now = now
        self.records: list[Record] = []
        self.starts: list[StartAttempt] = []
        self.reply: Reply = None

    def record(self, fact: Fact, node_id: str | None = None) -> None:
        state = self.state
        record = Record(state.seq + 1, state.session_id, fact.event, self.now, fact, node_id)
        apply(self.workflow, state, record)
        self.records.append(record)

    def is_current(self, node_id: str, round_: int, attempt: int) -> bool:
        """Whether this attempt still counts; late results of any other change nothing."""
        node = self.state.node(node_id)
        return node.status == "running" and node.attempt == attempt and node.round == round_ and not self.state.terminal

    # ---- commands

    def create(self, command: Create) -> None:
        self.record(
            ExecutionCreated(
                workflow_id=self.workflow.workflow_id,
                workflow_version=self.workflow.version,
                status="pending",
                input=command.input,
                context=command.context,
                labels=command.labels,
                deadline_s=command.deadline_s,
                parent_id=command.parent_id,
                tenant=command.tenant,
                request=command.request,
            )
        )
        if command.start:
            self.record(ExecutionStarted())
            self.advance([self.workflow.start])
        self.reply = Created(self.state.session_id, self.state.status, self.state.seq)

    def control(
        self, command: Start | Pause | Resume | Stop | Cancel, alive: Collection[str], parked: Collection[str]
    ) -> None:
        state = self.state
        action = _ACTIONS[type(command)]
        changed = next_status(state.status, action) != state.status
        in_flight = tuple(n for n in state.in_status("running") if n in alive and n not in parked)
        if changed:
            match command:
                case Start():
                    self.record(ExecutionStarted())
                    self.advance([self.workflow.start])
                case Pause():
                    self.record(ExecutionPaused(command.reason, command.by, in_flight))
                case Resume():
                    self.resume(command, alive)
                case Stop():
                    self.end("failed", Failure("stopped", command.reason or "stopped", by=command.by))
                case Cancel():
                    self.end("cancelled", Failure("cancelled", command.reason or "cancelled", by=command.by))
                case _:
                    assert_never(command)
        self.reply = Receipt(state.session_id, action, state.status, changed, state.seq, in_flight)

    def resume(self, command: Resume, alive: Collection[str]) -> None:
        running = tuple(self.state.in_status("running"))
        self.record(ExecutionResumed(command.by, running))
        self.restart(n for n in running if n not in alive)
        self.advance(plan.frontier(self.workflow, self.state))

    def recover(self) -> None:
        """Interrupted nodes run again; in a paused session they do so at the resume."""
        if self.state.status not in ("running", "paused"):
            return
        interrupted = tuple(self.state.in_status("running"))
        if interrupted:
            self.record(ExecutionRecovered(interrupted))
        if self.state.status == "running":
            self.restart(interrupted)
            self.advance(plan.frontier(self.workflow, self.state))

    def answer(self, node_id: str, answer: Answer) -> None:
        if node_id not in self.workflow.nodes:
            raise NotFound("node", node_id)
        node, present = self.workflow.nodes[node_id], self.state.node(node_id)
        if present.status != "suspended" or self.state.terminal or not isinstance(node.type, WaitingType):
            raise NotWaiting(node_id, present.status)
        action = None if answer.action in ("resume", "timer") else answer.action
        resumed = NodeResumed(encode_output(answer.data), action, answer.by)
        try:
            outcome = node.type.answer(self.view(node), present.opened, answer)
        except InvalidInput:
            raise
        except NodeError as error:
            self.record(resumed, node_id)
            self.advance(self.node_failed(node, Failure(error.node_code, str(error))))
            return
        self.record(resumed, node_id)
        self.advance(self.node_completed(node, outcome))

    def fire_timer(self, command: FireTimer) -> None:
        present = self.state.node(command.node_id)
        due = present.status == "suspended" and present.round == command.round and present.timer is not None
        if due and self.state.status == "running":
            self.answer(command.node_id, Answer("timer"))

    def complete_attempt(self, command: CompleteAttempt) -> None:
        if self.is_current(command.node_id, command.round, command.attempt):
            node = self.workflow.nodes[command.node_id]
            self.change(node.id, "completed", output=command.output)
            self.advance(node.next_ids)

    def fail_attempt(self, command: FailAttempt) -> None:
        if self.is_current(command.node_id, command.round, command.attempt):
            self.advance(self.node_failed(self.workflow.nodes[command.node_id], command.failure))

    # ---- nodes

    def change(
        self,
        node_id: str,
        status: NodeStatus,
        output: Raw | UnsetType = UNSET,
        error: Failure | None = None,
        taken: tuple[str, ...] | None = None,
        attempt: int | None = None,
    ) -> None:
        present = self.state.node(node_id)
        number = present.attempt if attempt is None else attempt
        self.record(NodeStateChange(status, number, present.round, output, error, taken), node_id)

    def view(self, node: Node) -> NodeScope:
        return NodeScope(self.workflow, self.state, node)

    def advance(self, candidates: Iterable[str]) -> None:
        """Start, skip or leave waiting each candidate and whatever follows from that; then see if all is done."""
        if self.state.status != "running":
            return
        todo = deque(candidates)
        while todo:
            node = self.workflow.nodes[todo.popleft()]
            if self.state.node(node.id).status != "pending":
                continue
            match plan.verdict(self.workflow, self.state, node):
                case "start":
                    todo.extend(self.start(node))
                    if self.state.terminal:
                        return
                case "skip":
                    self.change(node.id, "skipped")
                    todo.extend(plan.targets(self.workflow, node))
                case "wait":
                    pass
        self.complete_if_done()

    def start(self, node: Node) -> Iterable[str]:
        """Begin the first attempt of a round; return the nodes to look at next."""
        self.change(node.id, "running", attempt=1)
        match node.type:
            case TaskType():
                self.starts.append(StartAttempt(node.id, self.state.node(node.id).round, 1))
            case InlineType() as inline:
                try:
                    outcome = inline.decide(self.view(node))
                except Exception as error:  # noqa: BLE001 - a node type may be a user's own
                    return self.node_failed(node, _failure_of(error))
                return self.node_completed(node, outcome)
            case WaitingType() as waiting:
                try:
                    opened = waiting.open(self.view(node))
                except Exception as error:  # noqa: BLE001 - a node type may be a user's own
                    return self.node_failed(node, _failure_of(error))
                self.change(node.id, "suspended")
                self.record(opened, node.id)
            case _:
                raise TypeError(f"{node.type!r} is neither inline, waiting nor a task")
        return ()

    def restart(self, interrupted: Iterable[str]) -> None:
        for node_id in interrupted:
            present = self.state.node(node_id)
            self.change(node_id, "running", attempt=present.attempt + 1)
            self.starts.append(StartAttempt(node_id, present.round, present.attempt + 1))

    def node_completed(self, node: Node, outcome: Outcome) -> Iterable[str]:
        try:
            output = encode_output(outcome.output)
        except NodeError as error:
            return self.node_failed(node, _failure_of(error))
        for fact in outcome.facts:
            self.record(fact, node.id)
        self.change(node.id, "completed", output=output, taken=outcome.taken)
        if outcome.taken and node.body and outcome.taken[0] == node.next_ids[0]:
            return outcome.taken
        return plan.targets(self.workflow, node)

    def node_failed(self, node: Node, failure: Failure) -> Iterable[str]:
        """Record a failed attempt and apply the node's policy."""
        present = self.state.node(node.id)
        self.record(AttemptError(failure.message, failure.code, present.attempt, False), node.id)
        self.change(node.id, "failed", error=failure)
        if node.spec.on_error == "continue":
            return plan.targets(self.workflow, node)
        self.end("failed", msgspec.structs.replace(failure, node_id=node.id))
        return ()

    # ---- the end

    def complete_if_done(self) -> None:
        if self.starts or self.state.terminal:
            return
        for node in reversed(self.state.nodes.values()):
            if node.status in ("running", "suspended"):
                return
        outputs = {n: self.state.node(n).output for n in plan.leaves(self.workflow, self.state)}
        output = next(iter(outputs.values())) if len(outputs) == 1 else Raw(msgspec.json.encode(outputs))
        self.record(ExecutionCompleted("completed", output if outputs else UNSET))

    def end(self, status: Status, error: Failure) -> None:
        """End now: what runs or waits fails, what is pending is skipped, then the terminal event."""
        code = error.code if error.code in ("stopped", "cancelled", "deadline") else "aborted"
        self.starts.clear()
        for node_id in self.workflow.nodes:
            present = self.state.node(node_id).status
            if present in ("running", "suspended"):
                self.change(node_id, "failed", error=Failure(code, f"the session {_END_WORDS[code]}"))
            elif present == "pending":
                self.change(node_id, "skipped")
        self.record(ExecutionCompleted(status, error=error))


def _failure_of(error: Exception) -> Failure:
    """What a node's own error means for its attempt."""
    if isinstance(error, NodeError):
        return Failure(error.node_code, str(error))
    return Failure("exception", f"{type(error).__name__}: {error}")


_ACTIONS: dict[type, Action] = {Start: "start", Pause: "pause", Resume: "resume", Stop: "stop", Cancel: "cancel"}
_END_WORDS = {
    "stopped": "was stopped",
    "cancelled": "was cancelled",
    "deadline": "passed its deadline",
    "aborted": "failed elsewhere",
}
