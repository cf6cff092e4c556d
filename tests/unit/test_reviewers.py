"""Who may answer for a node that waits, on the pure engine: by whatever way an answer comes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from support.graphs import Engine, faults_of, graph

from sessiond.actors.core.errors import NotReviewer, NotWaiting
from sessiond.actors.core.events import Failure, HumanInteractionRequired, pack, unpack
from sessiond.actors.core.messages import (
    AnswerWait,
    AnyCommand,
    Create,
    Once,
    Pause,
    RetryNode,
    SignalSession,
    SkipNode,
    Start,
)
from sessiond.actors.core.scope import NodeScope
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.snapshot import freeze, thaw
from sessiond.actors.core.state import SessionState, fold

FOUND = Raw(b'"checked"')


def asking(*, routed: bool = True, start: dict[str, Any] | None = None, spec: Any = None, **properties: Any) -> Engine:
    """A session that waits at `r`; with `routed`, a rejection is an answer like any other."""
    after = {"type": "switch", "next_ids": ["e"], "properties": {"cases": [], "default": "e"}} if routed else []
    review = {
        "type": "human_review",
        "next_ids": ["n"],
        "properties": {"prompt": "Good?", **properties},
        **(spec or {}),
    }
    engine = Engine(graph({"r": review, "n": after, **({"e": []} if routed else {})}))
    engine.create(**(start or {}))
    return engine


def asked(engine: Engine) -> HumanInteractionRequired:
    opened = engine.state.node("r").opened
    assert opened is not None
    return opened


def refused(engine: Engine, command: AnyCommand, match: str | None = None) -> None:
    """It is told who may not, and nothing whatever happens."""
    before = msgspec.json.encode(engine.state), len(engine.records)
    with pytest.raises(NotReviewer, match=match):
        engine.tell(command)
    assert (msgspec.json.encode(engine.state), len(engine.records)) == before


def answers(by: str | None) -> list[AnyCommand]:
    """Whatever closes an open review."""
    plain: list[Any] = [AnswerWait("r", action, FOUND, by) for action in ("approve", "reject", "modify", "resume")]
    return [*plain, *(Once(f"once-{at}", command) for at, command in enumerate(plain))]


ANSWERS = range(len(answers(None)))


@pytest.mark.parametrize("way", ANSWERS)
def test_only_reviewers_may_answer_whatever_the_answer_is(way: int) -> None:
    engine = asking(reviewers=["ann", "bob"])
    assert asked(engine).reviewers == ("ann", "bob")
    refused(engine, answers("eve")[way], "'eve' may not answer for node 'r': its reviewers are 'ann', 'bob'")
    engine.tell(answers("bob")[way])
    assert engine.state.node("r").status == "completed"


@pytest.mark.parametrize("way", ANSWERS)
def test_who_says_no_name_is_trusted(way: int) -> None:
    engine = asking(reviewers=["ann"], four_eyes=True, start={"by": "ann"})
    engine.tell(answers(None)[way])
    assert engine.state.node("r").status == "completed"


def test_names_may_come_of_expressions_and_are_in_the_log_as_they_were_then() -> None:
    given = {"input": Raw(b'{"lead":"ann","team":["bob","cleo"]}')}
    assert asked(asking(reviewers="${ input.team }", start=given)).reviewers == ("bob", "cleo")
    assert asked(asking(reviewers=["${ input.lead }", "dan"], start=given)).reviewers == ("ann", "dan")


@pytest.mark.parametrize(
    ("value", "at"), [([], "reviewers"), ([""], "reviewers[0]"), ("ann", "reviewers"), ([1], "reviewers[0]")]
)
def test_a_list_without_a_name_is_a_fault(value: Any, at: str) -> None:
    faults = faults_of(graph({"r": {"type": "human_review", "properties": {"prompt": "?", "reviewers": value}}}))
    assert list(faults) == [f"$.nodes.r.properties.{at}"]


def test_a_list_that_comes_out_empty_fails_the_node() -> None:
    engine = asking(reviewers="${ input }", start={"input": Raw(b"[]")})
    assert engine.state.error is not None
    assert (engine.state.status, engine.state.error.code) == ("failed", "properties")


# ---- four eyes


def test_four_eyes_leave_out_whoever_created_or_started_the_session() -> None:
    engine = asking(four_eyes=True, start={"by": "ann", "start": False})
    engine.tell(Start("bob"))
    assert asked(engine).excluded == ("ann", "bob")
    for name in ("ann", "bob"):
        refused(engine, AnswerWait("r", "approve", by=name), "whoever created or started the session")
    engine.tell(AnswerWait("r", "approve", by="cleo"))
    assert engine.state.node("r").status == "completed"


def test_one_who_is_named_is_left_out_all_the_same() -> None:
    engine = asking(four_eyes=True, reviewers=["ann", "bob"], start={"by": "ann"})
    refused(engine, AnswerWait("r", "approve", by="ann"))
    engine.tell(AnswerWait("r", "approve", by="bob"))


def test_where_nobody_is_known_to_have_begun_it_anybody_may() -> None:
    engine = asking(four_eyes=True)
    assert asked(engine).excluded == ()
    engine.tell(AnswerWait("r", "approve", by="ann"))


def test_a_review_without_either_says_nothing_of_them_in_the_log() -> None:
    engine = asking(start={"by": "ann"})
    data = msgspec.json.decode(msgspec.json.encode(asked(engine)))
    assert set(data) == {"reason", "prompt", "actions"}
    engine.tell(AnswerWait("r", "approve", by="ann"))


def test_a_session_without_a_name_is_recorded_as_before() -> None:
    engine = asking()
    created, started = (msgspec.json.decode(msgspec.json.encode(record.data)) for record in engine.records[:2])
    assert not {"by", "initiators"} & (created.keys() | started.keys())


# ---- other ways to an answer


def test_a_timer_answers_whoever_may() -> None:
    engine = asking(reviewers=["ann"], four_eyes=True, timeout_s=5, on_timeout="approve", start={"by": "ann"})
    engine.fire("r")
    assert engine.state.node("r").status == "completed"


def test_a_signal_never_reaches_a_review() -> None:
    engine = asking(reviewers=["ann"])
    with pytest.raises(NotWaiting):
        engine.tell(SignalSession(node_id="r", by="ann"))
    engine.tell(SignalSession(name="r", by="eve"))
    assert engine.state.node("r").status == "suspended"


def failed(**more: Any) -> Engine:
    """A review of ann's that she rejected: it waits for a decision about that."""
    engine = asking(routed=False, spec={"on_error": "suspend"}, reviewers=["ann", "bob"], four_eyes=True, **more)
    engine.tell(AnswerWait("r", "reject", by="ann"))
    return engine


