"""What a session does about a command: a pure function from state to records and effects.

`decide` works on a copy: a command that is refused, or a bug, leaves the state as it was. The session
commits the records, and only then releases the effects.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import assert_never

from msgspec import UNSET

from . import plan
from .answers import answer_wait, fire_timer, retry_node, skip_node
from .decision import Decision, Draft
from .errors import SessionExists
from .events import (
    ExecutionCreated,
    ExecutionPaused,
    ExecutionQuiesced,
    ExecutionRecovered,
    ExecutionResumed,
    ExecutionStarted,
    Failure,
)
from .lifecycle import Action, next_status
from .messages import (
    Abort,
    Advance,
    Answered,
    AnswerWait,
    AnyCommand,
    Cancel,
    CompleteAttempt,
    Create,
    Created,
    FailAttempt,
    FireTimer,
    Once,
    Pause,
    Quiesce,
    Receipt,
    RecordFacts,
    Recover,
    Resume,
    RetryNode,
    Signalled,
    SignalSession,
    SkipNode,
    Start,
    Stop,
)
from .signals import signal_session
from .state import SessionState, remember
from .workflow import Workflow


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
        CommandRefused, NotWaiting, NotFound, SessionExists, InvalidInput, NotReviewer: refused; nothing happened.
    """
    draft = Draft(workflow, state, now)
    match command:
        case CompleteAttempt():
            _complete_attempt(draft, command)
        case FailAttempt():
            _fail_attempt(draft, command)
        case RecordFacts():
            if draft.is_current(command.node_id, command.round, command.attempt):
                for fact in command.facts:
                    draft.record(fact, command.node_id)
        case Create():
            if state.seq:
                return _repeated(workflow, state, command, now)
            _create(draft, command)
        case Start() | Pause() | Resume() | Stop() | Cancel():
            _control(draft, command, alive, parked)
        case AnswerWait():
            answer_wait(draft, command)
        case RetryNode():
            retry_node(draft, command)
        case SkipNode():
            skip_node(draft, command)
        case SignalSession():
            signal_session(draft, command)
        case Once():
            return _once(workflow, state, command, now, alive, parked)
        case FireTimer():
            fire_timer(draft, command)
        case Quiesce():
            if state.status == "paused" and not state.quiesced:
                draft.record(ExecutionQuiesced())
        case Advance():
            draft.advance(plan.frontier(workflow, draft.state))
        case Recover():
            _recover(draft)
        case Abort():
            if not state.terminal:
                draft.end("failed", command.failure)
        case _:
            assert_never(command)
    return draft.decided()


def _repeated(workflow: Workflow, state: SessionState, command: Create, now: str) -> Decision:
    """Answer a creation of a session that exists as the first one was answered: the decision is the same again."""
    if state.request != command.request:
        raise SessionExists(state.session_id)
    first = decide(workflow, SessionState(state.session_id), command, now)
    return Decision([], state, [], first.reply)


def _once(
    workflow: Workflow,
    state: SessionState,
    once: Once,
    now: str,
    alive: Collection[str],
    parked: Collection[str],
) -> Decision:
    """Carry a command out, or answer it if that was done before. One that changed nothing isn't remembered."""
    done = next((done for done in state.done if done.command_id == once.command_id), None)
    if done is not None:
        return Decision([], state, [], _answer_again(state, once, done.seq, alive, parked))
    decision = decide(workflow, state, once.command, now, alive, parked)
    if decision.records:
        decision.records[-1].command_id = once.command_id
        remember(decision.state, once.command_id)
    return decision


def _answer_again(
    state: SessionState, once: Once, seq: int, alive: Collection[str], parked: Collection[str]
) -> Receipt | Answered | Signalled:
    """The reply to a command that was carried out before: of then the seq, the rest as it is now."""
    match once.command:
        case AnswerWait(node_id=node_id) | RetryNode(node_id=node_id) | SkipNode(node_id=node_id):
            return Answered(state.session_id, node_id, seq)
        case SignalSession(node_id=node_id):
            return Signalled(state.session_id, node_id, seq)
        case command:
            return Receipt(
                state.session_id, _ACTIONS[type(command)], state.status, True, seq, _in_flight(state, alive, parked)
            )


