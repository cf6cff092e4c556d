"""A definition is checked whole, and what is too much of it is refused before it costs much."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import chain, faults_of, graph, loop, registry

from sessiond.actors.core.faults import MOST_FAULTS
from sessiond.actors.core.parse import MAX_CHARACTERS, MAX_TEMPLATES, MAX_VALUES, parse, size_of


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


def test_only_attempts_can_be_timed() -> None:
    review = {"type": "human_review", "properties": {"prompt": "?"}, "timeout_s": 1}
    faults = faults_of(graph({"s": {"type": "start", "timeout_s": 1, "next_ids": ["r"]}, "r": review}))
    assert faults["$.nodes.s.timeout_s"] == "a start node has no attempt to time"
    assert faults["$.nodes.r.timeout_s"].endswith("; how long it waits is `timeout_s` in its properties")


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


def test_the_number_of_values_is_bounded() -> None:
    items = list(range(MAX_VALUES))
    assert faults_of(graph({"s": {"type": "step", "properties": {"x": items}}})) == {
        "$": "has more than 50000 values, at any depth"
    }


def test_the_number_of_expressions_is_bounded() -> None:
    text = "${1}" * (MAX_TEMPLATES + 1)
    assert faults_of(graph({"s": {"type": "step", "properties": {"x": text}}})) == {
        "$": "has 5001 expressions, the limit is 5000"
    }


def test_no_more_faults_are_looked_for_than_anybody_reads() -> None:
    properties = {f"p{i}": 1 for i in range(2 * MOST_FAULTS)}
    assert len(faults_of(graph({"s": {"type": "start", "properties": properties}}))) == MOST_FAULTS


def test_a_definition_within_another_is_checked_with_its_path() -> None:
    inner = {"type": "map", "properties": {"items": [], "workflow": graph({"a": ["b"]})}}
    assert faults_of(graph({"s": inner})) == {
        "$.nodes.s.properties.workflow.nodes.a.next_ids[0]": "there is no node 'b'"
    }


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ({"type": "human_review", "properties": {"prompt": "?", "schema": {"type": "strin"}}}, "schema.type"),
        (
            {"type": "agent", "properties": {"demo": {}, "response_schema": {"$ref": "http://127.0.0.1/x"}}},
            "response_schema.$ref",
        ),
    ],
)
def test_schemas_in_properties_are_checked(node: dict[str, Any], path: str) -> None:
    assert set(faults_of(graph({"s": node}))) == {f"$.nodes.s.properties.{path}"}


def test_a_schema_with_expressions_in_it_is_checked_when_it_is_known() -> None:
    review = {"type": "human_review", "properties": {"prompt": "?", "schema": {"type": "${ input.kind }"}}}
    parse(graph({"s": review}), registry().types)


def test_what_was_accepted_when_less_was_asked_still_runs() -> None:
    review = {"type": "human_review", "properties": {"prompt": "?", "schema": {"type": "strin"}}}
    loops = {f"l{i}": loop("l0", f"l{i + 1}") for i in range(30)}
    definition = graph({"s": ["l0"], **loops, "l30": review}, input_schema={"$ref": "http://127.0.0.1/x"})
    assert len(faults_of(definition)) > 1
    workflow = parse(definition, registry().types, stored=True)
    assert len(workflow.nodes["l0"].loops) == 30


def test_the_size_of_a_definition_is_counted() -> None:
    assert size_of({"a": [1, "x${1}${2}", {"b": "yy"}]}) == (3, 5, 2, 11)
    assert not size_of(chain(20)).large
    assert size_of(chain(800)).large


def test_the_characters_of_all_expressions_are_bounded_together() -> None:
    texts = ["${ '" + "x" * 2_000 + "' }"] * (MAX_CHARACTERS // 2_000)
    fits = graph({"s": {"type": "step", "properties": {"x": texts[:-10]}}})
    assert parse(fits, registry().types)
    inner = graph({"s": {"type": "step", "properties": {"x": texts[:80]}}})
    maps = {name: {"type": "map", "properties": {"items": [], "workflow": inner}} for name in ("a", "b")}
    twice = graph({"a": {**maps["a"], "next_ids": ["b"]}, "b": maps["b"]})
    assert faults_of(twice) == {
        "$.nodes.b.properties.workflow.nodes.s.properties": "expressions up to here have more than 262144 characters"
    }
    assert parse(twice, registry().types, stored=True)


def test_the_characters_of_bare_expressions_count() -> None:
    cases = [{"when": f"{number} == 1 || '{'x' * 1_900}' == ''", "to": "e"} for number in range(150)]
    switch = {"type": "switch", "next_ids": ["e"], "properties": {"cases": cases, "default": "e"}}
    assert faults_of(graph({"s": switch, "e": []})) == {
        "$.nodes.s.properties": "expressions up to here have more than 262144 characters"
    }