def remedies(by: str | None) -> list[AnyCommand]:
    """Whatever may be done about a failed node."""
    stand_in = Raw(b'{"action":"approve"}')
    return [
        RetryNode("r", by=by),
        RetryNode("r", Raw(b'{"team":["eve"]}'), by),
        SkipNode("r", stand_in, by),
        AnswerWait("r", "resume", stand_in, by),
        AnswerWait("r", "reject", by=by),
    ]


@pytest.mark.parametrize("way", range(len(remedies(None))))
@pytest.mark.parametrize("who", ["eve", "bob"])
def test_what_is_done_about_a_failed_review_is_for_its_reviewers_too(way: int, who: str) -> None:
    engine = failed(start={"by": "bob"})
    assert (asked(engine).reviewers, asked(engine).excluded) == (("ann", "bob"), ("bob",))
    refused(engine, remedies(who)[way])
    engine.tell(remedies("ann")[way])


def test_a_later_node_gets_no_other_input_behind_their_answer_from_anybody_else() -> None:
    review = {"type": "human_review", "next_ids": ["n"], "properties": {"prompt": "Good?", "reviewers": ["ann"]}}
    engine = Engine(graph({"r": review, "n": {"type": "step", "on_error": "suspend"}}))
    engine.create()
    engine.tell(AnswerWait("r", "approve", by="ann"))
    engine.fail("n", Failure("boom", "it broke"))
    refused(engine, RetryNode("n", Raw(b"2"), "eve"), "may not answer for node 'r'")
    engine.tell(RetryNode("n", by="eve"))
    engine.fail("n", Failure("boom", "it broke"))
    engine.tell(RetryNode("n", Raw(b"2"), "ann"))
    assert engine.state.node("n").status == "running"


