"""Commands with a name: told twice, they happen once."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from support.graphs import Engine, graph

from sessiond.actors.core.errors import CommandRefused
from sessiond.actors.core.events import Failure, pack, unpack
from sessiond.actors.core.messages import (
    Answered,
    AnswerWait,
    Once,
    Pause,
    Receipt,
    Resume,
    RetryNode,
    Signalled,
    SignalSession,
    SkipNode,
    Stop,
)
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.state import MAX_DONE, SessionState, fold

SIGNAL = {"type": "signal", "properties": {"name": "go"}}
REVIEW = {"type": "human_review", "properties": {"prompt": "?"}}


def begun(nodes: dict[str, Any]) -> Engine:
    engine = Engine(graph(nodes))
    engine.create()
    return engine


def read_back(engine: Engine) -> SessionState:
    """The state as another process finds it."""
    data = pack(engine.records)
    return fold(engine.workflow, SessionState("s"), unpack(Segment(1, engine.state.seq, data)))


def test_an_early_signal_is_kept_once_also_by_the_next_process() -> None:
    engine = begun({"a": ["w"], "w": SIGNAL})
    signal = Once("m1", SignalSession(Raw(b"1"), "go"))
    first = engine.tell(signal)
    assert first.reply == Signalled("s", None, 3 + 1)
    engine.state = read_back(engine)
    again = engine.tell(signal)
    assert (again.records, again.reply) == ([], first.reply)
    assert len(engine.state.signals) == 1


def test_another_name_is_another_command() -> None:
    engine = begun({"a": ["w"], "w": SIGNAL})
    engine.tell(Once("m1", SignalSession(Raw(b"1"), "go")))
    engine.tell(Once("m2", SignalSession(Raw(b"1"), "go")))
    assert len(engine.state.signals) == 2


def test_a_review_told_twice_doesnt_answer_the_next_round() -> None:
    nodes = {
        "r": REVIEW | {"next_ids": ["l"]},
        "l": {"type": "loop", "next_ids": ["r", "e"], "properties": {"max_rounds": 3}},
        "e": [],
    }
    engine = begun(nodes)
    review = Once("m1", AnswerWait("r", "approve"))
    first = engine.tell(review)
    assert engine.state.node("r").round == 2
    again = engine.tell(review)
    assert (again.records, again.reply) == ([], first.reply)
    assert engine.state.node("r").status == "suspended"


@pytest.mark.parametrize("command", [RetryNode("a"), SkipNode("a"), AnswerWait("a", "reject")])
def test_what_a_person_does_about_a_failure_is_done_once(command: Any) -> None:
    engine = begun({"a": {"type": "step", "next_ids": ["b"], "on_error": "suspend"}, "b": REVIEW})
    engine.fail("a", Failure("exception", "no"))
    first = engine.tell(Once("m1", command))
    again = engine.tell(Once("m1", command))
    assert again.reply == first.reply == Answered("s", "a", engine.state.seq)
    assert again.records == []


def test_a_late_repetition_of_a_pause_pauses_nothing() -> None:
    engine = begun({"a": []})
    first = engine.tell(Once("m1", Pause()))
    engine.tell(Resume())
    again = engine.tell(Once("m1", Pause()))
    assert isinstance(first.reply, Receipt)
    assert again.reply == Receipt("s", "pause", "running", True, first.reply.seq, ("a",))
    assert engine.state.status == "running"


def test_after_the_end_it_is_answered_and_what_is_new_refused() -> None:
    engine = begun({"w": SIGNAL})
    signal = Once("m1", SignalSession(Raw(b"1"), "go"))
    first = engine.tell(signal)
    assert engine.state.terminal
    engine.state = read_back(engine)
    again = engine.tell(signal).reply
    assert isinstance(first.reply, Signalled)
    assert isinstance(again, Signalled)
    assert again.seq == first.reply.seq
    with pytest.raises(CommandRefused):
        engine.tell(Once("m2", SignalSession(Raw(b"1"), "go")))


def test_what_changed_nothing_isnt_remembered() -> None:
    engine = begun({"a": []})
    engine.tell(Pause())
    assert engine.tell(Once("m1", Pause())).records == []
    engine.tell(Resume())
    assert engine.tell(Once("m1", Pause())).records


def test_a_refused_command_isnt_remembered() -> None:
    engine = begun({"a": ["w"], "w": SIGNAL})
    engine.tell(Stop())
    with pytest.raises(CommandRefused):
        engine.tell(Once("m1", Pause()))
    assert engine.state.done == ()


def test_the_last_hundred_are_remembered() -> None:
    engine = begun({"a": []})
    for number in range(MAX_DONE + 2):
        engine.tell(Once(f"m{number}", Pause() if number % 2 == 0 else Resume()))
    assert len(engine.state.done) == MAX_DONE
    assert engine.state.done[0].command_id == "m2"
    assert read_back(engine) == engine.state
