from __future__ import annotations

from typing import Any

import pytest
from support.graphs import chain, compiled, faults_of, graph


def loop(back: str, leave: str, **properties: Any) -> dict[str, Any]:
    return {"type": "loop", "next_ids": [back, leave], "properties": {"max_rounds": 3, **properties}}


def test_a_chain_is_valid() -> None:
    workflow = compiled(chain(3))
    assert list(workflow.nodes) == ["n1", "n2", "n3"]
    assert workflow.nodes["n2"].incoming == ("n1",)
    assert workflow.start == "n1"


def test_equal_definitions_have_equal_versions_whatever_their_order() -> None:
    one = graph({"a": ["b"], "b": []})
    other = dict(reversed(list(one.items())))
    assert compiled(one).version == compiled(other).version
    assert compiled(one).version != compiled(chain(2)).version


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


def test_all_faults_come_at_once_each_with_its_path() -> None:
    definition = graph(
        {
            "s": {"type": "start", "next_ids": ["a", "nowhere"]},
            "a": {"type": "no_such", "next_ids": []},
            "b": {"type": "agent", "properties": {"demo": {"tokens": -1}, "colour": 1}},
            "c": {"type": "tool", "properties": {"tool": "t", "arguments": {"x": ["${ 1 + }"]}}},
            "d": {"type": "step", "next_id": []},
            "e": {"type": "human_review"},
            "f": {"type": "loop", "next_ids": ["a"], "properties": {"max_rounds": 1, "until": "${"}},
        }
    )
    faults = faults_of(definition)
    assert "unknown type 'no_such'" in faults["$.nodes.a.type"]
    assert "expected `int` >= 0" in faults["$.nodes.b.properties.demo.tokens"]
    assert "unknown property" in faults["$.nodes.b.properties.colour"]
    assert "failed" in faults["$.nodes.c.properties.arguments.x[0]"]
    assert "unknown field `next_id`" in faults["$.nodes.d"]
    assert faults["$.nodes.e.properties.prompt"] == "is missing"
    assert "not closed" in faults["$.nodes.f.properties.until"]


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


def test_only_attempts_can_be_timed() -> None:
    review = {"type": "human_review", "properties": {"prompt": "?"}, "timeout_s": 1}
    faults = faults_of(graph({"s": {"type": "start", "timeout_s": 1, "next_ids": ["r"]}, "r": review}))
    assert faults["$.nodes.s.timeout_s"] == "a start node has no attempt to time"
    assert faults["$.nodes.r.timeout_s"].endswith("; how long it waits is `timeout_s` in its properties")


def test_a_join_of_more_edges_than_there_are() -> None:
    faults = faults_of(graph({"s": ["j"], "j": {"type": "step", "join": {"at_least": 2}}}))
    assert faults == {"$.nodes.j.join.at_least": "is above its 1 incoming edges"}


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        ([], "$"),
        ({}, "$"),
        ({"workflow_id": "w", "start_node_id": "s", "nodes": []}, "$.nodes"),
        ({"workflow_id": 1, "start_node_id": "s", "nodes": {}}, "$.workflow_id"),
        ({"workflow_id": "a b", "start_node_id": "s", "nodes": {"s": {"type": "step"}}}, "$.workflow_id"),
        ({"workflow_id": "w", "start_node_id": "x", "nodes": {"s": {"type": "step"}}}, "$.start_node_id"),
        ({"workflow_id": "w", "start_node_id": "s", "nodes": {"s": {"type": "step"}}, "extra": 1}, "$"),
        (graph({"s": []}, input_schema={"type": "nonsense"}), "$.input_schema.type"),
        (graph({"s~1": []}), "$.nodes.s~1"),
    ],
)
def test_faults_of_the_frame(definition: Any, path: str) -> None:
    assert path in faults_of(definition)


def test_nesting_is_bounded() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    faults = faults_of(graph({"s": {"type": "step", "properties": {"x": deep}}}))
    assert faults == {"$": "nested deeper than 64 levels"}


def test_size_is_bounded() -> None:
    assert "limit is 1000" in faults_of(chain(1001))["$.nodes"]
    fan = graph(
        {"s": [], **{f"n{i}": [f"m{j}" for j in range(80)] for i in range(80)}, **{f"m{j}": [] for j in range(80)}}
    )
    assert "limit is 5000" in faults_of(fan)["$.nodes"]
