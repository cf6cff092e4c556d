"""Forks of the pure engine: what they reuse, what they run again, and that they come to the same."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw
from support.graphs import Engine, chain, graph
from support.random_graphs import loop, random_graph

from sessiond.actors.core import room
from sessiond.actors.core.decision import StartAttempt
from sessiond.actors.core.errors import InvalidInput, NotBegun
from sessiond.actors.core.events import Failure, ForkedFrom, NodeStateChange, Record, pack, unpack
from sessiond.actors.core.fork import MAX_REUSED, Fork, Original, reused
from sessiond.actors.core.messages import Cancel, Create, Pause, SignalSession, SkipNode, Start, Stop
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.state import SessionState, fold

DIAMOND = graph({"s": ["a", "b"], "a": ["j"], "b": ["j"], "j": []})
ROUNDS = graph({"s": ["a"], "a": ["b", "c"], "b": ["l"], "c": ["l"], "l": loop("a", "e", 3), "e": []})
BEHIND = graph({"x": ["a"], "a": ["l"], "l": loop("a", "e", 2), "e": []})
EVENT = {"type": "signal", "properties": {"name": "go"}}


def output_of(state: SessionState, start: StartAttempt) -> Any:
    """What a deterministic node puts out: it depends on all that it may see of its own loop and before."""
    own = state.node(start.node_id).output
    return {"by": start.node_id, "round": start.round, "own": None if own is UNSET else zlib.crc32(bytes(own))}


def run_on(engine: Engine, choose: Callable[[list[StartAttempt]], StartAttempt] = lambda w: w[0]) -> Engine:
    while engine.waiting:
        start = choose(engine.waiting)
        engine.complete(start.node_id, output_of(engine.state, start))
    return engine


def read_back(records: list[Record]) -> list[Record]:
    """Records as a reader of the log has them."""
    return unpack(Segment(records[0].seq, records[-1].seq, pack(records)))


def original_of(engine: Engine, seq: int | None = None) -> Original:
    original = Original(engine.workflow, "s")
    original.take(r for r in read_back(engine.records) if seq is None or r.seq <= seq)
    return original


def fork(engine: Engine, seq: int | None = None, node: str | None = None, *, start: bool = True) -> Engine:
    """The fork of what an engine has recorded, up to a seq."""
    original = original_of(engine, seq)
    made = Engine(msgspec.json.decode(engine.workflow.body))
    made.tell(
        Create(
            session_id="s",
            input=original.state.input,
            start=start,
            forked_from=ForkedFrom("s", original.state.seq, node),
            reused=reused(original, node),
        )
    )
    return made


def started(definition: dict[str, Any], **fields: Any) -> Engine:
    engine = Engine(definition)
    engine.create(**fields)
    return engine


def began(engine: Engine) -> list[str]:
    return [f"{r.node_id}/{r.data.round}" for r in engine.records if _is(r, "running")]


def ran(engine: Engine) -> list[str]:
    """The same without the nodes that the session decides by itself."""
    return [it for it in began(engine) if engine.workflow.nodes[it.split("/")[0]].spec.type == "step"]


def reused_in(engine: Engine) -> dict[str, int]:
    """Nodes that the engine's session was given as completed, and their rounds."""
    given = {}
    for record in engine.records:
        if record.event == "execution:started":
            break
        if _is(record, "completed"):
            given[record.node_id or ""] = record.data.round
    return given


def _is(record: Record, status: str) -> bool:
    return isinstance(record.data, NodeStateChange) and record.data.status == status


def waiting(engine: Engine) -> list[str]:
    return sorted(start.node_id for start in engine.waiting)


def outputs(state: SessionState) -> dict[str, bytes]:
    return {n: bytes(node.output) for n, node in state.nodes.items() if node.output is not UNSET}


def test_completed_nodes_are_reused_and_running_ones_run_again() -> None:
    engine = started(DIAMOND)
    engine.complete("s", 1)
    engine.complete("a", 2)
    made = fork(engine)
    assert [r.seq for r in made.records] == list(range(1, len(made.records) + 1))
    assert made.events()[:4] == ["execution:created", "node_state_change", "node_state_change", "execution:started"]
    assert made.records[0].data.forked_from == ForkedFrom("s", engine.state.seq)
    assert reused_in(made) == {"s": 1, "a": 1}
    assert (waiting(made), made.waiting[0].attempt) == (["b"], 1)
    assert outputs(made.state) == {"s": b"1", "a": b"2"}
    assert run_on(made).state.status == "completed"
    assert ran(made) == ["b/1", "j/1"]


def test_a_seq_within_a_segment_will_do() -> None:
    engine = started(DIAMOND)
    completed = engine.complete("s", 1).records[0]
    assert _is(completed, "completed")
    assert waiting(fork(engine, completed.seq)) == ["a", "b"]
    assert waiting(fork(engine, completed.seq - 1)) == ["s"]
    assert waiting(fork(engine, 1)) == ["s"]