def _create(draft: Draft, command: Create) -> None:
    draft.record(
        ExecutionCreated(
            workflow_id=draft.workflow.workflow_id,
            workflow_version=draft.workflow.version,
            status="pending",
            input=command.input,
            context=command.context,
            labels=command.labels,
            deadline_s=command.deadline_s,
            parent_id=command.parent_id,
            tenant=command.tenant,
            request=command.request,
            forked_from=command.forked_from,
            traceparent=None if command.trace is UNSET else command.trace,
            by=None if command.by is UNSET else command.by,
            initiators=() if command.initiators is UNSET else command.initiators,
        )
    )
    for node_id, fact in command.reused:
        draft.record(fact, node_id)
    if command.start:
        _start(draft)
    draft.reply = Created(draft.state.session_id, draft.state.status, draft.state.seq)


def _control(
    draft: Draft, command: Start | Pause | Resume | Stop | Cancel, alive: Collection[str], parked: Collection[str]
) -> None:
    state = draft.state
    action = _ACTIONS[type(command)]
    changed = next_status(state.status, action) != state.status and not _not_meant(state, command)
    in_flight = _in_flight(state, alive, parked)
    if changed:
        match command:
            case Start():
                _start(draft, command.by)
            case Pause():
                draft.order(Pause(command.reason, by=state.session_id))
                draft.record(ExecutionPaused(command.reason, command.by, in_flight))
            case Resume():
                _resume(draft, command, alive)
            case Stop():
                draft.end("failed", Failure("stopped", command.reason or "stopped", by=command.by))
            case Cancel():
                draft.end("cancelled", Failure("cancelled", command.reason or "cancelled", by=command.by))
            case _:
                assert_never(command)
    draft.reply = Receipt(state.session_id, action, state.status, changed, state.seq, in_flight)


def _in_flight(state: SessionState, alive: Collection[str], parked: Collection[str]) -> tuple[str, ...]:
    return tuple(n for n in state.in_status("running") if n in alive and n not in parked)


def _not_meant(state: SessionState, command: Start | Pause | Resume | Stop | Cancel) -> bool:
    """Whether a resume is for sessions that somebody else paused."""
    meant = command.if_paused_by if isinstance(command, Resume) else None
    return meant is not None and meant != state.paused_by


def _start(draft: Draft, by: str | None = None) -> None:
    """Begin where the graph does; a fork, behind what it reuses."""
    draft.record(ExecutionStarted(by))
    draft.advance(plan.frontier(draft.workflow, draft.state))


def _resume(draft: Draft, command: Resume, alive: Collection[str]) -> None:
    me = draft.state.session_id
    draft.order(Resume(by=me, if_paused_by=me))
    running = tuple(draft.state.in_status("running"))
    draft.record(ExecutionResumed(command.by, running))
    draft.restart(n for n in running if n not in alive)
    draft.advance(plan.frontier(draft.workflow, draft.state))


def _recover(draft: Draft) -> None:
    """Interrupted nodes run again; in a paused session they do so at the resume."""
    if draft.state.status not in ("running", "paused"):
        return
    interrupted = tuple(draft.state.in_status("running"))
    if interrupted:
        draft.record(ExecutionRecovered(interrupted))
    if draft.state.status == "running":
        draft.restart(interrupted)
        draft.advance(plan.frontier(draft.workflow, draft.state))


def _complete_attempt(draft: Draft, command: CompleteAttempt) -> None:
    if draft.is_current(command.node_id, command.round, command.attempt):
        node = draft.workflow.nodes[command.node_id]
        draft.advance(draft.put_out(node, command.output))


def _fail_attempt(draft: Draft, command: FailAttempt) -> None:
    if draft.is_current(command.node_id, command.round, command.attempt):
        node = draft.workflow.nodes[command.node_id]
        onwards = draft.node_failed(
            node, command.failure, retryable=not command.terminal, retry_after=command.retry_after
        )
        draft.advance(onwards)


_ACTIONS: dict[type, Action] = {Start: "start", Pause: "pause", Resume: "resume", Stop: "stop", Cancel: "cancel"}
