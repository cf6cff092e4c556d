"""What a fork takes over from its original: a pure function of the original's log and the request.

A fork is a new session whose log begins with what it reuses, as facts: `completed` with its output for every
node that was through, `pending` for nodes in a later round of a loop. Then it starts, and the graph's own rules
say what is ready, so nothing of them is bypassed: skips are decided again, and what is reused never runs.

- After a seq: completed nodes are reused. What ran, waited or had failed is pending again, in the same round.
- From a node: that node and all that lies behind it by forward edges are pending again, the whole body of a loop
  behind it included. A loop *around* it stays in its present round: the round is gone through again from there.

A node that failed under `on_error: continue` is pending again too, unless something reused rests on its failure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .decision import cut_short
from .errors import Fault, InvalidInput, NotBegun
from .events import Fact, NodeStateChange, Record, SignalReceived
from .plan import targets
from .state import PENDING, NodeState, SessionState, apply
from .workflow import ID, Workflow, forward

MAX_REUSED: Final = 67_108_864
"""Bytes of outputs and signals that one fork may take over: they are one commit."""

Reused: TypeAlias = tuple[tuple[str | None, Fact], ...]


class Fork(msgspec.Struct, frozen=True, kw_only=True):
    """A request to fork a session.

    Attributes:
        after_seq: fork the session as it was after this event; this or the next.
        from_node: fork the session as it is now, but from this node on.
        input: JSON in place of the original's input; what is reused came from that one all the same.
        session_id: of the fork; made up if None. The same id with the same request is done once.
        start: False leaves the fork pending.
    """

    after_seq: int | None = None
    from_node: str | None = None
    input: Raw | UnsetType = UNSET
    session_id: str | None = None
    start: bool = True

    def check(self) -> None:
        """Check the request by itself.

        Raises:
            InvalidInput: with every fault.
        """
        faults = []
        if (self.after_seq is None) == (self.from_node is None):
            faults.append(Fault("$", "should have either `after_seq` or `from_node`"))
        if self.after_seq is not None and self.after_seq < 1:
            faults.append(Fault("$.after_seq", "should be at least 1"))
        if self.session_id is not None and not ID.fullmatch(self.session_id):
            faults.append(Fault("$.session_id", "should be 1 to 128 of A-Z a-z 0-9 . _ : -"))
        if faults:
            raise InvalidInput(faults, "the request")

    def digest(self, original: str) -> str:
        """Return what tells a repeated request from another with the same id."""
        content = msgspec.json.encode(("fork", original, msgspec.structs.replace(self, session_id=None)))
        return hashlib.sha256(content).hexdigest()[:32]


class Original:
    """A session as its log tells it up to a seq, with what its state alone no longer holds.

    Attributes:
        state: the fold of the log so far.
        begun: nodes that ever ran.
    """

    def __init__(self, workflow: Workflow, session_id: str) -> None:
        self.workflow = workflow
        self.state = SessionState(session_id)
        self.begun: set[str] = set()
        self._entered: dict[tuple[str | None, str], NodeState] = {}

    @classmethod
    def of(cls, workflow: Workflow, state: SessionState) -> Original:
        """Go on from a state in which every node is in its first round: of those it tells all."""
        original = cls(workflow, state.session_id)
        original.state = state
        original.begun = set(state.in_status("running", "suspended", "completed", "failed"))
        return original

    def take(self, records: Iterable[Record]) -> None:
        """Fold the next records of the log.

        Raises:
            CorruptLog: they don't follow.
        """
        for record in records:
            apply(self.workflow, self.state, record)
            fact, node_id = record.data, record.node_id
            if isinstance(fact, NodeStateChange) and node_id is not None:
                if fact.status not in ("pending", "skipped"):
                    self.begun.add(node_id)
                self._note_rounds(node_id, fact)

    def _note_rounds(self, node_id: str, fact: NodeStateChange) -> None:
        """Keep how nodes entered the round that just began for them."""
        nodes = self.workflow.nodes
        if fact.status == "pending":  # in a fork's own log
            for around in (None, *nodes[node_id].loops):
                self._entered[around, node_id] = self.state.node(node_id)
        elif nodes[node_id].body and self.state.node(node_id).status == "pending":  # the loop went round
            body = nodes[node_id].body
            for member in body:
                for around in (None, *(loop for loop in nodes[member].loops if loop in body)):
                    self._entered[around, member] = self.state.node(member)

    def entered(self, node_id: str, around: str | None = None) -> NodeState:
        """Return a node as it was when its present round began; of the loop `around`, if one is named."""
        return self._entered.get((around, node_id), PENDING)


def reused(original: Original, from_node: str | None) -> Reused:
    """Return the facts that the fork of a session begins with.

    Raises:
        InvalidInput: there is no such node, or it would be too much.
        NotBegun: the node never ran.
    """
    state, nodes = original.state, original.workflow.nodes
    again: dict[str, NodeState] = {}
    if from_node is not None:
        if from_node not in nodes:
            raise InvalidInput([Fault("$.from_node", f"there is no node {from_node!r}")], "the request")
        if from_node not in original.begun:
            raise NotBegun(from_node, state.node(from_node).status)
        again = _run_again(original, from_node)
    kept = _kept(original.workflow, state, again, from_node)
    facts: list[tuple[str | None, Fact]] = [*_rounds(original, again), *_results(state, kept)]
    facts += [(None, SignalReceived(early.payload, early.name, early.node_id)) for early in state.signals]
    if (size := sum(_size(fact) for _, fact in facts)) > MAX_REUSED:
        fault = Fault("$", f"the fork would reuse {size} bytes of outputs and signals, the limit is {MAX_REUSED}")
        raise InvalidInput([fault], "the request")
    return tuple(facts)


def _run_again(original: Original, begin: str) -> dict[str, NodeState]:
    """The node, all that lies behind it, and the bodies of loops that begin behind it; each as its round begins."""
    nodes = original.workflow.nodes
    found, todo = {begin}, [begin]
    while todo:
        node = nodes[todo.pop()]
        entered_anew = node.body if begin not in node.body else ()
        for target in (*forward(node), *entered_anew):
            if target not in found:
                found.add(target)
                todo.append(target)
    return {node_id: _as_entered(original, begin, node_id) for node_id in nodes if node_id in found}


def _as_entered(original: Original, begin: str, node_id: str) -> NodeState:
    """The node as the round began of the innermost loop around both; as new if there is none."""
    nodes = original.workflow.nodes
    shared = [loop for loop in nodes[node_id].loops if loop in nodes[begin].loops]
    if not shared:
        return PENDING
    return original.entered(node_id, min(shared, key=lambda loop: len(nodes[loop].body)))


def _kept(workflow: Workflow, state: SessionState, again: Collection[str], from_node: str | None) -> set[str]:
    """The nodes whose results are reused: completed ones, and failures that something reused rests on."""
    kept = {node_id for node_id in state.in_status("completed") if node_id not in again}
    rests = kept if from_node is None else kept | {from_node}
    through = [n for n in state.in_status("failed", "skipped") if n not in again and not cut_short(state.node(n).error)]
    grown = True
    while grown:
        more = {n for n in through if n not in rests and not rests.isdisjoint(targets(workflow, workflow.nodes[n]))}
        rests |= more
        grown = bool(more)
    failed = rests.intersection(n for n in through if state.node(n).status == "failed")
    return kept | {n for n in failed if workflow.nodes[n].spec.on_error == "continue"}


def _rounds(original: Original, again: dict[str, NodeState]) -> Iterator[tuple[str, Fact]]:
    """Where the nodes stand that are in a later round than the first."""
    for node_id in original.workflow.nodes:
        before = again[node_id] if node_id in again else original.entered(node_id)
        if before.round > 1 or before.output is not UNSET:
            yield node_id, NodeStateChange("pending", 0, before.round, before.output, laps=before.laps)


def _results(state: SessionState, kept: set[str]) -> Iterator[tuple[str, Fact]]:
    """What the reused nodes came to, in the order in which they did."""
    for node_id in sorted(kept, key=lambda n: state.node(n).ended_at or ""):
        node = state.node(node_id)
        yield node_id, NodeStateChange(node.status, node.attempt, node.round, node.output, node.error, node.taken)


def _size(fact: Any) -> int:
    payload = getattr(fact, "output", UNSET)
    payload = getattr(fact, "payload", UNSET) if payload is UNSET else payload
    return 0 if payload is UNSET else len(bytes(payload))
