"""What a graph can be made of, one row for each node type and policy: where to kill it, and what must come of it."""

from __future__ import annotations

from typing import Any

import msgspec
from support.front_door import Step, pause, resume_session, retry, review, signal, skip

Middle = tuple[str, str | None]
"""An event or a node's status, and the node; `here` means that the node itself, or whom it called, has said so.

A node in a child session is there as `<child's session>/<node>`.
"""


class Row(msgspec.Struct, frozen=True):
    """A session that is killed in its middle.

    Attributes:
        name: the session's id.
        nodes: what stands between the node `before`, which has completed, and the node `after`.
        output: the session's, an expression by way of an `end`; None where it fails.
        comes_to: what that gives.
        middle: what must have happened before the kill.
        interrupted: the nodes that were at work then.
        first: done in the middle, before the kill.
        then: done after the restart, each for its node.
        attempts: of nodes that have other than 1, or 2 if they were interrupted.
        fails: the code with which the session fails.
        brief: its time runs already, so it is started last.
        again: `<session>/<node>` of nodes in child sessions that were cut short.
    """

    name: str
    nodes: dict[str, Any]
    middle: tuple[Middle, ...]
    interrupted: tuple[str, ...] = ()
    output: Any = None
    comes_to: Any = None
    first: Step | None = None
    then: tuple[tuple[str, Step], ...] = ()
    attempts: dict[str, int] = {}
    fails: str | None = None
    deadline_s: float | None = None
    brief: bool = False
    again: tuple[str, ...] = ()

    def graph(self) -> dict[str, Any]:
        """The whole: what has no successor leads to `after`."""
        inner = {node_id: {**spec, "next_ids": spec.get("next_ids", ["after"])} for node_id, spec in self.nodes.items()}
        nodes = {
            "before": {"type": "mark", "next_ids": [next(iter(inner))]},
            **inner,
            "after": {"type": "mark", "next_ids": ["done"]},
            "done": {"type": "end", "properties": {"output": self.output}},
        }
        return {"workflow_id": "row", "start_node_id": "before", "nodes": nodes}


def held(**properties: Any) -> dict[str, Any]:
    return {"type": "held", "properties": properties}


def mark(value: Any = None) -> dict[str, Any]:
    return {"type": "mark", "properties": {"value": value}}


FAN = {"type": "parallel"}
REVIEW = {"type": "human_review", "properties": {"prompt": "?"}}
SIGNAL = {"type": "signal", "properties": {"name": "go"}}
ATTEMPT = "${nodes.x.output.attempt}"
IN_X: tuple[Middle, ...] = (("here", "x"),)
SICK = {"type": "second_time", "on_error": "suspend"}
ASKED: tuple[Middle, ...] = (("human_interaction_required", "x"),)

CHILD = {
    "workflow_id": "child",
    "start_node_id": "c",
    "nodes": {"c": held(attempts='${input == "quick" ? 0 : 1}', value="${input}")},
}
"""Stored on the server, for rows with child sessions; it is held unless its input is `quick`."""

