"""What changed between two definitions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from support.graphs import graph

from sessiond.actors.core.errors import InvalidWorkflow
from sessiond.actors.core.workflow_diff import Change, compare, outline

BASE = graph({"a": ["b"], "b": ["c"], "c": []})


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    return compare(outline(old), outline(new))


def node(**fields: Any) -> dict[str, Any]:
    return graph({"a": {"type": "step", **fields}})


def test_nodes_and_edges_are_added_and_removed() -> None:
    new = graph({"a": ["b", "d"], "b": [], "d": {"type": "end"}})
    assert changes(BASE, new) == [
        Change("removed", "node", "$.nodes.c", old={"type": "step"}),
        Change("added", "node", "$.nodes.d", new={"type": "end"}),
        Change("added", "edge", "$.nodes.a.next_ids", new="d"),
        Change("removed", "edge", "$.nodes.b.next_ids", old="c"),
    ]


def test_properties_are_compared_value_by_value() -> None:
    old = node(properties={"prompt": "x", "cases": [{"when": "a", "to": "b"}, {"when": "c"}], "n": 1})
    new = node(properties={"prompt": "y", "cases": [{"when": "b", "to": "b"}], "n": True, "m": None})
    assert changes(old, new) == [
        Change("changed", "property", "$.nodes.a.properties.prompt", "x", "y"),
        Change("changed", "property", "$.nodes.a.properties.cases[0].when", "a", "b"),
        Change("removed", "property", "$.nodes.a.properties.cases[1]", old={"when": "c"}),
        Change("changed", "property", "$.nodes.a.properties.n", 1, True),
        Change("added", "property", "$.nodes.a.properties.m", new=None),
    ]


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"type": "end"}, Change("changed", "node", "$.nodes.a.type", "step", "end")),
        ({"timeout_s": 5}, Change("added", "node", "$.nodes.a.timeout_s", new=5.0)),
        ({"on_error": "continue"}, Change("added", "node", "$.nodes.a.on_error", new="continue")),
        ({"join": {"at_least": 2}}, Change("added", "node", "$.nodes.a.join", new={"at_least": 2})),
    ],
)
def test_a_nodes_own_fields_are_compared(fields: dict[str, Any], change: Change) -> None:
    assert changes(node(), node(**fields)) == [change]


def test_the_workflows_own_fields_are_compared() -> None:
    old = graph({"a": ["b"], "b": []}, name="One", input_schema={"type": "object", "required": ["x"]})
    new = graph({"a": ["b"], "b": []}, start="b", input_schema={"type": "object", "required": ["y"]})
    assert changes(old, new) == [
        Change("changed", "workflow", "$.start_node_id", "a", "b"),
        Change("removed", "workflow", "$.name", old="One"),
        Change("changed", "workflow", "$.input_schema.required[0]", "x", "y"),
    ]


def test_the_order_of_successors_means_something_and_of_nodes_nothing() -> None:
    one, other = graph({"a": ["b", "c"], "b": [], "c": []}), graph({"a": ["c", "b"], "b": [], "c": []})
    assert changes(one, other) == [Change("changed", "edge", "$.nodes.a.next_ids", ["b", "c"], ["c", "b"])]
    assert changes(one, {**one, "nodes": dict(reversed(one["nodes"].items()))}) == []


def test_defaults_needn_t_be_spelled_out_and_a_workflow_needn_t_be_named() -> None:
    retry = {"max_attempts": 3, "initial_s": 1.0, "factor": 2.0, "max_s": 60.0, "jitter": 0.1}
    assert changes(node(retry={}), node(retry=retry, join="all", next_ids=[], properties={}, on_error="fail")) == []
    nameless = {name: value for name, value in BASE.items() if name != "workflow_id"}
    assert changes(nameless, BASE) == []
    assert changes({**BASE, "workflow_id": "v"}, BASE) == [Change("changed", "workflow", "$.workflow_id", "v", "w")]


@pytest.mark.parametrize(
    ("definition", "path"),
    [([], "$"), ({"nodes": {}}, "$"), ({**BASE, "x": 1}, "$"), (graph({"a": {"type": 1}}), "$.nodes.a.type")],
)
def test_what_is_no_workflow_is_refused(definition: Any, path: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        outline(definition)
    assert [fault.path for fault in refused.value.faults] == [path]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5]) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", max_size=2), inner, max_size=3),
    max_leaves=8,
)
DEFINITIONS = st.dictionaries(
    st.sampled_from("abcd"),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["step", "end"]), "next_ids": st.lists(st.sampled_from("abcd"), unique=True)},
        optional={"properties": st.dictionaries(st.sampled_from("pq"), JSON), "timeout_s": st.floats(1, 2)},
    ),
    min_size=1,
).map(graph)


@given(DEFINITIONS, DEFINITIONS)
def test_there_and_back_is_the_mirror_image_and_nothing_means_equal(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert changes(old, old) == []
    there, back = changes(old, new), changes(new, old)
    assert bool(there) == (repr(_sorted(outline(old).nodes)) != repr(_sorted(outline(new).nodes)) or _starts(old, new))
    flipped = {"added": "removed", "removed": "added", "changed": "changed"}
    mirrored = [Change(flipped[c.kind], c.what, c.path, c.new, c.old) for c in back]  # type: ignore[arg-type]
    assert sorted(map(repr, there)) == sorted(map(repr, mirrored))
    for change in there:
        assert (change.old is UNSET, change.new is UNSET) == (change.kind == "added", change.kind == "removed")


def _starts(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return bool(old["start_node_id"] != new["start_node_id"])


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value
