"""A decision that becomes long breaks off and goes on behind its commit, wherever that is, with the same end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from support.graphs import Engine, fan, graph, layered_graphs, loop

from sessiond.actors.core import decision, scope
from sessiond.actors.core.errors import ExpressionCost
from sessiond.actors.core.messages import Advance, Create, Pause, Recover, Resume
from sessiond.actors.core.scope import NodeScope


def rounds(outer: int, inner: int, until: str | None = None) -> dict[str, Any]:
    """Two loops, one in the other, around a node that does nothing."""
    nothing = {"type": "parallel", "next_ids": ["i"]}
    begin = {"type": "parallel", "next_ids": ["p"]}
    loops = {"i": loop("p", "o", inner, until), "o": loop("p", "e", outer)}
    return graph({"s": begin, "p": nothing, **loops, "e": []})


def test_a_loop_that_only_computes_goes_round_a_while_and_then_lets_others_have_their_turn() -> None:
    engine = Engine(rounds(outer=10_000, inner=10_000))
    first = engine.once(Create(session_id="s", start=True))
    assert first.unfinished
    assert decision.MOST_RECORDS <= len(first.records) < decision.MOST_RECORDS + 20
    for _ in range(3):
        assert engine.once(Advance()).unfinished
    assert engine.state.status == "running"


def test_it_comes_to_its_end() -> None:
    engine = Engine(rounds(outer=20, inner=30))
    engine.create(start=True)
    engine.complete("e")
    assert engine.state.status == "completed"
    assert engine.trail().count("p completed") == 600


def test_a_pause_is_between_two_parts_of_it() -> None:
    engine = Engine(rounds(outer=20, inner=30))
    assert engine.once(Create(session_id="s", start=True)).unfinished
    engine.once(Pause())
    assert engine.once(Advance()).records == []
    engine.tell(Resume())
    engine.complete("e")
    assert engine.trail().count("p completed") == 600


def test_heavy_expressions_break_it_off_sooner() -> None:
    engine = Engine(rounds(outer=20, inner=30, until="input.map(x, input.map(y, x * y)).size() < 0"))
    first = engine.once(Create(session_id="s", start=True, input=Raw(b"[" + b"1," * 99 + b"1]")))
    assert first.unfinished
    assert len(first.records) < decision.MOST_RECORDS / 2


@given(layered_graphs(("step", "parallel", "parallel")), st.integers(3, 9), st.data())
def test_wherever_it_breaks_off_and_whatever_happens_then_the_end_is_the_same(
    definition: dict[str, Any], most: int, data: st.DataObject
) -> None:
    whole, broken = Engine(definition), Engine(definition)

    def go_on() -> None:
        match data.draw(st.sampled_from(["advance", "crash", "pause"])):
            case "advance":
                unfinished = broken.once(Advance()).unfinished
            case "crash":
                broken.waiting.clear()
                unfinished = broken.once(Recover(), alive=()).unfinished
            case _:
                broken.once(Pause())
                broken.once(Advance())
                unfinished = broken.once(Resume()).unfinished
        if unfinished:
            go_on()

    def first_of(engine: Engine) -> str:
        return min(start.node_id for start in engine.waiting)

    with pytest.MonkeyPatch.context() as patch:
        whole.create(start=True)
        patch.setattr(decision, "MOST_RECORDS", most)
        if broken.once(Create(session_id="s", start=True)).unfinished:
            go_on()
        while whole.waiting:
            patch.setattr(decision, "MOST_RECORDS", 10**9)
            node_id = first_of(whole)
            whole.complete(node_id)
            patch.setattr(decision, "MOST_RECORDS", most)
            assert first_of(broken) == node_id
            if broken.once(broken.completion(node_id)).unfinished:
                go_on()
    assert not broken.waiting
    assert broken.statuses() == whole.statuses()
    assert broken.state.status == whole.state.status == "completed"
    assert broken.state.output == whole.state.output


def test_all_expressions_of_a_node_are_bounded_together() -> None:
    square = "${ input.map(x, input.map(y, x * y)).size() }"
    numbers = Raw(msgspec.json.encode([1] * 50))

    def ended(count: int) -> Engine:
        engine = Engine(
            graph({"e": {"type": "end", "properties": {"output": {f"n{i}": square for i in range(count)}}}})
        )
        engine.create(start=True, input=numbers)
        return engine

    assert ended(1).state.status == "completed"
    failed = ended(40).state
    assert failed.error is not None
    assert failed.error.code == "expression_cost"


MEBIBYTE = "x" * 1_048_000


def test_large_outputs_break_it_off_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "MOST_UNITS", 10**12)
    ends = {f"e{i}": {"type": "end", "properties": {"output": {"x": "${ input }"}}} for i in range(30)}
    engine = Engine(graph({"s": {"type": "parallel", "next_ids": list(ends)}, **ends}))
    first = engine.once(Create(session_id="s", start=True, input=Raw(msgspec.json.encode(MEBIBYTE))))
    assert first.unfinished
    assert sum(line.endswith("completed") for line in engine.trail()) == 6, "s and five ends"


def test_an_expression_that_reads_too_much_fails_its_node_but_other_code_may_read_it() -> None:
    engine = Engine(fan(5, ["e"]) | {"start_node_id": "s"})
    engine.create(start=True)
    engine.run_out(output=MEBIBYTE)
    view = NodeScope(engine.workflow, engine.state, engine.workflow.nodes["e"])
    assert len(view.upstream()) == 5
    with pytest.raises(ExpressionCost, match="reads more than 4194304 bytes"):
        view.value("size(upstream)")
    assert view.value("size(nodes.n1.output) + size(nodes.n2.output)") == 2 * len(MEBIBYTE)


def test_an_expression_that_reads_too_many_values_is_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine(graph({"s": ["e"], "e": []}))
    engine.create(start=True, input=Raw(b"[" + b"[]," * 200_000 + b"[]]"))
    monkeypatch.setattr(scope, "_decode", None)
    with pytest.raises(ExpressionCost, match="reads more than 195312 values"):
        NodeScope(engine.workflow, engine.state, engine.workflow.nodes["e"]).value("size(input)")


def test_a_decision_breaks_off_behind_an_expression_that_is_refused_for_its_work() -> None:
    def heavy(onwards: str) -> dict[str, Any]:
        properties = {"ballots": "input.map(x, input)"}
        return {"type": "vote", "next_ids": [onwards], "properties": properties, "on_error": "continue"}

    engine = Engine(graph({"a": heavy("b"), "b": heavy("c"), "c": heavy("e"), "e": {"type": "end"}}))
    engine.once(Create(session_id="s", start=True, input=Raw(msgspec.json.encode([1] * 10_000))))
    for present in ("b", "c", "e"):
        assert engine.state.node(present).status == "pending"
        assert engine.once(Advance()).unfinished is (present != "e")
    assert engine.state.status == "completed"


def test_the_length_of_a_nodes_expressions_is_work_as_well() -> None:
    cases = [{"when": f"1 == {number} && '{'x' * 1_900}' != ''", "to": "e"} for number in range(2, 60)]
    switch = {"type": "switch", "next_ids": ["e"], "properties": {"cases": cases, "default": "e"}}
    engine = Engine(graph({"s": switch, "e": {"type": "end"}}))
    engine.create(start=True)
    assert engine.state.error is not None
    assert engine.state.error.code == "expression_cost"


def test_what_is_only_passed_on_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "_decode", None)
    passing = {
        name: {"type": "parallel", "next_ids": onwards} for name, onwards in {"a": ["b", "c"], "b": ["e"]}.items()
    }
    nodes = {"s": {"type": "start", "next_ids": ["a"]}, **passing, "c": {"type": "parallel", "next_ids": ["e"]}}
    engine = Engine(graph({**nodes, "e": {"type": "end"}}))
    engine.create(start=True, input=Raw(b'{"x":[null,1]}'))
    assert engine.state.node("a").output == Raw(b'{"x":[null,1]}')
    assert engine.state.output == Raw(b'{"b":{"x":[null,1]},"c":{"x":[null,1]}}')