@pytest.mark.parametrize("end", [Stop(), Cancel()])
def test_what_an_end_skipped_or_cut_short_is_pending_again(end: Any) -> None:
    engine = started(DIAMOND)
    engine.complete("s")
    engine.tell(end)
    assert waiting(fork(engine)) == ["a", "b"]
    assert run_on(fork(engine)).state.status == "completed"


def test_what_an_end_cut_short_runs_again_though_something_reused_lies_behind_it() -> None:
    lenient = {"type": "step", "on_error": "continue", "next_ids": ["j"]}
    engine = started(
        graph(
            {
                "s": ["a", "b"],
                "a": ["j"],
                "b": lenient,
                "j": {"type": "step", "join": "any", "next_ids": ["k"]},
                "k": [],
            }
        )
    )
    for node_id in "saj":
        engine.complete(node_id)
    engine.tell(Stop())
    made = fork(engine)
    assert made.statuses() == {"s": "completed", "a": "completed", "b": "running", "j": "completed", "k": "running"}


def test_a_failed_node_is_tried_again() -> None:
    engine = started(chain(3))
    engine.complete("n1")
    engine.fail("n2", Failure("boom", "it broke"))
    assert engine.state.status == "failed"
    made = fork(engine)
    assert [(start.node_id, start.attempt) for start in made.waiting] == [("n2", 1)]
    assert run_on(made).state.status == "completed"


def test_a_failure_stays_that_something_reused_rests_on() -> None:
    failing = {"type": "step", "on_error": "continue", "next_ids": ["b"]}
    engine = started(graph({"a": failing, "b": ["c"], "c": []}))
    engine.fail("a", Failure("boom", "it broke"))
    assert waiting(fork(engine)) == ["a"]
    engine.complete("b")
    made = fork(engine)
    assert made.statuses() == {"a": "failed", "b": "completed", "c": "running"}
    assert made.state.node("a").error == Failure("boom", "it broke")
    assert waiting(fork(engine, node="b")) == ["b"]
    assert waiting(fork(engine, node="a")) == ["a"]


def test_skips_are_decided_again() -> None:
    ways = [{"when": "input == 1", "to": "a"}, {"when": "true", "to": "b"}]
    switch = {"type": "switch", "next_ids": ["a", "b"], "properties": {"cases": ways}}
    engine = started(graph({"s": ["w"], "w": switch, "a": ["j"], "b": ["j"], "j": []}), input=Raw(b"1"))
    run_on(engine)
    made = fork(engine)
    assert made.statuses() == engine.statuses()
    assert made.statuses()["b"] == "skipped"
    assert (made.state.status, made.state.output) == ("completed", engine.state.output)
    assert not made.waiting


def test_suspended_waits_are_opened_anew_and_early_signals_stay() -> None:
    engine = started(graph({"s": ["w"], "w": {**EVENT, "next_ids": ["v"]}, "v": EVENT}))
    engine.tell(SignalSession(Raw(b"7"), node_id="v"))
    engine.complete("s")
    assert engine.state.node("w").status == "suspended"
    made = fork(engine)
    assert made.state.node("w").status == "suspended"
    made.tell(SignalSession(Raw(b"6"), name="go"))
    assert made.state.status == "completed"
    assert b"7" in outputs(made.state)["v"]


def test_a_node_that_asks_a_person_after_a_failure_runs_again() -> None:
    engine = started(graph({"a": {"type": "step", "on_error": "suspend", "next_ids": ["b"]}, "b": []}))
    engine.fail("a", Failure("boom", "it broke"))
    assert waiting(fork(engine)) == ["a"]
    engine.tell(SkipNode("a", Raw(b"5")))
    assert outputs(fork(engine).state) == {"a": b"5"}


def test_a_fork_may_wait_for_its_start() -> None:
    engine = started(DIAMOND)
    engine.complete("s", 1)
    made = fork(engine, start=False)
    assert (made.state.status, made.waiting) == ("pending", [])
    made.tell(Start())
    assert waiting(made) == ["a", "b"]


def test_a_paused_session_is_forked_as_a_running_one() -> None:
    engine = started(DIAMOND)
    engine.tell(Pause())
    engine.complete("s", 1)
    assert waiting(fork(engine)) == ["a", "b"]


def test_rounds_laps_and_the_outputs_of_the_round_before_are_carried() -> None:
    engine = started(ROUNDS)
    for node_id in ("s", "a", "b", "c", "a", "b"):
        engine.complete(node_id, f"{node_id}!")
    made = fork(engine)
    assert reused_in(made) == {"s": 1, "a": 2, "b": 2}
    assert [(start.node_id, start.round, start.attempt) for start in made.waiting] == [("c", 2, 1)]
    assert outputs(made.state)["c"] == b'"c!"'
    run_on(made)
    assert ran(made) == ["c/2", "a/3", "b/3", "c/3", "e/1"]


