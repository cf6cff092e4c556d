"""Spans of time in properties are finite, whatever an expression comes to."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import Engine, graph

from sessiond.actors.core.events import pack, unpack
from sessiond.actors.core.segment import Segment

ENDLESS = "${ 1.0 / 0.0 }"


@pytest.mark.parametrize(
    "node",
    [
        {"type": "delay", "properties": {"seconds": ENDLESS}},
        {"type": "human_review", "properties": {"prompt": "?", "timeout_s": ENDLESS}},
        {"type": "signal", "properties": {"name": "go", "timeout_s": ENDLESS}},
    ],
)
def test_a_wait_without_end_fails_its_node_and_the_log_can_be_read(node: dict[str, Any]) -> None:
    engine = Engine(graph({"w": node}))
    engine.create(start=True)
    assert engine.state.error is not None
    assert engine.state.error.code == "properties"
    segment = Segment(1, len(engine.records), pack(engine.records))
    assert [record.seq for record in unpack(segment)] == [record.seq for record in engine.records]


def test_the_longest_of_all_finite_waits_is_one() -> None:
    engine = Engine(graph({"w": {"type": "delay", "properties": {"seconds": 1e308}}}))
    engine.create(start=True)
    assert engine.statuses() == {"w": "suspended"}