TYPES = (
    Row(
        "agent",
        {
            "x": {
                "type": "agent",
                "properties": {
                    "demo": {
                        "tokens": "${nodes.x.attempt == 1 ? 100000 : 3}",
                        "interval_s": "${nodes.x.attempt == 1 ? 0.05 : 0}",
                    }
                },
            }
        },
        (("token_stream", "x"),),
        ("x",),
        "${size(nodes.x.output.text) < 100}",
        True,
    ),
    Row(
        "tool",
        {
            "x": {
                "type": "tool",
                "properties": {"tool": "block", "arguments": {"key": "tool/x/1", "attempt": "${nodes.x.attempt}"}},
            }
        },
        IN_X,
        ("x",),
        ATTEMPT,
        2,
    ),
    Row(
        "http",
        {"x": {"type": "http", "properties": {"method": "POST", "url": "${input.url}"}}},
        IN_X,
        ("x",),
        "${nodes.x.output.body}",
        {"key": "http/x/1", "calls": 2},
    ),
    Row(
        "parallel",
        {"fan": {**FAN, "next_ids": ["x", "y"]}, "x": held(value=1), "y": held(value=2)},
        (*IN_X, ("here", "y")),
        ("x", "y"),
        "${[nodes.x.output, nodes.y.output]}",
        [1, 2],
    ),
    Row(
        "switch",
        {
            "way": {
                "type": "switch",
                "next_ids": ["y", "x"],
                "properties": {"cases": [{"when": "nodes.x.attempt > 0", "to": "y"}], "default": "x"},
            },
            "x": held(),
            "y": mark(),
        },
        IN_X,
        ("x",),
        "${[nodes.way.output.to, nodes.y.status]}",
        ["x", "skipped"],
    ),
    Row(
        "loop",
        {
            "x": {**held(round=2, value="${round}"), "next_ids": ["again"]},
            "again": {"type": "loop", "next_ids": ["x", "after"], "properties": {"max_rounds": 3}},
        },
        IN_X,
        ("x",),
        "${[nodes.again.output.rounds, nodes.x.output]}",
        [3, 3],
        attempts={"x": 1},
    ),
    Row(
        "vote",
        {
            "fan": {**FAN, "next_ids": ["x", "y", "z"]},
            "x": {**held(value=True), "next_ids": ["tally"]},
            "y": {**mark(True), "next_ids": ["tally"]},
            "z": {**mark(False), "next_ids": ["tally"]},
            "tally": {"type": "vote", "properties": {"ballots": "[nodes.x, nodes.y, nodes.z].map(n, n.output)"}},
        },
        (*IN_X, ("completed", "y"), ("completed", "z")),
        ("x",),
        "${nodes.tally.output.counts}",
        {"approve": 2, "reject": 1},
    ),
    Row(
        "human_review",
        {"x": REVIEW},
        ASKED,
        output="${nodes.x.output.data}",
        comes_to={"n": 1},
        then=(("x", review("modify", {"n": 1})),),
    ),
    Row(
        "signal",
        {"x": SIGNAL},
        (("signal_awaited", "x"),),
        output="${nodes.x.output}",
        comes_to=5,
        then=(("x", signal("go", 5)),),
    ),
    Row(
        "signal-early",
        {"x": {**held(), "next_ids": ["y"]}, "y": SIGNAL},
        IN_X,
        ("x",),
        "${nodes.y.output}",
        7,
        first=signal("go", 7),
    ),
    Row(
        "delay",
        {"x": {"type": "delay", "properties": {"seconds": 1.5}}},
        (("timer:set", "x"),),
        output="${nodes.x.output.ended_by}",
        comes_to="timer",
        brief=True,
    ),
    Row(
        "map",
        {"x": {"type": "map", "properties": {"items": ["quick", "held"], "workflow": "child"}}},
        (("child:ended", "x"), ("here", "map~x~1/c")),
        ("x",),
        "${nodes.x.output}",
        ["quick", "held"],
        again=("map~x~1/c",),
    ),
    Row(
        "subworkflow",
        {"x": {"type": "subworkflow", "properties": {"workflow_id": "child", "input": "held"}}},
        (("here", "subworkflow~x~0/c"),),
        ("x",),
        "${nodes.x.output}",
        "held",
        again=("subworkflow~x~0/c",),
    ),
    Row("own-on-the-loop", {"x": held(value={"attempt": 2})}, IN_X, ("x",), ATTEMPT, 2),
    Row("own-on-a-thread", {"x": {"type": "blocking"}}, IN_X, ("x",), ATTEMPT, 2),
    Row("own-in-a-process", {"x": {"type": "crunching"}}, IN_X, ("x",), ATTEMPT, 2),
)
"""One for each node type."""

POLICIES = (
    Row(
        "retry",
        {"x": {"type": "second_time", "retry": {"initial_s": 1.5, "jitter": 0}}},
        (("timer:set", "x"),),
        output=ATTEMPT,
        comes_to=2,
        attempts={"x": 2},
        brief=True,
    ),
    Row(
        "retry-counts-what-was-cut-short",
        {"x": {**held(fail=True), "retry": {"max_attempts": 2, "initial_s": 0}}},
        IN_X,
        ("x",),
        fails="unlucky",
    ),
    Row(
        "timeout",
        {"x": {**held(attempts=9), "timeout_s": 1.5, "on_error": "continue"}},
        IN_X,
        ("x",),
        "${nodes.x.error.code}",
        "timeout",
        brief=True,
    ),
    Row(
        "suspend-then-retry",
        {"x": SICK},
        ASKED,
        output=ATTEMPT,
        comes_to=2,
        then=(("x", retry()),),
        attempts={"x": 2},
    ),
    Row(
        "suspend-then-skip",
        {"x": SICK},
        ASKED,
        output="${nodes.x.output}",
        comes_to="instead",
        then=(("x", skip("instead")),),
    ),
    Row(
        "continue",
        {"y": {"type": "second_time", "on_error": "continue", "next_ids": ["x"]}, "x": held()},
        IN_X,
        ("x",),
        "${nodes.y.error.code}",
        "not_yet",
    ),
    Row("deadline", {"x": held(attempts=9)}, IN_X, ("x",), fails="deadline", deadline_s=1.5, brief=True),
    Row(
        "join-any",
        {
            "fan": {**FAN, "next_ids": ["x", "y"]},
            "x": {**held(), "next_ids": ["first"]},
            "y": {**mark(), "next_ids": ["first"]},
            "first": {**mark("once"), "join": "any"},
        },
        (*IN_X, ("completed", "done")),
        ("x",),
        "${nodes.first.output}",
        "once",
    ),
    Row(
        "join-at-least",
        {
            "fan": {**FAN, "next_ids": ["x", "y", "z"]},
            "x": {**held(value="x"), "next_ids": ["two"]},
            "y": {**held(value="y"), "next_ids": ["two"]},
            "z": {**mark("z"), "next_ids": ["two"]},
            "two": {**mark("once"), "join": {"at_least": 2}},
        },
        (*IN_X, ("here", "y"), ("completed", "z")),
        ("x", "y"),
        "${nodes.two.output}",
        "once",
    ),
    Row(
        "paused",
        {"x": held(value="resumed")},
        IN_X,
        ("x",),
        "${nodes.x.output}",
        "resumed",
        first=pause(),
        then=(("x", resume_session()),),
    ),
)
"""One for each way of a policy."""

ROWS = {row.name: row for row in (*TYPES, *POLICIES)}
