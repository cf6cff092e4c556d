"""What happens next in a graph: which nodes are ready, which are skipped, whether all is done. Pure.

An edge is derived from its source: *taken* or *dead* once the source is through, *open* before. A dead edge
out of a loop's body may still be taken in a later round, so it counts as open until that loop is through.
A back edge needs no rule of its own: when a loop goes round its body is pending again, and the edges that
led into the body are still taken, so its first node is ready. Behind it, `any` and `at_least` ask for one
edge that was taken in this round, as long as one may still be.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import UNSET

from .state import SessionState
from .workflow import AtLeast, Node, Workflow, forward

Edge: TypeAlias = Literal["open", "taken", "dead"]
Verdict: TypeAlias = Literal["wait", "start", "skip"]


def edge(workflow: Workflow, state: SessionState, source: str, target: Node) -> Edge:
    """Return the state of the forward edge from `source` to `target`."""
    node = state.node(source)
    match node.status:
        case "pending" | "running" | "suspended":
            return "open"
        case "completed" | "failed":
            if node.taken is None or target.id in node.taken:
                return "taken"
        case "skipped":
            pass
    for loop in workflow.nodes[source].loops:
        if target.id not in workflow.nodes[loop].body and not _through(state, loop):
            return "open"
    return "dead"


def verdict(workflow: Workflow, state: SessionState, node: Node) -> Verdict:
    """Return whether a pending node starts, is skipped, or waits for its join."""
    incoming = node.incoming
    if node.id == workflow.start:
        return "start"
    if len(incoming) == 1:  # most nodes: every join means the same
        match edge(workflow, state, incoming[0], node):
            case "taken":
                return "start"
            case "dead":
                return "skip"
            case "open":
                return "wait"
    taken = opened = fresh = 0
    for source in incoming:
        match edge(workflow, state, source, node):
            case "taken":
                taken += 1
                fresh += not _spent(workflow, state, source, node)
            case "open":
                opened += 1
            case "dead":
                pass
    match node.spec.join:
        case "all":
            if opened:
                return "wait"
            return "start" if taken else "skip"
        case "any":
            needed = 1
        case AtLeast(at_least=needed):
            pass
    if taken >= needed:
        return "start" if fresh or not opened else "wait"
    return "wait" if taken + opened >= needed else "skip"


def targets(workflow: Workflow, node: Node) -> Iterable[str]:
    """Return the nodes whose join may have changed because `node` is through, or was skipped."""
    if not node.body:
        return node.next_ids
    leaving = [target for member in node.body for target in forward(workflow.nodes[member]) if target not in node.body]
    return dict.fromkeys(leaving)


def frontier(workflow: Workflow, state: SessionState) -> list[str]:
    """Return the pending nodes whose verdict may be due: the start, and those behind any node that is through."""
    found = {workflow.start: None}
    for node_id, node in state.nodes.items():
        if node.status in ("completed", "failed", "skipped"):
            found.update(dict.fromkeys(targets(workflow, workflow.nodes[node_id])))
    return [node_id for node_id in found if state.node(node_id).status == "pending"]


def upstream(workflow: Workflow, state: SessionState, node: Node) -> list[str]:
    """Return the nodes whose taken edges lead to `node`, with an output."""
    return [
        source
        for source in node.incoming
        if edge(workflow, state, source, node) == "taken" and state.node(source).output is not UNSET
    ]


def leaves(workflow: Workflow, state: SessionState) -> list[str]:
    """Return the nodes whose outputs are the session's: completed ends, else completed leaves."""
    done = [n for n in workflow.nodes.values() if state.node(n.id).status == "completed"]
    ends = [n.id for n in done if n.spec.type == "end"]
    return ends or [n.id for n in done if not n.next_ids]


def _spent(workflow: Workflow, state: SessionState, source: str, target: Node) -> bool:
    """Whether an edge led into a loop's body in an earlier round: it stays taken, but is no news in this one."""
    for loop_id in target.loops:
        loop = workflow.nodes[loop_id]
        if source not in loop.body and target.id != loop.next_ids[0] and state.node(loop_id).laps:
            return True
    return False


def _through(state: SessionState, loop: str) -> bool:
    return state.node(loop).status in ("completed", "failed", "skipped")
