"""One decision in the making: what is recorded, and how the session moves on from there. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from . import plan
from .errors import ExpressionCost, InvalidInput, NodeError
from .events import (
    AttemptError,
    ExecutionCompleted,
    Fact,
    Failure,
    HumanInteractionRequired,
    NodeResumed,
    NodeStateChange,
    Record,
    TimerSet,
)
from .json import as_text, encode_output
from .lifecycle import NodeStatus, Status
from .messages import Cancel, Pause, Reply, Resume, Stop
from .node import Answer, InlineType, Outcome, TaskType, WaitingType
from .outcomes import sound, sound_fact
from .retry import chance_of
from .reviewers import Reviewers, reviewers_of
from .room import bytes_of, check_room, too_much
from .scope import NodeScope
from .state import SessionState, apply, early_signal
from .workflow import Node, Workflow

T = TypeVar("T")

MOST_RECORDS: Final = 1_000
"""Records after which a decision breaks off, to go on behind its commit: what only computes may go round for ever."""
MOST_UNITS: Final = 20_000_000
"""Units of work of its nodes' expressions after which it does so too: some hundredths of a second."""
MOST_BYTES: Final = 4_194_304
"""Bytes of its nodes' outputs after which it does so too."""

REMEDIES = ("retry", "skip", "reject")
"""What a person may do about a failed node that is suspended; `reject` fails it for good."""


class StartAttempt(msgspec.Struct, frozen=True, gc=False):
    """Effect: run this attempt of a task node."""

    node_id: str
    round: int
    attempt: int


FamilyCommand: TypeAlias = Pause | Resume | Stop | Cancel
"""What a session tells its child sessions."""


class Decision(msgspec.Struct, gc=False):
    """What a command came to: nothing of it counts before `records` are stored.

    Attributes:
        state: the session's state after the records.
        starts: attempts to start once the records are stored.
        reply: for whoever asked.
        orders: what to tell which child sessions once the records are stored.
        overtaken: nodes whose attempts nobody waits for any more.
        unfinished: it broke off: once the records are stored, Advance goes on.
    """

    records: list[Record]
    state: SessionState
    starts: list[StartAttempt]
    reply: Reply = None
    orders: tuple[tuple[str, FamilyCommand], ...] = ()
    overtaken: tuple[str, ...] = ()
    unfinished: bool = False


