"""Child sessions on the pure engine: what a session knows of its children, and what it orders."""

from __future__ import annotations

from typing import Any

from support.graphs import Engine, compiled, faults_of, graph

from sessiond.actors.children import child_id, generation
from sessiond.actors.core.events import ChildEnded, ChildStarted, Failure
from sessiond.actors.core.messages import Abort, Cancel, Pause, RecordFacts, Recover, Resume, Stop
from sessiond.actors.core.sharding import shard_of
from sessiond.actors.core.snapshot import freeze, thaw

INNER = graph({"a": []}) | {"workflow_id": "inner"}


def mapped(**properties: Any) -> dict[str, Any]:
    return graph({"m": {"type": "map", "properties": {"items": [1, 2], "workflow": INNER, **properties}}})


def family(*started: str) -> Engine:
    """A session whose map node has these living children."""
    engine = Engine(mapped())
    engine.create()
    for index, name in enumerate(started):
        engine.tell(RecordFacts("m", 1, 1, (ChildStarted(name, index),)))
    return engine


def test_a_childs_id_says_whose_it_is_and_which_attempt_started_it() -> None:
    assert child_id("p", "m", 3, 1, 1) == "p~m~3"
    assert child_id("p~m~3", "n", 0, 2, 4) == "p~m~3~n~0.r2.a4"
    assert [generation(name) for name in ("p", "p~m~3", "p~m~3~n~0.r2.a4")] == [0, 1, 2]
    assert {shard_of(name, 64) for name in ("p", "p~m~3", "p~m~3~n~0.r2.a4")} == {shard_of("p", 64)}


def test_the_living_are_known_from_the_log() -> None:
    engine = family("a", "b", "a")
    assert engine.state.children() == ["a", "b"]
    engine.tell(RecordFacts("m", 1, 1, (ChildEnded("a", 0, "completed"),)))
    assert engine.state.children() == ["b"]
    assert thaw(freeze(engine.state)) == engine.state


def test_they_are_kept_over_a_crash_and_forgotten_when_the_node_is_through() -> None:
    engine = family("a")
    engine.tell(Recover(), alive=())
    assert engine.state.node("m").attempt == 2
    assert engine.state.children() == ["a"]
    engine.take("m")
    engine.complete("m")
    assert engine.state.children() == []


def test_pause_and_resume_are_passed_on() -> None:
    engine = family("a", "b")
    paused = engine.tell(Pause("look", by="ann"))
    assert paused.orders == (("a", Pause("look", by="s")), ("b", Pause("look", by="s")))
    assert engine.tell(Pause()).orders == ()
    resumed = engine.tell(Resume(by="ann"))
    assert resumed.orders == tuple((name, Resume(by="s", if_paused_by="s")) for name in "ab")


def test_the_end_is_passed_on() -> None:
    for command, kind in (
        (Stop("enough"), Stop),
        (Cancel("enough"), Cancel),
        (Abort(Failure("deadline", "late")), Stop),
    ):
        orders = family("a").tell(command).orders
        assert [(name, type(order)) for name, order in orders] == [("a", kind)]


def test_a_resume_meant_for_sessions_that_another_paused_changes_nothing() -> None:
    engine = Engine(mapped())
    engine.create()
    engine.tell(Pause(by="ann"))
    mine = engine.tell(Resume(by="p", if_paused_by="p"))
    assert (mine.records, engine.state.status, engine.state.paused_by) == ([], "paused", "ann")
    assert engine.tell(Resume(by="p", if_paused_by="ann")).records
    assert (engine.state.status, engine.state.paused_by) == ("running", None)


def test_faults_of_a_definition_within_come_with_their_path() -> None:
    broken = INNER | {"nodes": {"a": {"type": "step", "next_ids": ["b"]}}}
    assert faults_of(mapped(workflow=broken)) == {
        "$.nodes.m.properties.workflow.nodes.a.next_ids[0]": "there is no node 'b'"
    }
    templated = INNER | {"nodes": {"a": {"type": "end", "properties": {"output": {"x": "${input +}"}}}}}
    (path,) = faults_of(mapped(workflow=templated))
    assert path == "$.nodes.m.properties.workflow.nodes.a.properties.output.x"
    assert compiled(mapped(workflow="stored@0123")).nodes["m"].static.workflow == "stored@0123"
