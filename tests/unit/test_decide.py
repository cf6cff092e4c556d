"""Commands on the pure engine: what is recorded, refused and answered; and that state is the fold of the log."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw, UnsetType
from support.graphs import Engine, chain, graph

from sessiond.actors.core.errors import CommandRefused, InvalidInput, NotFound, NotWaiting, SessiondError
from sessiond.actors.core.events import Failure, NodeStateChange, Record, pack, unpack
from sessiond.actors.core.lifecycle import NODE_TABLE, TERMINAL
from sessiond.actors.core.messages import (
    Abort,
    Answered,
    AnswerWait,
    Cancel,
    CompleteAttempt,
    Create,
    Created,
    FireTimer,
    Pause,
    Quiesce,
    Receipt,
    Recover,
    Resume,
    RetryNode,
    SignalSession,
    SkipNode,
    Start,
    Stop,
)
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.snapshot import freeze, thaw
from sessiond.actors.core.state import SessionState, fold

REVIEW: dict[str, Any] = {
    "type": "human_review",
    "next_ids": ["e"],
    "properties": {"prompt": "ok with ${nodes.s.output}?"},
}


def plain(output: Raw | UnsetType) -> Any:
    assert output is not UNSET
    return msgspec.json.decode(output)


def reviewing(**properties: Any) -> Engine:
    review = {**REVIEW, "properties": {**REVIEW["properties"], **properties}}
    engine = Engine(graph({"s": ["r"], "r": review, "e": []}))
    engine.create()
    engine.complete("s", 7)
    return engine


def running() -> Engine:
    engine = Engine(graph({"s": ["a", "b"], "a": ["j"], "b": ["j"], "j": []}))
    engine.create()
    engine.complete("s")
    return engine


def test_create_answers_with_the_seq_of_its_last_event() -> None:
    engine = Engine(chain(1))
    decision = engine.create(input=Raw(b'{"a":1}'))
    assert engine.events() == ["execution:created", "execution:started", "node_state_change"]
    assert decision.reply == Created("s", "running", 3)


def test_create_without_start_waits_for_start() -> None:
    engine = Engine(chain(1))
    assert engine.create(start=False).reply == Created("s", "pending", 1)
    receipt = engine.tell(Start()).reply
    assert receipt == Receipt("s", "start", "running", True, 3, ())


def test_pause_lists_what_is_in_flight() -> None:
    engine = running()
    assert engine.tell(Pause("lunch", "ann")).reply == Receipt(
        "s", "pause", "paused", True, engine.state.seq, ("a", "b")
    )
    paused = engine.records[-1].data
    assert (paused.reason, paused.by, paused.in_flight) == ("lunch", "ann", ("a", "b"))
    assert engine.tell(Pause()).records == []
    assert engine.tell(Quiesce()).records[0].event == "execution:quiesced"
    assert engine.tell(Quiesce()).records == []


@pytest.mark.parametrize(
    ("command", "status", "code"), [(Stop("enough", "ann"), "failed", "stopped"), (Cancel(), "cancelled", "cancelled")]
)
def test_the_end_by_command_closes_every_node_before_the_last_event(command: Any, status: str, code: str) -> None:
    engine = running()
    decision = engine.tell(command)
    assert engine.trail()[-3:] == ["a failed", "b failed", "j skipped"]
    last = decision.records[-1]
    assert (last.event, last.data.status, last.data.error.code) == ("execution:completed", status, code)
    assert decision.reply.seq == last.seq  # type: ignore[union-attr]
    assert engine.state.node("a").error == Failure(code, f"the session was {code}")


def test_the_end_of_a_paused_session_leaves_nothing_of_the_pause() -> None:
    engine = Engine(chain(1))
    engine.create()
    engine.tell(Pause(by="ann"))
    engine.tell(Quiesce())
    assert (engine.state.quiesced, engine.state.paused_by) == (True, "ann")
    engine.tell(Stop())
    assert (engine.state.quiesced, engine.state.paused_by) == (False, None)


def test_a_node_says_when_its_attempt_began_and_when_it_was_through() -> None:
    engine, began = Engine(chain(1)), "2026-01-01T00:00:00.000000Z"
    engine.create()
    engine.now = ended = "2026-01-01T00:00:07.000000Z"
    assert (engine.state.node("n1").started_at, engine.state.node("n1").ended_at) == (began, None)
    engine.complete("n1")
    assert (engine.state.node("n1").started_at, engine.state.node("n1").ended_at) == (began, ended)


def test_a_late_result_changes_nothing() -> None:
    engine = running()
    start = engine.take("a")
    engine.tell(Stop())
    assert engine.tell(CompleteAttempt("a", start.round, start.attempt, Raw(b"1"))).records == []


def test_a_result_of_an_older_attempt_changes_nothing() -> None:
    engine = running()
    old = engine.take("a")
    engine.waiting.clear()
    engine.tell(Recover())
    assert engine.tell(CompleteAttempt("a", old.round, old.attempt, Raw(b"1"))).records == []
    assert [(s.node_id, s.attempt) for s in engine.waiting] == [("a", 2), ("b", 2)]


def test_recovery_of_a_paused_session_starts_nothing_until_resume() -> None:
    engine = running()
    engine.tell(Pause())
    engine.waiting.clear()
    recovered = engine.tell(Recover())
    assert [r.event for r in recovered.records] == ["execution:recovered"]
    assert recovered.starts == []
    resumed = engine.tell(Resume(), alive=())
    assert [(s.node_id, s.attempt) for s in resumed.starts] == [("a", 2), ("b", 2)]


def test_a_node_that_kept_running_through_a_pause_is_not_started_again() -> None:
    engine = running()
    engine.tell(Pause())
    assert engine.tell(Resume(), alive=("a", "b")).starts == []


def test_a_failed_node_fails_the_session_and_says_which() -> None:
    engine = running()
    engine.fail("a", Failure("boom", "it broke"))
    assert engine.events()[-5:] == ["error", *["node_state_change"] * 3, "execution:completed"]
    assert engine.state.status == "failed"
    assert engine.state.error == Failure("boom", "it broke", node_id="a")
    assert engine.state.node("b").error == Failure("aborted", "the session failed elsewhere")


def test_a_session_that_fails_while_paused_fails() -> None:
    engine = running()
    engine.tell(Pause())
    engine.fail("a", Failure("boom", "it broke"))
    assert engine.state.status == "failed"


def test_abort_ends_with_the_given_cause_once() -> None:
    engine = running()
    engine.tell(Abort(Failure("deadline", "too late")))
    assert engine.state.error == Failure("deadline", "too late")
    assert engine.tell(Abort(Failure("deadline", "too late"))).records == []


def test_a_review_opens_and_an_approval_goes_on() -> None:
    engine = reviewing()
    opened = engine.records[-1]
    assert (opened.event, opened.data.prompt) == ("human_interaction_required", "ok with 7?")
    decision = engine.tell(AnswerWait("r", "approve", Raw(b'{"n":1}'), "ann"))
    assert decision.reply == Answered("s", "r", engine.state.seq)
    assert [r.event for r in decision.records][:2] == ["node_resumed", "node_state_change"]
    assert plain(engine.state.node("r").output) == {
        "action": "approve",
        "data": {"n": 1},
        "reviewer": "ann",
    }
    assert [s.node_id for s in engine.waiting] == ["e"]


def test_a_second_answer_is_refused() -> None:
    engine = reviewing()
    engine.tell(AnswerWait("r", "approve"))
    with pytest.raises(NotWaiting, match="'r' is completed"):
        engine.tell(AnswerWait("r", "reject"))


def test_an_answer_to_nobody_is_refused() -> None:
    engine = reviewing()
    with pytest.raises(NotFound):
        engine.tell(AnswerWait("x", "approve"))
    with pytest.raises(NotWaiting):
        engine.tell(AnswerWait("s", "approve"))


def test_an_answer_that_does_not_fit_leaves_the_review_open() -> None:
    engine = reviewing(schema={"type": "object", "required": ["n"]}, actions=["approve", "modify"])
    for answer, path in [
        (AnswerWait("r", "reject"), "$.action"),
        (AnswerWait("r", "modify"), "$.data"),
        (AnswerWait("r", "approve", Raw(b"{}")), "$.data"),
    ]:
        before = engine.state.seq
        with pytest.raises(InvalidInput) as invalid:
            engine.tell(answer)
        assert invalid.value.faults[0].path == path
        assert engine.state.seq == before
    engine.tell(AnswerWait("r", "modify", Raw(b'{"n":1}')))
    assert engine.state.node("r").status == "completed"


def test_a_rejection_fails_the_node_unless_its_graph_routes_it() -> None:
    engine = reviewing()
    engine.tell(AnswerWait("r", "reject", by="ann"))
    assert engine.state.error == Failure("rejected", "rejected by ann", node_id="r")
    loop = {
        "type": "loop",
        "next_ids": ["s", "e"],
        "properties": {"max_rounds": 5, "until": "nodes.r.output.action == 'approve'"},
    }
    routed = Engine(graph({"s": ["r"], "r": {**REVIEW, "next_ids": ["l"]}, "l": loop, "e": []}))
    routed.create()
    routed.complete("s")
    routed.tell(AnswerWait("r", "reject"))
    assert [s.node_id for s in routed.waiting] == ["s"]


def test_a_review_while_paused_is_recorded_but_not_acted_on() -> None:
    engine = reviewing()
    engine.tell(Pause())
    engine.tell(AnswerWait("r", "approve"))
    assert engine.state.node("r").status == "completed"
    assert engine.waiting == []
    engine.tell(Resume())
    assert [s.node_id for s in engine.waiting] == ["e"]


def test_a_delay_is_frozen_while_paused() -> None:
    engine = Engine(graph({"d": {"type": "delay", "next_ids": ["e"], "properties": {"seconds": 10}}, "e": []}))
    engine.now = "2026-01-01T00:00:00.000000Z"
    engine.create()
    engine.now = "2026-01-01T00:00:04.000000Z"
    engine.tell(Pause())
    timer = engine.state.node("d").timer
    assert timer is not None
    assert (timer.left, timer.since) == (6.0, None)
    engine.tell(FireTimer("d", 1))
    assert engine.state.node("d").status == "suspended"
    engine.now = "2026-01-01T01:00:00.000000Z"
    engine.tell(Resume())
    timer = engine.state.node("d").timer
    assert timer is not None
    assert timer.left == 6.0
    engine.tell(FireTimer("d", 1))
    assert [s.node_id for s in engine.waiting] == ["e"]


def test_the_output_is_that_of_the_end_node() -> None:
    end = {"type": "end", "properties": {"output": {"sum": "${nodes.a.output + nodes.b.output}"}}}
    engine = Engine(graph({"s": ["a", "b"], "a": ["e"], "b": ["e"], "e": end}))
    engine.create()
    engine.run_out(output=2)
    assert engine.state.output == Raw(b'{"sum":4}')


def test_without_an_end_node_the_leaves_are_the_output() -> None:
    engine = Engine(graph({"s": ["a", "b"], "a": [], "b": []}))
    engine.create()
    engine.run_out(output=2)
    assert plain(engine.state.output) == {"a": 2, "b": 2}


GRAPH = graph(
    {
        "s": {"type": "start", "next_ids": ["p"]},
        "p": {"type": "parallel", "next_ids": ["a", "b", "d", "w"]},
        "a": {"type": "step", "next_ids": ["j"], "retry": {"max_attempts": 3}, "on_error": "suspend"},
        "w": {"type": "signal", "next_ids": ["j"], "properties": {"name": "go", "timeout_s": 9}, "on_error": "suspend"},
        "b": {"type": "step", "next_ids": ["j"], "on_error": "continue"},
        "d": {"type": "delay", "next_ids": ["j"], "properties": {"seconds": 5}},
        "j": ["r"],
        "r": {"type": "human_review", "next_ids": ["x"], "properties": {"prompt": "?", "timeout_s": 60}},
        "x": {
            "type": "switch",
            "next_ids": ["y", "l"],
            "properties": {"cases": [{"when": "nodes.r.output.action == 'reject'", "to": "y"}], "default": "l"},
            "on_error": "suspend",
        },
        "y": ["l"],
        "l": {"type": "loop", "next_ids": ["p", "e"], "properties": {"max_rounds": 2}},
        "e": {"type": "end"},
    }
)
COMMANDS = [
    Start(),
    Pause(),
    Resume(),
    Stop(),
    Cancel(),
    Quiesce(),
    Recover(),
    AnswerWait("r", "approve"),
    AnswerWait("r", "reject"),
    AnswerWait("r", "resume"),
    AnswerWait("a", "reject"),
    RetryNode("a"),
    RetryNode("a", Raw(b"1")),
    RetryNode("x"),
    SkipNode("a"),
    SkipNode("x", Raw(b'{"to":"y"}')),
    SignalSession(Raw(b"1"), name="go"),
    SignalSession(Raw(b"2"), node_id="w"),
    *[FireTimer(node_id, round_, attempt) for node_id in "adwr" for round_ in (1, 2) for attempt in (1, 2)],
]


def check(before: SessionState, records: list[Record], paused: bool) -> None:
    """The invariants of one decision."""
    statuses = {node_id: node.status for node_id, node in before.nodes.items()}
    for record in records:
        fact = record.data
        if record.event == "execution:paused":
            paused = True
        elif record.event in ("execution:resumed", "execution:completed"):
            paused = False
        if isinstance(fact, NodeStateChange):
            assert record.node_id is not None
            was = statuses.get(record.node_id, "pending")
            new_round = fact.round > before.node(record.node_id).round
            assert new_round or fact.status in NODE_TABLE[was], (record.node_id, was, fact)
            assert not (paused and fact.status == "running"), "a node started while paused"
            statuses[record.node_id] = fact.status


def check_waits(state: SessionState) -> None:
    """A suspended node has exactly one open wait, any other none."""
    for node_id, node in state.nodes.items():
        asked = node.opened is not None
        waits = [asked, node.signal is not None, node.timer is not None and not asked and node.signal is None]
        assert sum(waits) == (node.status == "suspended"), (node_id, node)
        assert node.timer is None or (node.timer.since is None) == (state.status == "paused")
        assert not (node.retries and asked)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_history_keeps_the_invariants(data: st.DataObject) -> None:
    engine = Engine(GRAPH)
    engine.create(start=data.draw(st.booleans()))
    for _ in range(data.draw(st.integers(0, 40))):
        before = engine.state
        kept = msgspec.json.encode(before)
        choices: list[Any] = [*COMMANDS, *engine.waiting, *([("fail", start) for start in engine.waiting])]
        move = data.draw(st.sampled_from(choices))
        count = len(engine.records)
        try:
            if move in engine.waiting:
                engine.complete(move.node_id)
            elif isinstance(move, tuple):
                engine.fail(move[1].node_id, Failure("boom", "!"))
            else:
                if move == Recover():
                    engine.waiting.clear()  # a crash: no executor is left
                engine.tell(move)
        except SessiondError:
            assert len(engine.records) == count, "a refused command left a record"
        assert msgspec.json.encode(before) == kept, "a decision changed the state it was given"
        check(before, engine.records[count:], before.status == "paused")
        check_waits(engine.state)
        if before.status in TERMINAL:
            assert len(engine.records) == count, "something happened after the end"
    assert [record.seq for record in engine.records] == list(range(1, len(engine.records) + 1))
    ends = engine.events().count("execution:completed")
    assert ends == (1 if engine.state.terminal else 0)
    assert not ends or engine.events()[-1] == "execution:completed"
    at = data.draw(st.integers(0, len(engine.records)))
    assert_folds(engine, at)


def assert_folds(engine: Engine, at: int) -> None:
    """State = fold(log) = snapshot(at) + fold(the rest), through the bytes that are stored."""
    segment = Segment(1, len(engine.records), pack(engine.records))
    read = unpack(segment)
    state = fold(engine.workflow, SessionState("s"), read)
    assert msgspec.json.encode(state) == msgspec.json.encode(engine.state)
    early = fold(engine.workflow, SessionState("s"), read[:at])
    late = fold(engine.workflow, thaw(freeze(early)), read[at:])
    assert msgspec.json.encode(late) == msgspec.json.encode(engine.state)


def test_pending_sessions_refuse_what_the_table_forbids() -> None:
    engine = Engine(chain(1))
    engine.create(start=False)
    with pytest.raises(CommandRefused) as refused:
        engine.tell(Pause())
    assert refused.value.allowed == ("start", "cancel")


def test_creation_is_no_place_for_a_second_creation() -> None:
    assert isinstance(Engine(chain(1)).tell(Create(session_id="s")).reply, Created)