class Draft:
    """A decision in the making: each record is applied to the working state at once."""

    __slots__ = (
        "now",
        "orders",
        "overtaken",
        "records",
        "reply",
        "size",
        "starts",
        "state",
        "unfinished",
        "units",
        "workflow",
    )

    def __init__(self, workflow: Workflow, state: SessionState, now: str) -> None:
        self.workflow = workflow
        self.state = state.working_copy()
        self.now = now
        self.records: list[Record] = []
        self.starts: list[StartAttempt] = []
        self.reply: Reply = None
        self.orders: tuple[tuple[str, FamilyCommand], ...] = ()
        self.overtaken: tuple[str, ...] = ()
        self.unfinished = False
        self.units = 0
        self.size = 0

    def look(self, node: Node, decide: Callable[[NodeScope], T]) -> T:
        """Return what a node's type decides on what it sees; its work counts, also if it fails.

        Raises:
            Exception: whatever the type raises.
        """
        view = self.view(node)
        try:
            return decide(view)
        except ExpressionCost:
            self.units += MOST_UNITS  # to tell that it would be too much took its time as well
            raise
        finally:
            self.units += view.units

    def decided(self) -> Decision:
        """Return the decision as it stands."""
        return Decision(self.records, self.state, self.starts, self.reply, self.orders, self.overtaken, self.unfinished)

    def order(self, command: FamilyCommand) -> None:
        """Have all child sessions told, once the records are stored."""
        self.orders = tuple((child_id, command) for child_id in self.state.children())

    def record(self, fact: Fact, node_id: str | None = None) -> None:
        """Append one event and apply it."""
        state = self.state
        record = Record(state.seq + 1, state.session_id, fact.event, self.now, fact, node_id, fact.version)
        apply(self.workflow, state, record)
        self.records.append(record)

    def change(
        self,
        node_id: str,
        status: NodeStatus,
        output: Raw | UnsetType = UNSET,
        error: Failure | None = None,
        taken: tuple[str, ...] | None = None,
        attempt: int | None = None,
    ) -> None:
        """Record that a node moved to `status`, in its present round."""
        present = self.state.node(node_id)
        number = present.attempt if attempt is None else attempt
        self.record(NodeStateChange(status, number, present.round, output, error, taken), node_id)

    def is_current(self, node_id: str, round_: int, attempt: int) -> bool:
        """Whether this attempt still counts; late results of any other change nothing."""
        node = self.state.node(node_id)
        return node.status == "running" and node.attempt == attempt and node.round == round_ and not self.state.terminal

    def view(self, node: Node) -> NodeScope:
        """Return what the node may look at now."""
        return NodeScope(self.workflow, self.state, node)

    def reviewers(self, node: Node) -> Reviewers:
        """Return who may answer for a node: whoever its open question says, else as its type has it."""
        opened = self.state.node(node.id).opened
        if opened is None and isinstance(node.type, WaitingType):
            return node.type.reviewers(self.view(node))
        return reviewers_of(opened)

    # ---- onwards

    def advance(self, candidates: Iterable[str]) -> None:
        """Start, skip or leave waiting each candidate and whatever follows from that; then see if all is done.

        A decision that becomes long breaks off: what is left is what `plan.frontier` finds then.
        """
        if self.state.status != "running":
            return
        todo = deque(candidates)
        while todo:
            if len(self.records) >= MOST_RECORDS or self.units >= MOST_UNITS or self.size >= MOST_BYTES:
                self.unfinished = True
                return
            node = self.workflow.nodes[todo.popleft()]
            if self.state.node(node.id).status != "pending":
                continue
            match plan.verdict(self.workflow, self.state, node):
                case "start":
                    todo.extend(self.begin(node))
                    if self.state.terminal:
                        return
                case "skip":
                    self.change(node.id, "skipped")
                    todo.extend(plan.targets(self.workflow, node))
                case "wait":
                    pass
        self.complete_if_done()

    def begin(self, node: Node) -> Iterable[str]:
        """Begin the next attempt of a round; return the nodes to look at next."""
        present = self.state.node(node.id)
        attempt = present.attempt + 1
        self.change(node.id, "running", attempt=attempt)
        match node.type:
            case TaskType():
                self.starts.append(StartAttempt(node.id, present.round, attempt))
            case InlineType() as inline:
                try:
                    outcome = self.look(node, inline.decide)
                except Exception as error:  # noqa: BLE001 - a node type may be a user's own
                    return self.node_failed(node, failure_of(error))
                return self.node_completed(node, sound(node, outcome))
            case WaitingType() as waiting:
                try:
                    opened = self.look(node, waiting.open)
                except Exception as error:  # noqa: BLE001 - a node type may be a user's own
                    return self.node_failed(node, failure_of(error))
                self.change(node.id, "suspended")
                self.record(sound_fact(node, opened), node.id)
                kept = early_signal(self.state, node.id)
                if kept is not None:
                    return self.close(node, Answer("signal", msgspec.json.decode(kept.payload)), kept.seq)
            case _:
                raise TypeError(f"{node.type!r} is neither inline, waiting nor a task")
        return ()

    def restart(self, interrupted: Iterable[str]) -> None:
        """Run attempts again that a crash cut short."""
        for node_id in interrupted:
            self.begin(self.workflow.nodes[node_id])

    def close(self, node: Node, answer: Answer, signal_seq: int | None = None) -> Iterable[str]:
        """Close a wait of the node's type with `answer`; return the nodes to look at next.

        Args:
            node: a suspended node that didn't fail.
            answer: what closes it.
            signal_seq: of the kept signal that is the answer, if it is one.

        Raises:
            InvalidInput: the answer doesn't fit, and whoever gave it may give another; the wait stays open.
        """
        assert isinstance(node.type, WaitingType)
        reviewers = self.reviewers(node)
        action = answer.action if answer.action in ("approve", "reject", "modify") else None
        resumed = NodeResumed(encode_output(answer.data), action, answer.by, signal_seq=signal_seq)
        try:
            outcome = node.type.answer(self.view(node), self.state.node(node.id).opened, answer)
        except InvalidInput as error:
            if answer.action != "timer" and signal_seq is None:
                raise
            failure = Failure("invalid_answer", str(error))  # nobody is there to be told
        except NodeError as error:
            failure = failure_of(error)
        else:
            self.record(resumed, node.id)
            return self.node_completed(node, sound(node, outcome))
        self.record(resumed, node.id)
        return self.node_failed(node, failure, reviewers=reviewers)

    def node_completed(self, node: Node, outcome: Outcome) -> Iterable[str]:
        """Record what a node came to, or that it can't be that; return the nodes to look at next."""
        try:
            output = encode_output(outcome.output)
        except NodeError as error:
            return self.node_failed(node, failure_of(error))
        return self.put_out(node, output, outcome.taken, outcome.facts)

    def put_out(
        self, node: Node, output: Raw, taken: tuple[str, ...] | None = None, facts: Iterable[Fact] = ()
    ) -> Iterable[str]:
        """Record an output, or that there is no room for it beside the others; return the nodes to look at next.

        Args:
            node: whose.
            output: JSON.
            taken: the successors to go on to, None for all.
            facts: to record just before.
        """
        self.size += bytes_of(output)
        try:
            check_room(self.state, node.id, output)
        except NodeError as error:
            return self.node_failed(node, failure_of(error))
        for fact in facts:
            self.record(fact, node.id)
        goes_round = taken is not None and bool(node.body) and taken[0] == node.next_ids[0]
        if goes_round:
            self._overtake(node)
        self.change(node.id, "completed", output=output, taken=taken)
        if goes_round and taken is not None:
            return taken
        return plan.targets(self.workflow, node)

    def _overtake(self, loop: Node) -> None:
        """Give up what is still at work in a loop's body, behind a join that was met early."""
        stop = Stop(f"loop {loop.id!r} went round without it", self.state.session_id)
        for node_id in self.workflow.nodes:
            present = self.state.node(node_id)
            if node_id in loop.body and node_id != loop.id and present.status in ("running", "suspended"):
                self.orders += tuple((child_id, stop) for child_id in present.children)
                self.overtaken += (node_id,)
                self.starts = [start for start in self.starts if start.node_id != node_id]
                self.change(node_id, "failed", error=Failure("overtaken", f"loop {loop.id!r} went round without it"))

    def node_failed(
        self,
        node: Node,
        failure: Failure,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        reviewers: Reviewers | None = None,
    ) -> Iterable[str]:
        """Record a failed attempt and apply the node's policies; return the nodes to look at next.

        Args:
            node: which.
            failure: how.
            retryable: whether another attempt may do better.
            retry_after: seconds after which it may, if that is known.
            reviewers: who may decide about it; left out, as its type has it.
        """
        state = self.state
        present, retry = state.node(node.id), node.spec.retry
        again = retryable and retry is not None and retry.allows(present.attempt, failure.code)
        self.record(AttemptError(failure.message, failure.code, present.attempt, again), node.id)
        if retry is not None and again:
            chance = chance_of(state.session_id, node.id, present.round, present.attempt)
            self.change(node.id, "suspended", error=failure)
            self.record(TimerSet(retry.wait(present.attempt, chance, retry_after)), node.id)
            return ()
        match node.spec.on_error:
            case "continue":
                self.change(node.id, "failed", error=failure)
                return plan.targets(self.workflow, node)
            case "suspend":
                self.change(node.id, "suspended", error=failure)
                self.record(_plea(node, failure, reviewers or self.reviewers(node)), node.id)
            case "fail":
                self.give_up(node, failure)
        return ()

    def give_up(self, node: Node, failure: Failure) -> None:
        """A node fails for good, and the session with it."""
        self.change(node.id, "failed", error=failure)
        self.end("failed", msgspec.structs.replace(failure, node_id=node.id))

    # ---- the end

    def complete_if_done(self) -> None:
        """Record the session's end if no node is left to wait for."""
        if self.starts or self.state.terminal:
            return
        for node in reversed(self.state.nodes.values()):
            if node.status in ("running", "suspended"):
                return
        outputs = {n: self.state.node(n).output for n in plan.leaves(self.workflow, self.state)}
        if (failure := too_much(outputs.values())) is not None:
            self.end("failed", failure)
            return
        output = next(iter(outputs.values())) if len(outputs) == 1 else Raw(msgspec.json.encode(outputs))
        self.record(ExecutionCompleted("completed", output if outputs else UNSET))

    def end(self, status: Status, error: Failure) -> None:
        """End now: what runs or waits fails, what is pending is skipped, then the terminal event."""
        code = error.code if error.code in ("stopped", "cancelled", "deadline") else "aborted"
        self.starts.clear()
        me, why = self.state.session_id, f"session {self.state.session_id!r} {_END_WORDS[code]}"
        self.order(Cancel(why, me) if code == "cancelled" else Stop(why, me))
        for node_id in self.workflow.nodes:
            present = self.state.node(node_id).status
            if present in ("running", "suspended"):
                self.change(node_id, "failed", error=Failure(code, f"the session {_END_WORDS[code]}"))
            elif present == "pending":
                self.change(node_id, "skipped")
        self.record(ExecutionCompleted(status, error=error))


def cut_short(failure: Failure | None) -> bool:
    """Return whether a node failed only because its session ended."""
    return failure is not None and failure.message == f"the session {_END_WORDS.get(failure.code)}"


def _plea(node: Node, failure: Failure, reviewers: Reviewers) -> HumanInteractionRequired:
    return HumanInteractionRequired(
        reason=f"node {node.id!r} failed: {failure.code}",
        prompt=failure.message,
        actions=REMEDIES,
        reviewers=reviewers.only,
        excluded=reviewers.excluded,
    )


_END_WORDS = {
    "stopped": "was stopped",
    "cancelled": "was cancelled",
    "deadline": "passed its deadline",
    "aborted": "failed elsewhere",
}


def failure_of(error: Exception) -> Failure:
    """Return what a node's own error means for its attempt."""
    if isinstance(error, NodeError):
        return Failure(as_text(error.node_code), as_text(error))
    return Failure("exception", f"{type(error).__name__}: {as_text(error)}")
