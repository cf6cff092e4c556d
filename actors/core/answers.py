"""What closes a wait: an answer, a timer, and what a person does about a failed node. Pure.

A suspended node waits for one of three things. Without an error it is a wait of its type (a review, a
delay). With an error and a timer it waits for its next attempt. With an error and no timer it waits for a
person, by `on_error: suspend`, who may

- have it run again (RetryNode), also before its timer is due;
- put an output in its place (SkipNode, or AnswerWait with `resume`): the node completes, and its
  successors go on with that output, null if none is given;
- give it up (AnswerWait with `reject`): it fails with the error that it had, and the session with it.

A node that failed for good can't be brought back: its successors, or the session, went on from there.

Whatever it is, it is for those to do who may: see `reviewers`. Timers and programs may always.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from .decision import REMEDIES, Draft
from .errors import Fault, InvalidInput, NotFound, NotWaiting
from .events import NodeResumed, TimerSet
from .json import encode_output
from .messages import Answered, AnswerWait, FireTimer, RetryNode, SkipNode
from .node import Answer, WaitingType
from .outcomes import sound
from .scope import NodeScope
from .state import SessionState
from .workflow import Node, Workflow

_ACTIONS = ("approve", "reject", "modify", "resume")


def answer_wait(draft: Draft, command: AnswerWait) -> None:
    """A person, or a program, answers a wait.

    Raises:
        NotFound, NotWaiting: there is no such wait.
        NotReviewer: it is for others to answer.
        InvalidInput: the answer doesn't fit; the wait stays open.
    """
    node = _suspended(draft, command.node_id, command.by)
    if command.action not in _ACTIONS:
        known = ", ".join(_ACTIONS)
        raise InvalidInput([Fault("$.action", f"{command.action!r} is unknown; known: {known}")], "the answer")
    answer = Answer(command.action, msgspec.json.decode(command.data), command.by)
    if draft.state.node(node.id).error is None:
        draft.advance(draft.close(node, answer))
    elif answer.action == "resume":
        _stand_in(draft, node, answer, "resume")
    elif answer.action == "reject":
        _reject(draft, node, answer)
    else:
        offered = ", ".join(REMEDIES)
        fault = Fault("$.action", f"{answer.action!r} isn't offered for a node that failed; offered: {offered}")
        raise InvalidInput([fault], "the answer")
    draft.reply = Answered(draft.state.session_id, node.id, draft.state.seq)


def fire_timer(draft: Draft, command: FireTimer) -> None:
    """A timer ran out: the next attempt is due, or the wait's time is over."""
    present = draft.state.node(command.node_id)
    due = (
        present.status == "suspended"
        and present.timer is not None
        and (present.round, present.attempt) == (command.round, command.attempt)
    )
    if not due or draft.state.status != "running":
        return
    node = draft.workflow.nodes[command.node_id]
    if present.error is None:
        draft.advance(draft.close(node, Answer("timer")))
    else:
        draft.advance(draft.begin(node))


def retry_node(draft: Draft, command: RetryNode) -> None:
    """Run a failed, suspended node again; in a paused session at the resume.

    Raises:
        NotFound, NotWaiting: there is no such wait.
        NotReviewer: it is for others to decide, or would go on with their answer about another input.
    """
    node = _failed(draft, command.node_id, command.by)
    if command.input is not UNSET:
        check_answered(draft.workflow, draft.state, draft.state.in_status("completed"), command.by)
    resumed = NodeResumed(review_action="retry", reviewer=command.by, input=command.input)
    draft.record(resumed, node.id)
    if draft.state.status == "running":
        draft.advance(draft.begin(node))
    else:
        draft.record(TimerSet(0.0), node.id)
    draft.reply = Answered(draft.state.session_id, node.id, draft.state.seq)


def skip_node(draft: Draft, command: SkipNode) -> None:
    """Complete a failed, suspended node with an output in place of its own.

    Raises:
        NotFound, NotWaiting: there is no such wait.
        NotReviewer: it is for others to decide.
        InvalidInput: the output doesn't fit what the node is for; the wait stays open.
    """
    node = _failed(draft, command.node_id, command.by)
    _stand_in(draft, node, Answer("skip", msgspec.json.decode(command.output), command.by), "skip")
    draft.reply = Answered(draft.state.session_id, node.id, draft.state.seq)


def _stand_in(draft: Draft, node: Node, answer: Answer, action: str) -> None:
    outcome = sound(node, node.type.stand_in(node, answer.data))
    draft.record(NodeResumed(encode_output(answer.data), action, answer.by), node.id)
    draft.advance(draft.node_completed(node, outcome))


def _reject(draft: Draft, node: Node, answer: Answer) -> None:
    failure = draft.state.node(node.id).error
    assert failure is not None
    draft.record(NodeResumed(encode_output(answer.data), "reject", answer.by), node.id)
    draft.give_up(node, msgspec.structs.replace(failure, by=answer.by))


def check_answered(workflow: Workflow, state: SessionState, node_ids: Iterable[str], by: str | None) -> None:
    """Refuse to go on with another input behind waits that were answered, unless `by` may answer them too.

    Raises:
        NotReviewer: what was answered would be passed off as an answer about that input.
    """
    for node_id in node_ids:
        node = workflow.nodes[node_id]
        if isinstance(node.type, WaitingType):
            node.type.reviewers(NodeScope(workflow, state, node)).check(node_id, by)


def _suspended(draft: Draft, node_id: str, by: str | None) -> Node:
    """The node that waits, if `by` may answer for it: no answer by a person gets past here."""
    node = draft.workflow.nodes.get(node_id)
    if node is None:
        raise NotFound("node", node_id)
    present = draft.state.node(node_id)
    if present.status != "suspended" or draft.state.terminal:
        raise NotWaiting(node_id, present.status)
    draft.reviewers(node).check(node_id, by)
    return node


def _failed(draft: Draft, node_id: str, by: str | None) -> Node:
    node = _suspended(draft, node_id, by)
    if draft.state.node(node_id).error is None:
        raise NotWaiting(node_id, "suspended, and didn't fail")
    return node
