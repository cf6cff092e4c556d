"""A crash, or a pause and a resume, at any moment of any graph: the same nodes are at work afterwards as before."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import Engine, graph

from sessiond.actors.core.messages import Pause, Recover, Resume

JOINS: list[Any] = ["all", "any", {"at_least": 1}, {"at_least": 2}]


def node_of(index: int, targets: list[str], kind: int, join: Any) -> dict[str, Any]:
    """A step, or a switch that goes another way in each round."""
    if kind == 0 and len(targets) > 1:
        cases = [{"when": f"round % {len(targets)} == {number}", "to": to} for number, to in enumerate(targets)]
        return {"type": "switch", "next_ids": targets, "join": join, "properties": {"cases": cases}}
    return {"type": "step", "next_ids": targets, "join": join}


@st.composite
def graphs_with_a_loop(draw: st.DrawFn) -> dict[str, Any]:
    """n0 leads to all others somehow, those at the end to a loop, and that back to one of them, past others."""
    count = draw(st.integers(2, 7))
    names = [f"n{index}" for index in range(count)]
    edges: dict[str, set[str]] = {name: set() for name in names}
    for index in range(1, count):
        sources = draw(st.sets(st.integers(0, index - 1), min_size=1, max_size=3))
        for source in sources:
            edges[names[source]].add(names[index])
    nodes: dict[str, Any] = {}
    incoming = {name: sum(name in targets for targets in edges.values()) for name in names}
    for index, name in enumerate(names):
        targets = sorted(edges[name]) or ["again"]
        allowed = [j for j in JOINS if not isinstance(j, dict) or j["at_least"] <= incoming[name]]
        nodes[name] = node_of(index, targets, draw(st.integers(0, 2)), draw(st.sampled_from(allowed)))
    back = draw(st.sampled_from(names[1:]))
    nodes["again"] = {"type": "loop", "next_ids": [back, "out"], "properties": {"max_rounds": draw(st.integers(1, 3))}}
    nodes["out"] = {"type": "step"}
    reaches = {name for name in names if _leads(edges, back, name)}
    for name in names:  # what the way back doesn't lead to may not lead to the loop from the side only
        if not edges[name] and name not in reaches:
            nodes[name]["next_ids"] = ["out"]
    if not any("again" in nodes[name]["next_ids"] for name in names):
        nodes[names[-1]]["next_ids"] = [*nodes[names[-1]]["next_ids"], "again"]
    return graph(nodes)


def _leads(edges: dict[str, set[str]], source: str, target: str) -> bool:
    return source == target or any(_leads(edges, step, target) for step in edges[source])


def at_work(engine: Engine) -> set[tuple[str, int]]:
    return {(node_id, engine.state.node(node_id).round) for node_id in engine.state.in_status("running")}


@settings(deadline=None, max_examples=200)
@given(graphs_with_a_loop(), st.data())
def test_nothing_more_and_nothing_less_is_at_work_afterwards(definition: dict[str, Any], data: st.DataObject) -> None:
    engine = Engine(definition)
    engine.create()
    while engine.waiting:
        before = at_work(engine)
        assert before == {(start.node_id, start.round) for start in engine.waiting}
        match data.draw(st.sampled_from(["go", "go", "crash", "pause"])):
            case "crash":
                engine.waiting.clear()
                engine.tell(Recover())
            case "pause":
                engine.tell(Pause(None, None))
                engine.tell(Resume(None))
            case _:
                engine.complete(data.draw(st.sampled_from([start.node_id for start in engine.waiting])))
                continue
        assert at_work(engine) == before
    assert engine.state.status == "completed"
