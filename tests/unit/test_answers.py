"""What a person does about a node that failed and is suspended, on the pure engine."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw
from support.graphs import Engine, graph

from sessiond.actors.alarms import timers
from sessiond.actors.core.errors import InvalidInput, NotFound, NotWaiting
from sessiond.actors.core.events import Failure, HumanInteractionRequired, NodeResumed
from sessiond.actors.core.messages import Answered, AnswerWait, Pause, Resume, RetryNode, SkipNode, Stop
from sessiond.actors.core.scope import NodeScope

BOOM = Failure("boom", "it broke")


def suspended(**spec: Any) -> Engine:
    """a failed and waits for a person; b comes after it."""
    node = {"type": "step", "next_ids": ["b"], "on_error": "suspend", **spec}
    engine = Engine(graph({"a": node, "b": []}))
    engine.create(input=Raw(b'{"n":1}'))
    engine.fail("a", BOOM)
    return engine


def input_of(engine: Engine, node_id: str) -> Any:
    return NodeScope(engine.workflow, engine.state, engine.workflow.nodes[node_id]).input()


def test_a_failure_asks_for_a_person_and_keeps_its_error() -> None:
    engine = suspended()
    assert engine.events()[-3:] == ["error", "node_state_change", "human_interaction_required"]
    node = engine.state.node("a")
    assert (node.status, node.error, node.timer) == ("suspended", BOOM, None)
    assert node.opened == HumanInteractionRequired(
        reason="node 'a' failed: boom", prompt="it broke", actions=("retry", "skip", "reject")
    )
    assert engine.state.status == "running"
    assert engine.state.row().waits == ("a",)


def test_attempts_are_used_up_before_a_person_is_asked() -> None:
    engine = suspended(retry={"max_attempts": 2})
    assert engine.state.node("a").opened is None
    engine.fire("a")
    engine.fail("a", BOOM)
    assert engine.state.node("a").opened is not None


def test_retry_runs_the_next_attempt() -> None:
    engine = suspended()
    decision = engine.tell(RetryNode("a", by="ann"))
    assert [(s.node_id, s.attempt) for s in decision.starts] == [("a", 2)]
    assert decision.reply == Answered("s", "a", engine.state.seq)
    resumed = decision.records[0].data
    assert isinstance(resumed, NodeResumed)
    assert (resumed.review_action, resumed.reviewer, resumed.input) == ("retry", "ann", UNSET)
    assert (engine.state.node("a").error, engine.state.node("a").opened) == (None, None)
    assert input_of(engine, "a") == {"n": 1}
    engine.complete("a")
    engine.complete("b")
    assert engine.state.status == "completed"


def test_an_attempt_that_fails_again_asks_again() -> None:
    engine = suspended()
    engine.tell(RetryNode("a"))
    engine.fail("a", Failure("bang", "again"))
    node = engine.state.node("a")
    assert (node.status, node.attempt, node.error) == ("suspended", 2, Failure("bang", "again"))


def test_the_input_of_a_retry_is_seen_by_this_node_only_and_by_its_later_attempts() -> None:
    engine = suspended()
    engine.tell(RetryNode("a", Raw(b'{"n":2}')))
    assert (input_of(engine, "a"), input_of(engine, "b")) == ({"n": 2}, {"n": 1})
    engine.fail("a", BOOM)
    engine.tell(RetryNode("a"))
    assert input_of(engine, "a") == {"n": 2}
    engine.fail("a", BOOM)
    engine.tell(RetryNode("a", Raw(b"null")))
    assert input_of(engine, "a") is None, "null is an input too"
    engine.complete("a")
    assert engine.state.node("a").input is UNSET


def test_a_retry_while_paused_is_recorded_and_runs_at_the_resume() -> None:
    engine = suspended()
    engine.tell(Pause())
    assert engine.tell(RetryNode("a", Raw(b"3"))).starts == []
    assert engine.state.node("a").status == "suspended"
    assert engine.tell(Resume()).starts == []
    ((_, command),) = timers(engine.state)
    assert [(s.node_id, s.attempt) for s in engine.tell(command).starts] == [("a", 2)]  # type: ignore[arg-type]
    assert input_of(engine, "a") == 3


def test_a_retry_may_come_before_its_timer() -> None:
    engine = suspended(retry={"max_attempts": 5, "initial_s": 60})
    assert [s.attempt for s in engine.tell(RetryNode("a")).starts] == [2]
    assert list(timers(engine.state)) == []


@pytest.mark.parametrize("command", [SkipNode("a", Raw(b"7"), "ann"), AnswerWait("a", "resume", Raw(b"7"), "ann")])
def test_an_output_may_be_put_in_its_place(command: Any) -> None:
    engine = suspended()
    decision = engine.tell(command)
    node = engine.state.node("a")
    assert (node.status, node.error, node.output) == ("completed", None, Raw(b"7"))
    assert [s.node_id for s in decision.starts] == ["b"]
    assert decision.records[0].data.reviewer == "ann"


def test_skipping_without_an_output_goes_on_with_null() -> None:
    engine = suspended()
    engine.tell(SkipNode("a"))
    assert engine.state.node("a").output == Raw(b"null")
    assert [s.node_id for s in engine.waiting] == ["b"]


def test_giving_up_fails_the_node_with_the_error_it_had() -> None:
    engine = suspended()
    engine.tell(AnswerWait("a", "reject", by="ann"))
    assert engine.state.node("a").error == Failure("boom", "it broke", by="ann")
    assert engine.state.status == "failed"
    assert engine.state.error == Failure("boom", "it broke", node_id="a", by="ann")
    assert engine.events().count("error") == 1


@pytest.mark.parametrize("action", ["approve", "modify"])
def test_a_failure_cannot_be_approved(action: str) -> None:
    engine = suspended()
    with pytest.raises(InvalidInput, match="offered: retry, skip, reject"):
        engine.tell(AnswerWait("a", action, Raw(b"1")))


@pytest.mark.parametrize("command", [RetryNode, SkipNode])
def test_only_what_failed_and_is_suspended_can_be_mended(command: Any) -> None:
    review = {"type": "human_review", "properties": {"prompt": "?"}}
    tolerant = {"type": "step", "next_ids": ["c"], "on_error": "continue"}
    engine = Engine(graph({"a": tolerant, "c": [], "r": review, "s": ["a", "r"]}, start="s"))
    engine.create()
    engine.complete("s")
    with pytest.raises(NotFound):
        engine.tell(command("x"))
    for node_id in ("a", "c", "r", "s"):
        with pytest.raises(NotWaiting):
            engine.tell(command(node_id))
    engine.fail("a", BOOM)
    with pytest.raises(NotWaiting, match="'a' is failed"):
        engine.tell(command("a"))
    engine.tell(Stop())
    with pytest.raises(NotWaiting):
        engine.tell(command("r"))


def test_a_rejected_review_may_be_asked_again() -> None:
    review = {"type": "human_review", "properties": {"prompt": "ok?"}, "on_error": "suspend"}
    engine = Engine(graph({"r": review}))
    engine.create()
    engine.tell(AnswerWait("r", "reject"))
    assert engine.state.node("r").error == Failure("rejected", "rejected by the reviewer")
    engine.tell(RetryNode("r"))
    node = engine.state.node("r")
    assert (node.status, node.attempt, node.error) == ("suspended", 2, None)
    engine.tell(AnswerWait("r", "approve"))
    assert engine.state.status == "completed"


def test_a_loop_that_failed_is_left_when_skipped() -> None:
    loop = {
        "type": "loop",
        "next_ids": ["a", "e"],
        "properties": {"max_rounds": 5, "until": "nodes.a.output.missing"},
        "on_error": "suspend",
    }
    engine = Engine(graph({"s": ["a"], "a": ["l"], "l": loop, "e": []}))
    engine.create()
    engine.complete("s")
    engine.complete("a", {})
    assert engine.state.node("l").status == "suspended"
    engine.tell(SkipNode("l"))
    assert [s.node_id for s in engine.waiting] == ["e"]
    assert engine.state.node("a").round == 1


def test_an_expression_that_failed_sees_the_new_input() -> None:
    end = {"type": "end", "properties": {"output": {"m": "${input.m}"}}, "on_error": "suspend"}
    engine = Engine(graph({"e": end}))
    engine.create(input=Raw(b"{}"))
    assert engine.state.node("e").status == "suspended"
    engine.tell(RetryNode("e", Raw(b'{"m":1}')))
    assert engine.state.status == "completed"
    assert msgspec.json.decode(engine.state.output) == {"m": 1}  # type: ignore[arg-type]
