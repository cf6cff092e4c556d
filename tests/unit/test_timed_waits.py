"""Reviews that time out and delays until a time, on the pure engine."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from support.graphs import Engine, compiled, graph

from sessiond.actors.alarms import timers
from sessiond.actors.core.errors import InvalidWorkflow
from sessiond.actors.core.events import Failure
from sessiond.actors.core.messages import AnswerWait, Pause, Resume

NOW = 1767225600.0
"""The engine's first moment, 2026-01-01T00:00:00Z, in epoch seconds."""


def reviewing(routed: bool = False, **properties: Any) -> Engine:
    review = {"type": "human_review", "properties": {"prompt": "?", "timeout_s": 60, **properties}}
    nodes: dict[str, Any] = {"r": review}
    if routed:
        cases = [{"when": "nodes.r.output.action == 'reject'", "to": "no"}]
        review["next_ids"] = ["x"]
        nodes["x"] = {"type": "switch", "next_ids": ["no", "yes"], "properties": {"cases": cases, "default": "yes"}}
        nodes |= {"no": [], "yes": []}
    engine = Engine(graph(nodes))
    engine.create()
    return engine


def delayed(until: str, input: str = "null") -> Engine:
    engine = Engine(graph({"d": {"type": "delay", "properties": {"until": until}}}))
    engine.create(input=Raw(msgspec.json.encode(input)))
    return engine


def dues(engine: Engine) -> list[float]:
    return [due - NOW for due, _ in timers(engine.state)]


def test_a_review_tells_when_and_how_it_ends() -> None:
    engine = reviewing(on_timeout="approve")
    opened = engine.records[-1].data
    assert (opened.timeout_s, opened.on_timeout) == (60, "approve")
    assert dues(engine) == [60]


def test_a_review_in_time_needs_no_timer_any_more() -> None:
    engine = reviewing()
    engine.tell(AnswerWait("r", "approve"))
    assert dues(engine) == []
    assert engine.fire("r").records == []
    assert engine.state.status == "completed"


@pytest.mark.parametrize(
    ("on_timeout", "failure"),
    [
        ("fail", Failure("timeout", "no review within 60.0 s")),
        ("reject", Failure("rejected", "rejected: no review within 60.0 s")),
    ],
)
def test_a_review_that_nobody_answers_fails(on_timeout: str, failure: Failure) -> None:
    engine = reviewing(on_timeout=on_timeout)
    engine.fire("r")
    assert engine.state.node("r").error == failure
    assert engine.state.status == "failed"


def test_a_review_that_nobody_answers_may_approve() -> None:
    engine = reviewing(on_timeout="approve")
    engine.fire("r")
    assert engine.state.output == Raw(b'{"action":"approve","data":null,"reviewer":null}')


@pytest.mark.parametrize(("on_timeout", "way"), [("reject", "no"), ("approve", "yes")])
def test_the_graph_may_route_a_review_that_nobody_answered(on_timeout: str, way: str) -> None:
    engine = reviewing(routed=True, on_timeout=on_timeout)
    engine.fire("r")
    assert [s.node_id for s in engine.waiting] == [way]


def test_a_timeout_is_a_failure_even_where_a_rejection_is_routed() -> None:
    engine = reviewing(routed=True)
    engine.fire("r")
    assert engine.state.node("r").error == Failure("timeout", "no review within 60.0 s")


def test_the_time_for_a_review_stands_still_while_paused() -> None:
    engine = reviewing()
    engine.now = "2026-01-01T00:00:50.000000Z"
    engine.tell(Pause())
    assert (dues(engine), engine.fire("r").records) == ([], [])
    engine.now = "2026-01-01T01:00:00.000000Z"
    engine.tell(Resume())
    assert dues(engine) == [3610]


@pytest.mark.parametrize("until", ["2026-01-01T00:01:00Z", "2026-01-01T02:01:00+02:00", "${ input }"])
def test_a_delay_until_a_time(until: str) -> None:
    engine = delayed(until, "2026-01-01T00:01:00.000000Z")
    assert dues(engine) == [60]
    engine.fire("d")
    assert engine.state.output == Raw(b'{"ended_by":"timer"}')


def test_a_time_that_is_past_is_due_at_once() -> None:
    assert dues(delayed("2020-01-01T00:00:00Z")) == [0]


@pytest.mark.parametrize(("resumed", "due"), [("00:00:30", 60), ("00:05:00", 300)])
def test_a_pause_does_not_move_the_time_but_nothing_goes_off_in_it(resumed: str, due: float) -> None:
    engine = delayed("2026-01-01T00:01:00Z")
    engine.now = "2026-01-01T00:00:10.000000Z"
    engine.tell(Pause())
    assert (dues(engine), engine.fire("d").records) == ([], [])
    engine.now = f"2026-01-01T{resumed}.000000Z"
    engine.tell(Resume())
    assert dues(engine) == [due]


def test_an_expression_that_gives_no_time_fails_the_node() -> None:
    engine = delayed("${ input }", "soon")
    assert engine.state.error is not None
    assert engine.state.error.code == "properties"


@pytest.mark.parametrize(
    ("node", "path"),
    [
        ({"type": "delay"}, ""),
        ({"type": "delay", "properties": {"seconds": 1, "until": "2026-01-01T00:00:00Z"}}, ""),
        ({"type": "delay", "properties": {"until": "tomorrow"}}, ".until"),
        ({"type": "delay", "properties": {"until": "2026-01-01T00:00:00"}}, ".until"),
        ({"type": "human_review", "properties": {"prompt": "?", "timeout_s": 0}}, ".timeout_s"),
        ({"type": "human_review", "properties": {"prompt": "?", "on_timeout": "modify"}}, ".on_timeout"),
        ({"type": "signal", "properties": {"name": "go", "timeout_s": -1}}, ".timeout_s"),
        ({"type": "signal", "properties": {"name": ""}}, ".name"),
    ],
)
def test_faults_have_their_paths(node: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidWorkflow) as invalid:
        compiled(graph({"d": node}))
    assert [fault.path for fault in invalid.value.faults] == [f"$.nodes.d.properties{path}"]
