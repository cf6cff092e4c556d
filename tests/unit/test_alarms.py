from __future__ import annotations

from support.graphs import Engine, graph

from sessiond.actors.alarms import timers
from sessiond.actors.core.messages import Abort, FireTimer, Pause, Resume
from sessiond.actors.core.timestamps import epoch, stamp

START = epoch("2026-01-01T00:00:00Z")


def delayed(deadline_s: float | None = None) -> Engine:
    engine = Engine(graph({"d": {"type": "delay", "properties": {"seconds": 10}}}), now=stamp(START))
    engine.create(deadline_s=deadline_s)
    return engine


def test_a_delay_is_due_after_its_seconds() -> None:
    assert list(timers(delayed().state)) == [(START + 10, FireTimer("d", 1))]


def test_nothing_is_due_while_paused_and_the_rest_is_due_after_the_resume() -> None:
    engine = delayed()
    engine.now = stamp(START + 4)
    engine.tell(Pause())
    assert list(timers(engine.state)) == []
    engine.now = stamp(START + 100)
    engine.tell(Resume())
    assert list(timers(engine.state)) == [(START + 106, FireTimer("d", 1))]


def test_a_deadline_counts_from_the_start() -> None:
    [_, (due, command)] = timers(delayed(deadline_s=60).state)
    assert due == START + 60
    assert isinstance(command, Abort)
    assert command.failure.code == "deadline"


def test_an_ended_session_has_no_timers() -> None:
    engine = delayed(deadline_s=60)
    engine.tell(FireTimer("d", 1))
    assert engine.state.status == "completed"
    assert list(timers(engine.state)) == []
