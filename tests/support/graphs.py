"""Small workflows, and a driver of the pure engine without any actor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from msgspec import Raw

from sessiond.actors.core.decide import decide
from sessiond.actors.core.decision import Decision, StartAttempt
from sessiond.actors.core.errors import InvalidWorkflow
from sessiond.actors.core.events import NodeStateChange, Record
from sessiond.actors.core.messages import Advance, AnyCommand, CompleteAttempt, Create, FailAttempt, FireTimer
from sessiond.actors.core.node import NodeRegistry, NodeType
from sessiond.actors.core.parse import parse
from sessiond.actors.core.state import SessionState
from sessiond.actors.core.workflow import Workflow
from sessiond.actors.nodes import register_builtin


def registry() -> NodeRegistry:
    """The built-in types and `step`, which passes its round on."""
    made = NodeRegistry()
    register_builtin(made)

    @made.node("step")
    async def step(context: Any) -> Any:
        return {"node": context.node_id, "round": context.round}

    return made


def graph(nodes: dict[str, Any], start: str | None = None, **outer: Any) -> dict[str, Any]:
    """A definition; a node given as a list is a `step` with those successors."""
    full = {
        node_id: {"type": "step", "next_ids": spec} if isinstance(spec, list) else spec
        for node_id, spec in nodes.items()
    }
    return {"workflow_id": "w", "nodes": full, "start_node_id": start or next(iter(nodes)), **outer}


def chain(length: int) -> dict[str, Any]:
    """n1 → n2 → …"""
    return graph({f"n{i}": [f"n{i + 1}"] if i < length else [] for i in range(1, length + 1)})


def loop(back: str, leave: str, rounds: int = 3, until: str | None = None) -> dict[str, Any]:
    """A loop node."""
    return {"type": "loop", "next_ids": [back, leave], "properties": {"max_rounds": rounds, "until": until}}


def fan(count: int, after: list[str]) -> dict[str, Any]:
    """`count` steps side by side behind `s`, and what comes after each."""
    names = [f"n{i}" for i in range(count)]
    nodes: dict[str, Any] = {"s": {"type": "parallel", "next_ids": names}, **dict.fromkeys(names, after)}
    return graph(nodes | {name: [] for name in after})


def compiled(definition: dict[str, Any], types: Mapping[str, NodeType] | None = None) -> Workflow:
    return parse(definition, registry().types if types is None else types)


def faults_of(definition: Any) -> dict[str, str]:
    """What is wrong with a definition, by path."""
    with pytest.raises(InvalidWorkflow) as invalid:
        compiled(definition)
    return {fault.path: fault.message for fault in invalid.value.faults}


@st.composite
def layered_graphs(draw: st.DrawFn, kinds: Sequence[str] = ("step",)) -> dict[str, Any]:
    """Random acyclic graphs, with a loop back to the second layer in some."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=5))
    layers = [[f"n{depth}_{i}" for i in range(width)] for depth, width in enumerate(widths)]
    nodes: dict[str, Any] = {"s": list(layers[0])}
    for depth, layer in enumerate(layers):
        below = [n for deeper in layers[depth + 1 :] for n in deeper]
        for node in layer:
            targets = draw(st.lists(st.sampled_from(below), unique=True, max_size=3)) if below else []
            join = draw(st.sampled_from(["all", "any"]))
            nodes[node] = {"type": draw(st.sampled_from(kinds)), "next_ids": targets, "join": join}
    for depth in range(1, len(layers)):  # whatever nobody leads to hangs on the layer above
        for node in layers[depth]:
            if not any(node in (n["next_ids"] if isinstance(n, dict) else n) for n in nodes.values()):
                nodes[layers[depth - 1][0]]["next_ids"].append(node)
    for node in list(nodes):
        if node != "s" and not nodes[node]["next_ids"]:
            nodes[node]["next_ids"] = ["l"]
    nodes["l"] = loop("s", "e", draw(st.integers(1, 3)))
    nodes["e"] = []
    return graph(nodes)


class Engine:
    """Drives `decide` as a session would, with every record applied at once."""

    def __init__(
        self,
        definition: dict[str, Any],
        now: str = "2026-01-01T00:00:00.000000Z",
        types: Mapping[str, NodeType] | None = None,
    ) -> None:
        self.workflow = compiled(definition, types)
        self.state = SessionState("s")
        self.records: list[Record] = []
        self.waiting: list[StartAttempt] = []
        self.now = now

    def tell(self, command: AnyCommand, alive: Any = None) -> Decision:
        """Decide, and go on where the decision breaks off; return the first one."""
        decision = latest = self.once(command, alive)
        while latest.unfinished:
            latest = self.once(Advance(), alive)
        return decision

    def once(self, command: AnyCommand, alive: Any = None) -> Decision:
        """Decide one command."""
        running = [start.node_id for start in self.waiting] if alive is None else alive
        decision = decide(self.workflow, self.state, command, self.now, running)
        self.state = decision.state
        self.records += decision.records
        self.waiting = [start for start in self.waiting if start.node_id not in decision.overtaken] + decision.starts
        if self.state.terminal:
            self.waiting.clear()
        return decision

    def create(self, **fields: Any) -> Decision:
        return self.tell(Create(session_id="s", **fields))

    def take(self, node_id: str) -> StartAttempt:
        """Take the waiting attempt of a node."""
        found = next(start for start in self.waiting if start.node_id == node_id)
        self.waiting.remove(found)
        return found

    def complete(self, node_id: str, output: Any = None) -> Decision:
        return self.tell(self.completion(node_id, output))

    def completion(self, node_id: str, output: Any = None) -> CompleteAttempt:
        """What completes the waiting attempt of a node."""
        start = self.take(node_id)
        return CompleteAttempt(node_id, start.round, start.attempt, Raw(msgspec.json.encode(output)))

    def fail(self, node_id: str, failure: Any, **more: Any) -> Decision:
        start = self.take(node_id)
        return self.tell(FailAttempt(node_id, start.round, start.attempt, failure, **more))

    def fire(self, node_id: str) -> Decision:
        """Let the timer run out that a node has."""
        node = self.state.node(node_id)
        return self.tell(FireTimer(node_id, node.round, node.attempt))

    def run_out(self, choose: Callable[[list[StartAttempt]], StartAttempt] = lambda w: w[0], output: Any = 1) -> None:
        """Complete whatever waits until nothing does."""
        while self.waiting:
            self.complete(choose(self.waiting).node_id, output)

    def trail(self) -> list[str]:
        """What happened to nodes, as `node status`."""
        return [
            f"{record.node_id} {record.data.status}"
            for record in self.records
            if isinstance(record.data, NodeStateChange)
        ]

    def statuses(self) -> dict[str, str]:
        return {node_id: self.state.node(node_id).status for node_id in self.workflow.nodes}

    def events(self) -> list[str]:
        return [record.event for record in self.records]
