"""What a node type gives the engine is looked at before it is stored."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import Engine, graph, registry

from sessiond.actors.core.events import (
    ExecutionCompleted,
    Fact,
    HumanInteractionRequired,
    NodeStateChange,
    Progress,
    TimerSet,
)
from sessiond.actors.core.node import InlineType, NodeType, Outcome, View, WaitingType


def engine(given: Any) -> Engine:
    class Odd(InlineType):
        name = "odd"

        def decide(self, view: View) -> Outcome:
            found: Outcome = given
            return found

    return running(Odd())


def running(odd: NodeType) -> Engine:
    """A session of a node of that type, and a step behind it."""
    types = registry()
    types.add(odd)
    return Engine(graph({"o": {"type": odd.name, "next_ids": ["e"]}, "e": []}), types=types.types)


@pytest.mark.parametrize(
    "given",
    [
        None,
        {"output": 1},
        Outcome(1, taken=("nowhere",)),
        Outcome(1, facts=({"event": "progress"},)),  # type: ignore[arg-type]
        Outcome(1, facts=(Progress(fraction="half"),)),  # type: ignore[arg-type]
        Outcome(1, facts=(ExecutionCompleted("completed"),)),
        Outcome(1, facts=(NodeStateChange("completed", 1, 1),)),
    ],
)
def test_what_is_none_is_a_bug_that_is_met_before_anything_is_stored(given: Any) -> None:
    odd = engine(given)
    with pytest.raises((TypeError, ValueError)):
        odd.create(start=True)
    assert odd.records == []


def test_a_sound_one_counts() -> None:
    odd = engine(Outcome(1, taken=("e",), facts=(Progress(fraction=0.5),)))
    odd.create(start=True)
    assert "progress" in odd.events()
    assert odd.statuses() == {"o": "completed", "e": "running"}


@pytest.mark.parametrize("opened", [None, HumanInteractionRequired("?", prompt=3, actions=())])  # type: ignore[arg-type]
def test_so_is_what_a_wait_is_opened_with(opened: Any) -> None:
    class Odd(WaitingType):
        name = "odd"

        def open(self, view: View) -> Fact:
            found: Fact = opened
            return found

    odd = running(Odd())
    with pytest.raises((TypeError, ValueError)):
        odd.create(start=True)
    assert odd.records == []


def test_a_number_that_json_has_no_word_for_is_none() -> None:
    class Odd(WaitingType):
        name = "odd"

        def open(self, view: View) -> Fact:
            return TimerSet(float("inf"))

    odd = running(Odd())
    with pytest.raises(ValueError, match="float"):
        odd.create(start=True)
    assert odd.records == []
