"""Joins, skips and loops, driven through whole sessions of the pure engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw
from support.graphs import Engine, graph, layered_graphs, loop

from sessiond.actors.core.detail import describe
from sessiond.actors.core.events import Failure
from sessiond.actors.core.expressions import template
from sessiond.actors.core.messages import Pause, Resume
from sessiond.actors.core.scope import NodeScope


def started(definition: dict[str, Any]) -> Engine:
    engine = Engine(definition)
    engine.create()
    return engine


def waiting(engine: Engine) -> list[str]:
    return [start.node_id for start in engine.waiting]


def test_successors_start_side_by_side_and_all_waits_for_each() -> None:
    engine = started(graph({"s": ["a", "b"], "a": ["j"], "b": ["j"], "j": []}))
    engine.complete("s")
    assert waiting(engine) == ["a", "b"]
    engine.complete("b")
    assert waiting(engine) == ["a"]
    engine.complete("a")
    assert waiting(engine) == ["j"]


def test_any_starts_at_the_first_and_only_once() -> None:
    engine = started(graph({"s": ["a", "b"], "a": ["j"], "b": ["j"], "j": {"type": "step", "join": "any"}}))
    engine.complete("s")
    engine.complete("b")
    assert waiting(engine) == ["a", "j"]
    engine.complete("j")
    engine.complete("a")
    assert waiting(engine) == []
    assert engine.state.status == "completed"
    assert engine.trail().count("j running") == 1


def test_at_least_counts() -> None:
    join = {"type": "step", "join": {"at_least": 2}}
    engine = started(graph({"s": ["a", "b", "c"], "a": ["j"], "b": ["j"], "c": ["j"], "j": join}))
    engine.complete("s")
    engine.complete("a")
    assert "j" not in waiting(engine)
    engine.complete("c")
    assert "j" in waiting(engine)


def test_a_loop_goes_round_and_leaves() -> None:
    engine = started(graph({"s": ["a"], "a": ["l"], "l": loop("a", "e", 3), "e": []}))
    engine.run_out()
    assert engine.state.status == "completed"
    assert [f"{r.data.round}" for r in engine.records if r.node_id == "a" and r.data.status == "running"] == list("123")
    assert engine.trail().count("e running") == 1
    assert [r.data.taken for r in engine.records if r.node_id == "l" and r.data.status == "completed"] == [
        ("a",),
        ("a",),
        ("e",),
    ]


def test_until_leaves_early() -> None:
    engine = started(graph({"s": ["a"], "a": ["l"], "l": loop("a", "e", 9, "nodes.a.output.score > 1"), "e": []}))
    engine.complete("s")
    for score in range(3):
        engine.complete("a", {"score": score})
    assert waiting(engine) == ["e"]


def test_a_failing_until_fails_the_loop_node() -> None:
    engine = started(graph({"s": ["l"], "l": loop("s", "e", 9, "nodes.s.output.score > 1"), "e": []}, start="s"))
    engine.complete("s", {"other": 1})
    assert engine.state.status == "failed"
    assert engine.state.error is not None
    assert (engine.state.error.code, engine.state.error.node_id) == ("expression", "l")


def test_an_inner_loop_counts_anew_in_each_outer_round() -> None:
    engine = started(
        graph({"s": ["a"], "a": ["b"], "b": ["i"], "i": loop("b", "o", 2), "o": loop("a", "e", 3), "e": []})
    )
    engine.run_out()
    assert engine.state.status == "completed"
    assert engine.trail().count("a running") == 3
    assert engine.trail().count("b running") == 6


def test_a_branch_inside_a_loop_joins_in_every_round() -> None:
    engine = started(graph({"s": ["p"], "p": ["a", "b"], "a": ["l"], "b": ["l"], "l": loop("p", "e", 2), "e": []}))
    engine.complete("s")
    for _ in range(2):
        engine.complete("p")
        engine.complete("b")
        assert waiting(engine) == ["a"]
        engine.complete("a")
    assert waiting(engine) == ["e"]


def test_an_edge_out_of_a_loop_is_not_dead_before_the_loop_is_through() -> None:
    """x waits for the branch that the loop's body may still take in a later round."""
    engine = started(
        graph(
            {
                "s": ["a", "y"],
                "a": ["l", "x"],
                "l": loop("a", "e", 2),
                "e": ["x"],
                "y": ["x"],
                "x": [],
            }
        )
    )
    engine.complete("s")
    engine.complete("y")
    engine.complete("a")
    assert "x" not in waiting(engine)
    engine.complete("a")
    engine.complete("e")
    assert waiting(engine) == ["x"]


