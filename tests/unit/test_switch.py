"""`switch`: exactly one successor, and the faults of a graph that can't have that."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from support.graphs import Engine, compiled, graph

from sessiond.actors.core.errors import InvalidInput, InvalidWorkflow
from sessiond.actors.core.messages import AnswerWait, SkipNode

CASES = [{"when": "input.n > 10", "to": "big"}, {"when": "${ input.n > 0 }", "to": "small"}]


def switch(*next_ids: str, cases: Any = CASES, **more: Any) -> dict[str, Any]:
    properties = {"cases": cases, **more.pop("properties", {})}
    return {"type": "switch", "next_ids": list(next_ids), "properties": properties, **more}


def at(n: int, node: dict[str, Any]) -> Engine:
    engine = Engine(graph({"x": node, **{target: ["j"] for target in node["next_ids"]}, "j": []}))
    engine.create(input=Raw(b'{"n":%d}' % n))
    return engine


@pytest.mark.parametrize(("n", "way", "case"), [(20, "big", "0"), (5, "small", "1"), (-1, "none", "null")])
def test_exactly_one_successor_is_taken(n: int, way: str, case: str) -> None:
    engine = at(n, switch("big", "small", "none", properties={"default": "none"}))
    assert [s.node_id for s in engine.waiting] == [way]
    assert engine.state.node("x").taken == (way,)
    assert bytes(engine.state.node("x").output) == f'{{"to":"{way}","case":{case}}}'.encode()  # type: ignore[arg-type]
    skipped = {"big", "small", "none"} - {way}
    assert all(engine.state.node(other).status == "skipped" for other in skipped)
    engine.complete(way)
    assert [s.node_id for s in engine.waiting] == ["j"], "the join waits for nobody that was not chosen"


def test_no_case_and_no_default_fail_the_node() -> None:
    engine = at(-1, switch("big", "small"))
    assert engine.state.error is not None
    assert (engine.state.error.code, engine.state.error.node_id) == ("no_case", "x")


@pytest.mark.parametrize("when", ["input.absent", "input.n"])
def test_a_case_must_give_a_boolean(when: str) -> None:
    engine = at(1, switch("big", cases=[{"when": when, "to": "big"}]))
    assert engine.state.error is not None
    assert engine.state.error.code == "expression"


def test_later_cases_are_not_looked_at() -> None:
    engine = at(20, switch("big", "small", cases=[CASES[0], {"when": "input.absent", "to": "small"}]))
    assert [s.node_id for s in engine.waiting] == ["big"]


def test_a_person_may_choose_for_a_switch_that_failed() -> None:
    engine = at(-1, switch("big", "small", on_error="suspend"))
    for wrong in (b"null", b'{"to":"j"}', b'{"to":[]}', b"{}"):
        with pytest.raises(InvalidInput, match="should name a successor: big, small"):
            engine.tell(SkipNode("x", Raw(wrong)))
    engine.tell(SkipNode("x", Raw(b'{"to":"small"}')))
    assert [s.node_id for s in engine.waiting] == ["small"]
    assert engine.state.node("big").status == "skipped"


def test_a_rejection_can_be_routed() -> None:
    review = {"type": "human_review", "next_ids": ["x"], "properties": {"prompt": "?"}}
    cases = [{"when": "nodes.r.output.action == 'reject'", "to": "no"}]
    routed = switch("no", "yes", cases=cases, properties={"default": "yes"})
    engine = Engine(graph({"r": review, "x": routed, "no": [], "yes": []}))
    engine.create()
    engine.tell(AnswerWait("r", "reject"))
    assert [s.node_id for s in engine.waiting] == ["no"]


@pytest.mark.parametrize(
    ("node", "path", "message"),
    [
        (switch("big", "small", cases=[*CASES, {"when": "true", "to": "j"}]), "properties.cases[2].to", "isn't a"),
        (switch("big", "small", properties={"default": "j"}), "properties.default", "isn't a successor"),
        (switch("big", "small", properties={"default": "${ 'big' }"}), "properties.default", "not an expression"),
        (switch("big", "small", "other"), "next_ids[2]", "no case leads to 'other'"),
        (switch("big", cases=[{"when": "1 +", "to": "big"}]), "properties.cases[0].when", ""),
        (switch("big", cases=[{"to": "big"}]), "properties.cases[0]", "when"),
        (switch("big", cases="input.n"), "properties.cases", "array"),
        (switch("big", "small", on_error="continue"), "on_error", "no way to continue"),
    ],
)
def test_faults_have_their_paths(node: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(InvalidWorkflow) as invalid:
        compiled(graph({"x": node, **{target: ["j"] for target in node["next_ids"]}, "j": []}))
    faults = {fault.path: fault.message for fault in invalid.value.faults}
    assert message in faults[f"$.nodes.x.{path}"]
