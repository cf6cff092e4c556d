"""`vote`: thresholds, ties, options, and ballots that are none."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from support.graphs import Engine, compiled, graph

from sessiond.actors.core.errors import InvalidWorkflow
from sessiond.actors.core.messages import AnswerWait


def held(ballots: Any, **properties: Any) -> Engine:
    engine = Engine(graph({"v": {"type": "vote", "properties": {"ballots": "input", **properties}}}))
    engine.create(input=Raw(msgspec.json.encode(ballots)))
    return engine


def tally(ballots: Any, **properties: Any) -> Any:
    engine = held(ballots, **properties)
    assert isinstance(engine.state.output, Raw), engine.state.error
    return msgspec.json.decode(engine.state.output)


def test_a_majority_approves() -> None:
    assert tally([True, "approve", False]) == {
        "approved": True,
        "ratio": 2 / 3,
        "counts": {"approve": 2, "reject": 1},
        "winner": "approve",
    }


@pytest.mark.parametrize(
    ("yes", "no", "threshold", "approved"),
    [
        (1, 1, 0.5, False),  # a tie
        (2, 2, 0.5, False),
        (3, 2, 0.5, True),
        (3, 2, 0.6, False),  # the threshold must be exceeded
        (2, 1, 0.6, True),
        (3, 0, 1, True),  # all of them
        (9, 1, 1, False),
        (1, 9, 0, True),
        (0, 1, 0, False),
        (0, 0, 0, False),  # nobody voted
        (0, 0, 1, False),
    ],
)
def test_thresholds_and_ties(yes: int, no: int, threshold: float, approved: bool) -> None:
    assert tally([True] * yes + [False] * no, threshold=threshold)["approved"] is approved


def test_the_first_option_is_the_motion_and_a_tie_has_no_winner() -> None:
    options = ["red", "green", "blue"]
    assert tally(["green", "green", "red"], options=options) == {
        "approved": False,
        "ratio": 1 / 3,
        "counts": {"red": 1, "green": 2, "blue": 0},
        "winner": "green",
    }
    assert tally(["green", "red"], options=options)["winner"] is None
    assert tally([], options=options)["winner"] is None


@pytest.mark.parametrize(
    ("ballots", "code", "message"),
    [
        ({"a": True}, "ballots", "a map, not a list"),
        ("approve", "ballots", "text, not a list"),
        (3, "ballots", "a number, not a list"),
        (None, "ballots", "null, not a list"),
        (["approve", "maybe"], "unknown_option", "ballot 1 is for 'maybe'; the options are approve, reject"),
        ([1], "unknown_option", "ballot 0 is a number"),
        ([None], "unknown_option", "ballot 0 is null"),
    ],
)
def test_ballots_that_are_none_fail_the_node(ballots: Any, code: str, message: str) -> None:
    error = held(ballots).state.error
    assert error is not None
    assert error.code == code
    assert message in error.message


def test_ballots_are_an_expression_over_outputs() -> None:
    ballots = "${ [nodes.a.output.yes, nodes.b.output.yes] }"
    vote = {"type": "vote", "properties": {"ballots": ballots}}
    engine = Engine(graph({"s": ["a", "b"], "a": ["v"], "b": ["v"], "v": vote}))
    engine.create()
    engine.run_out(output={"yes": True})
    assert msgspec.json.decode(engine.state.output)["ratio"] == 1.0  # type: ignore[arg-type]


def test_a_rejection_is_a_ballot() -> None:
    review = {"type": "human_review", "next_ids": ["v"], "properties": {"prompt": "?"}}
    vote = {"type": "vote", "properties": {"ballots": "[nodes.r.output.action]"}}
    engine = Engine(graph({"r": review, "v": vote}))
    engine.create()
    engine.tell(AnswerWait("r", "reject"))
    assert msgspec.json.decode(engine.state.output)["counts"] == {"approve": 0, "reject": 1}  # type: ignore[arg-type]


@given(st.lists(st.booleans()), st.floats(0, 1))
def test_counts_add_up_and_more_approval_never_hurts(ballots: list[bool], threshold: float) -> None:
    found = tally(ballots, threshold=threshold)
    assert sum(found["counts"].values()) == len(ballots)
    assert 0 <= found["ratio"] <= 1
    assert tally([*ballots, True], threshold=threshold)["approved"] or not found["approved"]


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"threshold": 1.5}, ".threshold"),
        ({"options": []}, ".options"),
        ({"options": ["a", "a"]}, ""),
        ({"ballots": "["}, ".ballots"),
        ({"ballots": 3}, ".ballots"),
    ],
)
def test_faults_have_their_paths(properties: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidWorkflow) as invalid:
        compiled(graph({"v": {"type": "vote", "properties": {"ballots": "input", **properties}}}))
    assert [fault.path for fault in invalid.value.faults] == [f"$.nodes.v.properties{path}"]


def test_each_of_many_ballots_is_looked_up_among_many_options_at_once() -> None:
    options = [f"o{number}" for number in range(20_000)]
    began = time.process_time()
    found = tally(options[-1:] * 20_000, options=options)
    assert found["winner"] == "o19999"
    assert time.process_time() - began < 4  # one by one it would be a minute


def test_of_many_options_some_are_named_to_whoever_voted_for_none() -> None:
    engine = held(["x"], options=[f"o{number}" for number in range(20_000)])
    assert engine.state.error is not None
    assert engine.state.error.message.endswith("o18, o19, …")