def entered_twice(join: Any) -> Engine:
    """A loop in its second round; its second node has an edge from outside as well."""
    second = {"type": "step", "join": join, "next_ids": ["l"]}
    engine = started(graph({"s": ["a", "b"], "a": ["b"], "b": second, "l": loop("a", "e", 2), "e": []}))
    for node_id in ("s", "a", "b"):
        engine.complete(node_id)
    assert waiting(engine) == ["a"]
    return engine


def hurried(straggler: dict[str, Any]) -> dict[str, Any]:
    """A loop of two rounds whose join waits for `quick` only; `straggler` runs beside it in the first round."""
    cases = {"cases": [{"when": "round == 1", "to": "slow"}], "default": "quick"}
    way = {"type": "switch", "next_ids": ["slow", "quick"], "properties": cases}
    return graph(
        {
            "s": ["w", "quick"],
            "w": way,
            "slow": {"next_ids": ["j"], **straggler},
            "quick": {"type": "step", "join": "any", "next_ids": ["j"]},
            "j": {"type": "step", "join": "any", "next_ids": ["l"]},
            "l": loop("w", "e", 2),
            "e": [],
        }
    )


@pytest.mark.parametrize("straggler", [{"type": "step"}, {"type": "human_review", "properties": {"prompt": "?"}}])
def test_what_a_loop_leaves_behind_is_given_up(straggler: dict[str, Any]) -> None:
    engine = started(hurried({**straggler, "on_error": "suspend"}))
    for node_id in ("s", "quick", "j"):
        decision = engine.complete(node_id)
    assert decision.overtaken == ("slow",)
    [given_up] = [r.data for r in decision.records if r.node_id == "slow" and r.data.status == "failed"]
    assert (given_up.error.code, given_up.round) == ("overtaken", 1)
    engine.run_out()
    assert engine.state.status == "completed"
    assert engine.statuses()["slow"] == "skipped"


@pytest.mark.parametrize("join", ["any", {"at_least": 1}])
def test_an_edge_of_an_earlier_round_starts_nothing_alone_not_even_at_a_resume(join: Any) -> None:
    engine = entered_twice(join)
    engine.tell(Pause(None, None))
    engine.tell(Resume(None))
    assert waiting(engine) == ["a"]
    engine.complete("a")
    assert waiting(engine) == ["b"]
    engine.run_out()
    assert engine.state.status == "completed"


def test_an_edge_of_an_earlier_round_still_counts_where_several_are_needed() -> None:
    engine = entered_twice({"at_least": 2})
    engine.complete("a")
    assert waiting(engine) == ["b"]


def test_a_skipped_branch_does_not_start_a_later_rounds_any() -> None:
    way: dict[str, Any] = {
        "type": "switch",
        "next_ids": ["c", "d"],
        "properties": {"cases": [{"when": "false", "to": "c"}]},
    }
    way["properties"]["default"] = "d"
    either = {"type": "step", "join": "any", "next_ids": ["l"]}
    nodes = {"s": ["w", "b"], "w": way, "c": ["b"], "d": ["b"], "b": either, "l": loop("w", "e", 2), "e": []}
    engine = started(graph(nodes))
    for node_id in ("s", "d", "b"):
        engine.complete(node_id)
    assert waiting(engine) == ["d"]
    engine.complete("d")
    assert waiting(engine) == ["b"]


def test_nothing_starts_while_paused_and_resume_catches_up() -> None:
    engine = started(graph({"s": ["a", "b"], "a": ["j"], "b": ["j"], "j": ["l"], "l": loop("s", "e", 2), "e": []}))
    engine.complete("s")
    engine.tell(Pause())
    engine.complete("a")
    engine.complete("b")
    assert waiting(engine) == []
    engine.tell(Resume())
    assert waiting(engine) == ["j"]
    engine.tell(Pause())
    engine.complete("j")
    assert engine.state.node("l").status == "pending", "even a node that only computes waits"
    engine.tell(Resume())
    assert waiting(engine) == ["s"]
    assert engine.state.node("s").round == 2


