"""The whole API as one table, by the role a call takes; a stream at a path is chosen by what the request asks for."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ..actors.detail import SessionDetail
from ..actors.messages import Receipt
from . import events, health, sessions, ticket_desk, workflows
from .call import Route
from .principal import Role
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
    TicketIssued,
    TicketRequest,
    VersionQuery,
    WorkflowList,
    WorkflowVersion,
)

API: Final = "/api/v1"
SESSION: Final = f"{API}/sessions/{{session_id}}"
WORKFLOW: Final = f"{API}/workflows/{{workflow_id}}"
EVENTS: Final = f"{SESSION}/events"
"""Also a WebSocket (`Upgrade: websocket`) and an SSE stream (`Accept: text/event-stream`)."""


def _needs(role: Role | None, *routes: Route) -> tuple[Route, ...]:
    """Return routes that take a role, or none."""
    return tuple(msgspec.structs.replace(route, needs=role) for route in routes)


ROUTES: Final[tuple[Route, ...]] = (
    # a path stands before those that have a placeholder in its place
    *_needs(
        "operator",  # an inline graph takes an author: see `sessions`
        Route("POST", f"{API}/workflows/execute", sessions.execute, body=Execute, answer=Started, status=202),
        Route("POST", f"{API}/sessions", sessions.create, body=CreateSession, answer=SessionDetail, status=201),
        Route("POST", f"{SESSION}/control", sessions.control, body=Command, answer=Receipt),
        Route("POST", f"{SESSION}/review", sessions.review, body=Review, answer=Resumed),
        Route("POST", f"{SESSION}/nodes/{{node_id}}/resume", sessions.resume_node, body=ResumeNode, answer=Resumed),
        Route("POST", f"{SESSION}/nodes/{{node_id}}/retry", sessions.retry_node, body=RetryInput, answer=Resumed),
        Route("POST", f"{SESSION}/nodes/{{node_id}}/skip", sessions.skip_node, body=SkipOutput, answer=Resumed),
        Route("POST", f"{SESSION}/signal", sessions.signal, body=Signal, answer=SignalSent),
        Route("POST", f"{SESSION}/fork", sessions.fork, body=ForkSession, answer=SessionDetail, status=201),
    ),
    *_needs(
        "author",
        Route("POST", f"{API}/workflows/validate", workflows.validate, body=Graph, answer=WorkflowVersion),
        Route("PUT", WORKFLOW, workflows.put, body=Graph, answer=WorkflowVersion),
        Route("DELETE", WORKFLOW, workflows.delete, status=204),
    ),
    *_needs(
        "admin",
        Route("DELETE", SESSION, sessions.delete, status=204),
    ),
    *_needs(
        "viewer",
        Route("GET", f"{API}/sessions", sessions.rows, query=SessionQuery, answer=SessionList),
        Route("GET", SESSION, sessions.detail, answer=SessionDetail),
        Route("GET", f"{SESSION}/workflow", sessions.workflow, answer=dict[str, Any]),
        Route("GET", EVENTS, events.page, query=EventQuery, answer=EventPage),
        Route("GET", f"{API}/reviews", sessions.reviews, query=ReviewQuery, answer=ReviewList),
        Route("GET", f"{API}/workflows", workflows.listed, answer=WorkflowList),
        Route("GET", WORKFLOW, workflows.get, query=VersionQuery, answer=dict[str, Any]),
        Route("GET", f"{API}/node-types", workflows.node_types, answer=NodeTypeList),
        Route("POST", f"{API}/tickets", ticket_desk.issue, body=TicketRequest, answer=TicketIssued, status=201),
    ),
    *_needs(
        None,
        Route("GET", "/livez", health.live, answer=Health),
        Route("GET", "/readyz", health.ready, answer=Health),
    ),
)
