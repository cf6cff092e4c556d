"""One example of each request and of the main answers, typed: shown in the API's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Raw

from ..actors.core.detail import NodeDetail, SessionDetail
from ..actors.core.messages import Receipt
from .problems import Problem
from .requests import (
    Command,
    CreateSession,
    Execute,
    ForkSession,
    Graph,
    ResumeNode,
    RetryInput,
    Review,
    Signal,
    SkipOutput,
    TicketRequest,
)
from .responses import EventPage, Health, Resumed, ReviewItem, ReviewList, SignalSent, Started, WorkflowVersion

_TIME: Final = "2026-01-31T12:00:00.000000Z"
_ID: Final = "5f6e1c9a-0b1d-4a53-9c41-6f1f0f5a8d11"

GRAPH: Final[dict[str, Any]] = {
    "workflow_id": "draft",
    "start_node_id": "write",
    "nodes": {
        "write": {
            "type": "agent",
            "properties": {
                "provider": "demo",
                "model": "demo",
                "prompt": "A paragraph on ${ input.topic }",
                "demo": {"tokens": 20, "interval_s": 0},
            },
            "next_ids": ["check"],
        },
        "check": {"type": "human_review", "properties": {"prompt": "Good enough?"}, "next_ids": ["end"]},
        "end": {"type": "end", "properties": {"output": {"text": "${ nodes.write.output.text }"}}},
    },
}

SAMPLES: Final[Mapping[Any, Any]] = {
    Graph: GRAPH,
    Execute: Execute(graph=GRAPH, input={"topic": "rain"}, labels={"team": "weather"}),
    CreateSession: CreateSession(workflow_id="draft", input={"topic": "rain"}),
    ForkSession: ForkSession(from_node="check", input={"topic": "snow"}),
    Command: Command("pause", "lunch"),
    Review: Review("check", "approve", {"stars": 5}),
    ResumeNode: ResumeNode({"text": "It rains."}),
    RetryInput: RetryInput({"topic": "snow"}),
    SkipOutput: SkipOutput({"text": ""}),
    Signal: Signal({"paid": True}, "payment"),
    TicketRequest: TicketRequest(_ID),
    Started: Started(_ID, "started", 3),
    Receipt: Receipt(_ID, "pause", "paused", True, 9, ("write",)),
    Resumed: Resumed(12),
    SignalSent: SignalSent(7),
    WorkflowVersion: WorkflowVersion("draft", "3a7bd3e2360a3d29"),
    Health: Health(),
    EventPage: EventPage(
        [
            Raw(
                b'{"seq":9,"session_id":"%b","event":"execution:paused","timestamp":"%b",'
                b'"data":{"reason":"lunch","by":null,"in_flight":["write"]}}' % (_ID.encode(), _TIME.encode())
            )
        ],
        9,
    ),
    ReviewList: ReviewList(
        [
            ReviewItem(
                _ID,
                "check",
                "draft",
                "running",
                "node 'check' needs a review",
                "Good enough?",
                ("approve", "reject", "modify"),
            )
        ],
        None,
    ),
    SessionDetail: SessionDetail(
        session_id=_ID,
        workflow_id="draft",
        workflow_version="3a7bd3e2360a3d29",
        status="running",
        in_flight=("write",),
        quiesced=False,
        input=Raw(b'{"topic":"rain"}'),
        output=Raw(b"null"),
        error=None,
        nodes={
            "write": NodeDetail("running", 1, 1, _TIME, None),
            "check": NodeDetail("pending", 0, 1, None, None),
            "end": NodeDetail("pending", 0, 1, None, None),
        },
        labels={"team": "weather"},
        context=Raw(b"{}"),
        parent_id=None,
        seq=4,
        created_at=_TIME,
        started_at=_TIME,
        ended_at=None,
        updated_at=_TIME,
    ),
    Problem: Problem(
        type="urn:sessiond:problem:refused",
        title="Conflict",
        status=409,
        detail="a pending session can't be resumed; allowed: start, cancel",
        code="refused",
        session_id=_ID,
        session_status="pending",
        allowed=("start", "cancel"),
    ),
}
"""By type. Every body has one."""
