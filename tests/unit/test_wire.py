"""Requests as structs: every fault is told, each with its path."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sessiond.actors.core.errors import Fault, InvalidInput, InvalidWorkflow
from sessiond.gateway.requests import (
    Command,
    CreateSession,
    EventQuery,
    Execute,
    Graph,
    ResumeNode,
    Review,
    SessionQuery,
)
from sessiond.gateway.wire import below, decode, decode_query


def faults(body: Any, kind: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as invalid:
        decode(msgspec.json.encode(body), kind)
    return {fault.path: fault.message for fault in invalid.value.faults}


def test_execute_starts_unless_told_not_to_and_create_the_other_way_round() -> None:
    assert decode(b'{"graph":{}}', Execute).start
    assert not decode(b'{"workflow_id":"w"}', CreateSession).start


def test_every_fault_is_told_with_its_path() -> None:
    body = {"graph": 1, "labels": {"a": 2}, "deadline_s": 0, "starts": True, "context": []}
    found = faults(body, Execute)
    assert set(found) == {"$.graph", "$.labels[...]", "$.deadline_s", "$.starts", "$.context"}
    assert found["$.starts"].startswith("unknown field; known: graph, workflow_id")


@pytest.mark.parametrize("body", [{}, {"graph": {}, "workflow_id": "w"}, {"graph": None}])
def test_a_session_runs_either_a_graph_or_a_stored_workflow(body: Any) -> None:
    assert faults(body, Execute) == {"$": "should have either `graph` or `workflow_id`"}


def test_the_outermost_value_has_to_be_an_object() -> None:
    assert faults([1], Command) == {"$": "expected `object`, got `array`"}


def test_missing_fields_are_named() -> None:
    assert faults({}, Review) == {"$.node_id": "is missing", "$.action": "is missing"}
    assert faults({}, ResumeNode) == {"$.output": "is missing"}
    assert decode(b'{"output":null}', ResumeNode).output is None


def test_unknown_actions_are_refused() -> None:
    assert set(faults({"action": "explode"}, Command)) == {"$.action"}


def test_a_graph_is_passed_on_as_it_is() -> None:
    assert decode(b'{"nodes":[1]}', Graph) == {"nodes": [1]}
    assert decode(b"[]", Graph) == []


def test_a_query_is_text_and_still_typed() -> None:
    query = decode_query({"limit": [b"7"], "status": [b"paused"]}, SessionQuery)
    assert (query.limit, query.status) == (7, "paused")
    assert decode_query({"after": [b"3"], "close": [b"1"]}, EventQuery) == EventQuery(after=3, close=1)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"limit": [b"0"]}, "$.limit"),
        ({"limit": [b"1", b"2"]}, "$.limit"),
        ({"statsu": [b"paused"]}, "$.statsu"),
        ({"status": [b"\xff"]}, "$.status"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(given: dict[str, list[bytes]], path: str) -> None:
    with pytest.raises(InvalidInput) as invalid:
        decode_query(given, SessionQuery)
    assert [fault.path for fault in invalid.value.faults] == [path]


def test_faults_of_a_graph_move_below_its_place_in_the_request() -> None:
    error = InvalidWorkflow([Fault("$.nodes.a", "bad"), Fault("$", "worse")])
    assert [fault.path for fault in below(error, "$.graph").faults] == ["$.graph.nodes.a", "$.graph"]
