"""The whole API as one table; a stream at a path of the table is chosen by what the request asks for."""

from __future__ import annotations

from typing import Any, Final

from ..actors.detail import SessionDetail
from ..actors.messages import Receipt
from . import events, health, sessions, workflows
from .call import Route
from .wire import (
    Command,
    CreateSession,
    EventPage,
    EventQuery,
    Execute,
    ForkSession,
    Graph,
    Health,
    NodeTypeList,
    Resumed,
    ResumeNode,
    RetryInput,
    Review,
    ReviewList,
    ReviewQuery,
    SessionList,
    SessionQuery,
    Signal,
    SignalSent,
    SkipOutput,
    Started,
    VersionQuery,
    WorkflowList,
    WorkflowVersion,
)

API: Final = "/api/v1"
SESSION: Final = f"{API}/sessions/{{session_id}}"
WORKFLOW: Final = f"{API}/workflows/{{workflow_id}}"
EVENTS: Final = f"{SESSION}/events"
"""Also a WebSocket (`Upgrade: websocket`) and an SSE stream (`Accept: text/event-stream`)."""

ROUTES: Final[tuple[Route, ...]] = (
    Route("POST", f"{API}/workflows/execute", sessions.execute, body=Execute, answer=Started, status=202),
    Route("POST", f"{API}/workflows/validate", workflows.validate, body=Graph, answer=WorkflowVersion),
    Route("GET", f"{API}/workflows", workflows.listed, answer=WorkflowList),
    Route("PUT", WORKFLOW, workflows.put, body=Graph, answer=WorkflowVersion),
    Route("GET", WORKFLOW, workflows.get, query=VersionQuery, answer=dict[str, Any]),
    Route("DELETE", WORKFLOW, workflows.delete, status=204),
    Route("POST", f"{API}/sessions", sessions.create, body=CreateSession, answer=SessionDetail, status=201),
    Route("GET", f"{API}/sessions", sessions.rows, query=SessionQuery, answer=SessionList),
    Route("GET", SESSION, sessions.detail, answer=SessionDetail),
    Route("DELETE", SESSION, sessions.delete, status=204),
    Route("GET", f"{SESSION}/workflow", sessions.workflow, answer=dict[str, Any]),
    Route("POST", f"{SESSION}/control", sessions.control, body=Command, answer=Receipt),
    Route("POST", f"{SESSION}/review", sessions.review, body=Review, answer=Resumed),
    Route("POST", f"{SESSION}/nodes/{{node_id}}/resume", sessions.resume_node, body=ResumeNode, answer=Resumed),
    Route("POST", f"{SESSION}/nodes/{{node_id}}/retry", sessions.retry_node, body=RetryInput, answer=Resumed),
    Route("POST", f"{SESSION}/nodes/{{node_id}}/skip", sessions.skip_node, body=SkipOutput, answer=Resumed),
    Route("POST", f"{SESSION}/signal", sessions.signal, body=Signal, answer=SignalSent),
    Route("POST", f"{SESSION}/fork", sessions.fork, body=ForkSession, answer=SessionDetail, status=201),
    Route("GET", EVENTS, events.page, query=EventQuery, answer=EventPage),
    Route("GET", f"{API}/reviews", sessions.reviews, query=ReviewQuery, answer=ReviewList),
    Route("GET", f"{API}/node-types", workflows.node_types, answer=NodeTypeList),
    Route("GET", "/livez", health.live, answer=Health),
    Route("GET", "/readyz", health.ready, answer=Health),
)
