"""What leads to what: edges, cycles, the bodies of loops."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.graphs import chain, compiled, faults_of, graph, loop, registry

from sessiond.actors.core.graph import MAX_LOOPS, connect
from sessiond.actors.core.workflow import Node, NodeSpec, forward


def test_a_chain_is_valid() -> None:
    workflow = compiled(chain(3))
    assert list(workflow.nodes) == ["n1", "n2", "n3"]
    assert workflow.nodes["n2"].incoming == ("n1",)
    assert workflow.start == "n1"


def test_the_body_of_a_loop_is_what_lies_between_it_and_its_back_edge() -> None:
    workflow = compiled(graph({"s": ["a"], "a": ["b", "c"], "b": ["l"], "c": ["l"], "l": loop("a", "e"), "e": []}))
    assert workflow.nodes["l"].body == {"a", "b", "c", "l"}
    assert workflow.nodes["b"].loops == ("l",)
    assert workflow.nodes["e"].loops == ()
    assert workflow.nodes["a"].incoming == ("s",), "a back edge is no incoming edge"


def test_loops_nest() -> None:
    workflow = compiled(graph({"s": ["a"], "a": ["b"], "b": ["i"], "i": loop("b", "o"), "o": loop("a", "e"), "e": []}))
    assert workflow.nodes["i"].body == {"b", "i"}
    assert workflow.nodes["o"].body == {"a", "b", "i", "o"}


def test_faults_of_edges() -> None:
    faults = faults_of(
        graph(
            {
                "s": ["a", "gone"],
                "a": ["s", "a2", "a2"],
                "a2": [],
                "l": {"type": "loop", "next_ids": ["a"], "properties": {"max_rounds": 1}},
            }
        )
    )
    assert faults["$.nodes.s.next_ids[1]"] == "there is no node 'gone'"
    assert faults["$.nodes.a.next_ids"] == "names a node twice"
    assert faults["$.nodes.l.next_ids"] == "a loop node has exactly 2 successors, this one 1"
    assert faults["$.start_node_id"] == "an edge leads back to the start node 's'"


def test_a_node_that_cannot_be_reached() -> None:
    assert faults_of(graph({"s": [], "x": []})) == {"$.nodes.x": "can't be reached from the start node"}


def test_a_cycle_needs_a_loop_node() -> None:
    faults = faults_of(graph({"s": ["a"], "a": ["b"], "b": ["a", "e"], "e": []}))
    assert set(faults) == {"$.nodes.a", "$.nodes.b"}
    assert "cycle" in faults["$.nodes.a"]


def test_a_loop_must_lead_back() -> None:
    faults = faults_of(graph({"s": ["l"], "l": loop("a", "e"), "a": [], "e": []}))
    assert faults == {"$.nodes.l.next_ids[0]": "'a' should lead back to this loop node"}


def test_what_only_the_way_back_leads_to_would_starve_the_first_round() -> None:
    faults = faults_of(graph({"s": ["a"], "a": ["l"], "l": loop("b", "e"), "b": ["a"], "e": []}))
    assert faults == {"$.nodes.b": "only a loop's way back leads here, none from the start node"}


def test_a_join_of_more_edges_than_there_are() -> None:
    faults = faults_of(graph({"s": ["j"], "j": {"type": "step", "join": {"at_least": 2}}}))
    assert faults == {"$.nodes.j.join.at_least": "is above its 1 incoming edges"}


def test_nodes_behind_a_cycle_or_between_two_are_on_none() -> None:
    ring = {"a": ["b"], "b": ["a", "x"], "x": ["y"], "y": ["z"], "z": ["y", "e"], "e": []}
    assert set(faults_of(graph({"s": ["a"], **ring}))) == {f"$.nodes.{n}" for n in "abyz"}


def test_a_node_that_leads_to_itself_is_on_a_cycle() -> None:
    assert set(faults_of(graph({"s": ["a"], "a": ["a"]}))) == {"$.nodes.a"}


def test_loops_within_loops_are_bounded() -> None:
    def nested(count: int) -> dict[str, Any]:
        loops = {f"l{i}": loop("a", f"l{i + 1}") for i in range(count)}
        return graph({"s": ["a"], "a": ["l0"], **loops, f"l{count}": []})

    assert len(compiled(nested(MAX_LOOPS)).nodes["a"].loops) == MAX_LOOPS
    assert set(faults_of(nested(MAX_LOOPS + 1))) == {"$.nodes.a"}
    assert faults_of(nested(900)) == {"$.nodes": "have loops within loops, more than 16"}


@given(st.lists(st.lists(st.integers(0, 11), unique=True, max_size=3), min_size=12, max_size=12), st.data())
def test_cycles_and_bodies_are_what_following_every_edge_finds(edges: list[list[int]], data: st.DataObject) -> None:
    types = registry().types
    nodes = {}
    for number, targets in enumerate(edges):
        kind = "loop" if len(targets) == 2 and data.draw(st.booleans()) else "parallel"
        spec = NodeSpec(kind, next_ids=tuple(map(str, targets)))
        nodes[str(number)] = Node(str(number), spec, types[kind])
    cycles = connect(nodes, None)

    def reached(begin: list[str], back: bool) -> set[str]:
        seen, todo = set(begin), list(begin)
        while todo:
            node_id = todo.pop()
            onwards = [n for n in nodes if node_id in forward(nodes[n])] if back else forward(nodes[node_id])
            new = set(onwards) - seen
            seen |= new
            todo += new
        return seen

    assert cycles == [n for n in nodes if n in reached(list(forward(nodes[n])), back=False)]
    for node in nodes.values():
        is_loop = node.spec.type == "loop"
        body = reached([node.next_ids[0]], back=False) & reached([node.id], back=True) if is_loop else set()
        assert node.body == body
        assert set(node.loops) == {n.id for n in nodes.values() if node.id in n.body}