def test_a_failure_that_continues_takes_its_edges() -> None:
    tolerant = {"type": "step", "next_ids": ["j"], "on_error": "continue"}
    engine = started(graph({"s": ["a", "b"], "a": tolerant, "b": ["j"], "j": []}))
    engine.complete("s")
    engine.fail("a", Failure("boom", "it broke"))
    engine.complete("b")
    assert waiting(engine) == ["j"]
    engine.complete("j")
    assert engine.state.status == "completed"


@given(layered_graphs(), st.data())
def test_every_order_of_completion_ends_with_every_node_through(
    definition: dict[str, Any], data: st.DataObject
) -> None:
    engine = started(definition)
    engine.run_out(choose=lambda starts: data.draw(st.sampled_from(starts)))
    assert engine.state.status == "completed", engine.statuses()
    assert set(engine.statuses().values()) <= {"completed", "skipped"}
    assert engine.events().count("execution:completed") == 1
    assert engine.events()[-1] == "execution:completed"


def test_a_round_sees_what_the_round_before_it_put_out() -> None:
    said = '${ has(nodes.a.output) ? nodes.a.output : "nothing" }'
    end = {"type": "end", "properties": {"output": {"last": said}}}
    engine = started(graph({"a": ["l"], "l": loop("a", "e", 2), "e": end}))
    scope = NodeScope(engine.workflow, engine.state, engine.workflow.nodes["a"])
    assert template(said)(scope) == "nothing"
    engine.complete("a", "one")
    scope = NodeScope(engine.workflow, engine.state, engine.workflow.nodes["a"])
    assert (scope.round, template(said)(scope)) == (2, "one")
    assert describe(engine.workflow, engine.state, ()).nodes["a"].output is UNSET
    engine.complete("a", "two")
    assert engine.state.output == Raw(b'{"last":"two"}')


def test_a_node_that_fails_or_is_skipped_in_a_later_round_has_no_output_of_an_earlier_one() -> None:
    way: dict[str, Any] = {
        "type": "switch",
        "next_ids": ["b", "l"],
        "properties": {"cases": [{"when": "round == 1", "to": "b"}]},
    }
    way["properties"]["default"] = "l"
    tried = {"type": "step", "next_ids": ["w"], "on_error": "continue"}
    end = {"type": "end", "properties": {"output": "${[nodes.a, nodes.b].map(n, has(n.output))}"}}
    nodes = {"a": tried, "w": way, "b": ["l"], "l": loop("a", "e", 2), "e": end}
    engine = started(graph(nodes))
    engine.complete("a")
    engine.complete("b")
    engine.fail("a", Failure("x", "no"))
    assert isinstance(engine.state.output, Raw)
    assert bytes(engine.state.output) == b"[false,false]"


def test_a_node_that_never_ran_can_be_asked_about() -> None:
    engine = started(graph({"a": ["b"], "b": []}))
    scope = NodeScope(engine.workflow, engine.state, engine.workflow.nodes["a"])
    assert template('${ has(nodes.b.output) ? "some" : nodes.b.status }')(scope) == "pending"


def test_a_join_of_a_later_round_is_met_as_early_as_in_the_first() -> None:
    both = {"type": "parallel", "next_ids": ["a", "b"]}
    early = {"type": "step", "join": "any", "next_ids": ["l"]}
    nodes = {"s": ["p"], "p": both, "a": ["j"], "b": ["j"], "j": early, "l": loop("p", "e", 2), "e": []}
    engine = started(graph(nodes))
    for node_id in ("s", "a", "j", "a"):
        engine.complete(node_id)
    assert waiting(engine) == ["b", "j"]


def test_an_edge_of_an_earlier_round_starts_its_node_once_no_other_can() -> None:
    cases = {"cases": [{"when": "round == 1", "to": "quick"}], "default": "other"}
    nodes = {
        "s": ["w", "quick"],
        "w": {"type": "switch", "next_ids": ["quick", "other"], "properties": cases},
        "quick": {"type": "step", "join": "any", "next_ids": ["j"]},
        "other": ["j"],
        "j": ["l"],
        "l": loop("w", "e", 2),
        "e": [],
    }
    engine = started(graph(nodes))
    for node_id in ("s", "quick", "j"):
        engine.complete(node_id)
    assert waiting(engine) == ["quick", "other"]
    engine.run_out()
    assert engine.state.status == "completed"
