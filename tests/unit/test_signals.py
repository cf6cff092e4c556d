"""Signals on the pure engine: in time, early, for a node, for a name; and what bounds them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from support.graphs import Engine, graph, registry

from sessiond.actors.alarms import timers
from sessiond.actors.core.errors import CommandRefused, Fault, InvalidInput, NotFound, NotWaiting, SignalsFull
from sessiond.actors.core.events import Fact, Failure, NodeResumed
from sessiond.actors.core.messages import AnswerWait, Pause, Resume, RetryNode, Signalled, SignalSession, Stop
from sessiond.actors.core.node import Answer, Outcome, View
from sessiond.actors.core.signals import MAX_BYTES, MAX_SIGNALS
from sessiond.actors.nodes.signal import SignalType


def signal(name: str = "go", *next_ids: str, **more: Any) -> dict[str, Any]:
    properties = {"name": name, **more.pop("properties", {})}
    return {"type": "signal", "next_ids": list(next_ids), "properties": properties, **more}


class Picky(SignalType):
    """Takes numbers only, and knows no timers."""

    name = "picky"

    def answer(self, view: View, opened: Fact | None, answer: Answer) -> Outcome:
        if not isinstance(answer.data, int):
            raise InvalidInput([Fault("$.payload", "should be a number")], "the signal")
        return Outcome(answer.data)


def picky() -> Engine:
    types = registry()
    types.add(Picky())
    return Engine(graph({"a": ["w"], "w": signal() | {"type": "picky"}}), types=types.types)


def begun(nodes: dict[str, Any]) -> Engine:
    engine = Engine(graph(nodes))
    engine.create()
    return engine


def outputs(engine: Engine) -> dict[str, Any]:
    found = {node_id: engine.state.node(node_id).output for node_id in engine.workflow.nodes}
    return {node_id: msgspec.json.decode(raw) for node_id, raw in found.items() if isinstance(raw, Raw)}


@pytest.mark.parametrize("target", [{"name": "go"}, {"node_id": "w"}])
def test_a_signal_closes_the_wait(target: dict[str, str]) -> None:
    engine = begun({"w": signal("go", "b"), "b": []})
    assert engine.events()[-1] == "signal_awaited"
    assert engine.state.row().waits == ("w",)
    decision = engine.tell(SignalSession(Raw(b'{"n":1}'), by="ann", **target))
    assert decision.reply == Signalled("s", "w", engine.state.seq)
    assert [r.event for r in decision.records] == ["node_resumed", "node_state_change", "node_state_change"]
    assert decision.records[0].data == NodeResumed(Raw(b'{"n":1}'), None, "ann")
    assert outputs(engine) == {"w": {"n": 1}}
    assert [s.node_id for s in engine.waiting] == ["b"]


@pytest.mark.parametrize("target", [{"name": "go"}, {"node_id": "w"}])
def test_an_early_signal_is_kept_and_taken_when_the_node_begins_to_wait(target: dict[str, str]) -> None:
    engine = begun({"a": ["w"], "w": signal()})
    decision = engine.tell(SignalSession(Raw(b"7"), **target))
    assert decision.reply == Signalled("s", None, engine.state.seq)
    assert [r.event for r in decision.records] == ["signal_received"]
    seq = engine.state.seq
    engine.complete("a")
    assert engine.state.status == "completed"
    assert engine.state.output == Raw(b"7")
    resumed = next(r.data for r in engine.records if isinstance(r.data, NodeResumed))
    assert resumed.signal_seq == seq
    assert engine.state.signals == ()


def test_a_signal_of_another_name_or_node_is_left_for_whom_it_is() -> None:
    engine = begun({"a": ["w", "v"], "w": signal(), "v": signal("other")})
    engine.tell(SignalSession(Raw(b"1"), name="elsewhere"))
    engine.tell(SignalSession(Raw(b"2"), node_id="v"))
    engine.complete("a")
    assert engine.state.node("w").status == "suspended"
    assert outputs(engine) == {"a": None, "v": 2}
    assert [kept.name for kept in engine.state.signals] == ["elsewhere"]


def test_signals_are_taken_in_the_order_they_came_one_by_each_wait() -> None:
    loop = {"type": "loop", "next_ids": ["w", "e"], "properties": {"max_rounds": 3}}
    collect = {"type": "step", "next_ids": ["l"]}
    engine = begun({"a": ["w"], "w": signal("go", "c"), "c": collect, "l": loop, "e": []})
    for payload in (b"1", b"2"):
        engine.tell(SignalSession(Raw(payload), name="go"))
    engine.complete("a")
    assert outputs(engine)["w"] == 1
    engine.complete("c")
    assert outputs(engine)["w"] == 2
    engine.complete("c")
    assert engine.state.node("w").status == "suspended"
    engine.tell(SignalSession(Raw(b"3"), name="go"))
    assert outputs(engine)["w"] == 3


def test_one_signal_closes_one_wait_the_longest() -> None:
    engine = begun({"s": ["a", "w1"], "a": ["w0"], "w1": signal(), "w0": signal()})
    engine.complete("s")
    engine.now = "2026-01-01T00:00:01.000000Z"
    engine.complete("a")
    engine.tell(SignalSession(name="go"))
    assert (engine.state.node("w1").status, engine.state.node("w0").status) == ("completed", "suspended")


def test_a_signal_while_paused_is_recorded_but_not_acted_on() -> None:
    engine = begun({"w": signal("go", "b"), "b": []})
    engine.tell(Pause())
    engine.tell(SignalSession(name="go"))
    assert engine.state.node("w").status == "completed"
    assert engine.waiting == []
    engine.tell(Resume())
    assert [s.node_id for s in engine.waiting] == ["b"]


def test_a_pending_session_keeps_signals_for_its_start() -> None:
    engine = Engine(graph({"w": signal()}))
    engine.create(start=False)
    assert isinstance(engine.tell(SignalSession(name="go")).reply, Signalled)
    assert [kept.name for kept in engine.state.signals] == ["go"]


def test_a_wait_that_takes_too_long_fails_and_stands_still_while_paused() -> None:
    engine = begun({"w": signal(properties={"timeout_s": 10})})
    engine.now = "2026-01-01T00:00:04.000000Z"
    engine.tell(Pause())
    assert list(timers(engine.state)) == []
    engine.now = "2026-01-01T01:00:00.000000Z"
    engine.tell(Resume())
    assert [due for due, _ in timers(engine.state)] == [1767229206.0]
    engine.fire("w")
    assert engine.state.error == Failure("timeout", "no signal 'go' within 10.0 s", node_id="w")


def test_a_signal_after_the_timeout_is_kept_for_the_retry() -> None:
    engine = begun({"w": signal(properties={"timeout_s": 10}, on_error="suspend")})
    engine.fire("w")
    engine.tell(SignalSession(Raw(b"5"), node_id="w"))
    assert engine.state.node("w").status == "suspended"
    engine.tell(RetryNode("w"))
    assert engine.state.output == Raw(b"5")


def test_a_wait_may_be_closed_by_hand_but_not_reviewed() -> None:
    engine = begun({"w": signal()})
    with pytest.raises(InvalidInput):
        engine.tell(AnswerWait("w", "approve"))
    for inner in ("timer", "signal"):
        with pytest.raises(InvalidInput, match="unknown"):
            engine.tell(AnswerWait("w", inner))
    engine.tell(AnswerWait("w", "resume", Raw(b"1")))
    assert engine.state.output == Raw(b"1")


def test_signals_that_can_reach_nobody_are_refused() -> None:
    engine = begun({"w": signal("go", "b"), "b": []})
    with pytest.raises(NotFound):
        engine.tell(SignalSession(node_id="x"))
    with pytest.raises(NotWaiting):
        engine.tell(SignalSession(node_id="b"))
    engine.tell(SignalSession(node_id="w"))
    with pytest.raises(NotWaiting, match="'w' is completed"):
        engine.tell(SignalSession(node_id="w"))
    engine.tell(Stop())
    with pytest.raises(CommandRefused):
        engine.tell(SignalSession(name="go"))


def test_what_is_kept_is_bounded_in_number_and_size() -> None:
    engine = begun({"a": ["w"], "w": signal("go", "b"), "b": []})
    for _ in range(MAX_SIGNALS):
        engine.tell(SignalSession(name="go"))
    with pytest.raises(SignalsFull, match="64"):
        engine.tell(SignalSession(name="go"))
    engine.complete("a")
    assert len(engine.state.signals) == MAX_SIGNALS - 1
    engine.tell(SignalSession(name="go"))
    large = Raw(msgspec.json.encode("x" * (MAX_BYTES // 2)))
    engine = begun({"a": ["w"], "w": signal()})
    engine.tell(SignalSession(large, name="go"))
    with pytest.raises(SignalsFull, match="bytes"):
        engine.tell(SignalSession(large, name="go"))


def test_a_sender_is_told_of_a_signal_that_does_not_fit() -> None:
    engine = picky()
    engine.create()
    engine.complete("a")
    with pytest.raises(InvalidInput, match="should be a number"):
        engine.tell(SignalSession(Raw(b'"x"'), name="go"))
    assert engine.state.node("w").status == "suspended"
    engine.tell(SignalSession(Raw(b"1"), name="go"))
    assert engine.state.output == Raw(b"1")


def test_an_early_signal_that_does_not_fit_fails_the_node() -> None:
    engine = picky()
    engine.create()
    engine.tell(SignalSession(Raw(b'"x"'), name="go"))
    engine.complete("a")
    assert engine.state.error is not None
    assert engine.state.error.code == "invalid_answer"