def test_from_a_node_in_a_loop_the_present_round_is_gone_through_again() -> None:
    engine = started(ROUNDS)
    seen: dict[str, list[Any]] = {}
    while engine.waiting:
        start = engine.waiting[0]
        seen.setdefault(start.node_id, []).append(f"{start.node_id}{start.round}")
        engine.complete(start.node_id, seen[start.node_id][-1])
    made = fork(engine, node="b")
    assert reused_in(made) == {"s": 1, "a": 3, "c": 3}
    assert [(start.node_id, start.round) for start in made.waiting] == [("b", 3)]
    assert outputs(made.state)["b"] == b'"b2"'
    assert outputs(made.state)["c"] == b'"c3"'
    assert "e" not in outputs(made.state)
    run_on(made)
    assert ran(made) == ["b/3", "e/1"]


def test_from_a_node_before_a_loop_the_loop_begins_anew() -> None:
    engine = run_on(started(BEHIND))
    made = fork(engine, node="x")
    assert reused_in(made) == {}
    assert outputs(made.state) == {}
    run_on(made)
    assert ran(made) == ["x/1", "a/1", "a/2", "e/1"]


def test_an_inner_loop_begins_anew_within_the_present_round_of_the_outer() -> None:
    nested = graph({"x": ["a"], "a": ["i"], "i": loop("a", "o", 2), "o": loop("x", "e", 2), "e": []})
    engine = run_on(started(nested))
    assert ran(engine) == ["x/1", "a/1", "a/2", "x/2", "a/3", "a/4", "e/1"]
    made = fork(engine, node="x")
    assert outputs(made.state)["a"] == _last_output(engine, "a", 2)
    run_on(made)
    assert ran(made) == ["x/2", "a/3", "a/4", "e/1"]
    assert made.state.output == engine.state.output


def _last_output(engine: Engine, node_id: str, round_: int) -> bytes:
    found = [r for r in engine.records if r.node_id == node_id and _is(r, "completed") and r.data.round == round_]
    return bytes(found[-1].data.output)


def test_a_fork_of_a_fork_knows_laps_and_rounds_before() -> None:
    engine = run_on(started(ROUNDS))
    again = fork(run_on(fork(engine)), node="b")
    assert ran(again) == ["b/3"]
    assert outputs(again.state)["b"] == outputs(fork(engine, node="b").state)["b"]
    run_on(again)
    assert ran(again) == ["b/3", "e/1"]
    assert again.state.output == engine.state.output


def test_from_a_node_that_never_began_is_refused() -> None:
    engine = started(DIAMOND)
    with pytest.raises(NotBegun, match="'j' is pending and never began"):
        fork(engine, node="j")
    engine.tell(Stop())
    with pytest.raises(NotBegun, match="'j' is skipped"):
        fork(engine, node="j")
    with pytest.raises(InvalidInput, match=r"\$\.from_node: there is no node 'z'"):
        fork(engine, node="z")


def test_what_one_commit_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_HELD", 2 * MAX_REUSED)  # as there were sessions before that was bounded
    engine = started(chain(2))
    engine.complete("n1", "x" * MAX_REUSED)
    with pytest.raises(InvalidInput, match="the limit is"):
        fork(engine)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Fork(), r"\$: should have either"),
        (Fork(after_seq=1, from_node="a"), r"\$: should have either"),
        (Fork(after_seq=0), r"\$\.after_seq: should be at least 1"),
        (Fork(after_seq=1, session_id="a~b"), r"\$\.session_id: should be"),
    ],
)
def test_a_request_that_cannot_be_right_is_refused(request_: Fork, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        request_.check()


def test_requests_are_told_apart_whatever_the_id_of_the_fork() -> None:
    base = Fork(after_seq=1)
    assert base.digest("s") == Fork(after_seq=1, session_id="f").digest("s")
    others = [Fork(after_seq=2), Fork(from_node="a"), Fork(after_seq=1, input=Raw(b"null")), base]
    others[-1] = Fork(after_seq=1, start=False)
    assert len({base.digest("s"), base.digest("t"), *(other.digest("s") for other in others)}) == 6


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_fork_at_any_seq_comes_to_the_same_and_runs_nothing_reused(data: st.DataObject) -> None:
    definition = random_graph(data.draw, data.draw(st.integers(1, 3)))
    engine = started(definition)
    chance = data.draw(st.randoms(use_true_random=False))
    run_on(engine, chance.choice)
    assert engine.state.status == "completed"
    for seq in range(1, engine.state.seq + 1):
        made = fork(engine, seq)
        given_ = reused_in(made)
        run_on(made, chance.choice)
        _same(engine, made, given_)
    for node_id in sorted({r.node_id for r in engine.records if r.node_id and _is(r, "running")}):
        made = fork(engine, node=node_id)
        given_ = reused_in(made)
        run_on(made, chance.choice)
        _same(engine, made, given_)
        assert node_id not in given_
        _same(engine, run_on(fork(made), chance.choice), reused_in(fork(made)))


def _same(engine: Engine, made: Engine, given_: dict[str, int]) -> None:
    assert made.state.status == "completed"
    assert made.statuses() == engine.statuses()
    assert outputs(made.state) == outputs(engine.state)
    assert made.state.output == engine.state.output
    again = [f"{n}/{r}" for n, r in given_.items()]
    assert set(again).isdisjoint(began(made))
    assert len(began(made)) == len(set(began(made)))
    log = read_back(made.records)
    assert fold(made.workflow, SessionState("s"), log) == made.state