def test_they_are_those_who_were_asked_whatever_has_come_since() -> None:
    names = "${ nodes.b.status == 'completed' ? ['eve'] : ['ann'] }"
    review = {"type": "human_review", "on_error": "suspend", "properties": {"prompt": "Good?", "reviewers": names}}
    engine = Engine(graph({"s": ["r", "b"], "r": review, "b": []}))
    engine.create()
    engine.complete("s")
    engine.complete("b")
    refused(engine, AnswerWait("r", "reject", by="eve"))
    engine.tell(AnswerWait("r", "reject", by="ann"))
    assert asked(engine).reviewers == ("ann",)


@pytest.mark.parametrize("way", range(len(remedies(None))))
def test_so_it_is_while_a_retry_waits_for_the_resume(way: int) -> None:
    engine = failed(start={"by": "bob"})
    engine.tell(Pause())
    engine.tell(RetryNode("r", by="ann"))
    assert engine.state.node("r").opened is None
    refused(engine, remedies("bob")[way])
    engine.tell(remedies("ann")[way])


@pytest.mark.parametrize("way", range(len(remedies(None))))
def test_if_its_reviewers_cannot_be_told_nobody_decides_by_name(way: int) -> None:
    engine = asking(routed=False, spec={"on_error": "suspend"}, reviewers="${ input.team }", start={"by": "ann"})
    assert asked(engine).reviewers == ()
    refused(engine, remedies("ann")[way], "not known")
    engine.tell(remedies(None)[way])


@pytest.mark.parametrize("four_eyes", [True, "${ input.strict }"])
def test_four_eyes_hold_though_the_question_could_not_be_asked(four_eyes: Any) -> None:
    engine = Engine(
        graph(
            {
                "r": {
                    "type": "human_review",
                    "on_error": "suspend",
                    "properties": {"prompt": "${ input.none }", "four_eyes": four_eyes},
                }
            }
        )
    )
    engine.create(by="ann")
    assert (asked(engine).reviewers, asked(engine).excluded) == (None, ("ann",))
    refused(engine, SkipNode("r", by="ann"))
    engine.tell(SkipNode("r", by="bob"))


# ---- whose a session is


def test_a_child_session_is_of_those_who_began_its_parent() -> None:
    engine = asking(start={"by": "ann", "start": False})
    engine.tell(Start("bob"))
    create = NodeScope(engine.workflow, engine.state, engine.workflow.nodes["r"]).child("s~r~0", Raw(b"null"))
    child = Engine(graph({"r": {"type": "human_review", "properties": {"prompt": "?", "four_eyes": True}}}))
    child.tell(msgspec.structs.replace(create, session_id="s"))
    assert asked(child).excluded == ("ann", "bob")


def test_who_asks_again_for_a_session_does_not_make_it_theirs() -> None:
    engine = asking(four_eyes=True, start={"by": "ann"})
    engine.create(by="bob")
    assert engine.state.initiators == ("ann",)


@pytest.mark.parametrize(
    ("fields", "digest"),
    [
        ({}, "eb1458b905b81152d6b29f35e880eb22"),
        (
            {"input": Raw(b'{"a":1}'), "labels": {"x": "y"}, "deadline_s": 2.0},
            "56f29b75caadfb4aa305b490c7b08753",
        ),
    ],
)
def test_a_request_is_the_same_whoever_makes_it_and_the_same_as_in_logs_before(
    fields: dict[str, Any], digest: str
) -> None:
    plain = Create(session_id="s1", **fields)
    for create in (plain, msgspec.structs.replace(plain, by="ann", initiators=("bob",))):
        assert create.identified("w", "1").request == digest


def test_it_is_all_in_the_log_and_in_a_snapshot() -> None:
    engine = asking(reviewers=["ann"], four_eyes=True, start={"by": "bob", "initiators": ("cleo", "bob")})
    assert engine.state.initiators == ("cleo", "bob")
    read = unpack(Segment(1, len(engine.records), pack(engine.records)))
    for state in (fold(engine.workflow, SessionState("s"), read), thaw(freeze(engine.state))):
        assert state == engine.state
        assert state.node("r").opened == asked(engine)
