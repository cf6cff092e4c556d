"""The whole API as one table, by the role a call takes; a stream at a path is chosen by what the request asks for."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ..actors.core.detail import SessionDetail
from ..actors.core.errors import Conflict, NotFound, NotReviewer, SessiondError, StoreFull, Unavailable
from ..actors.core.messages import Receipt
from . import documents, events, health, me, metrics, sessions, ticket_desk, workflows
from .call import Route
from .principal import Role
from .requests import (
    Command,
    CreateSession,
    EventQuery,
    Execute,
    ForkSession,
    Graph,
    ResumeNode,
    RetryInput,
    Review,
    ReviewQuery,
    SessionQuery,
    Signal,
    SkipOutput,
    TicketRequest,
    VersionQuery,
)
from .responses import (
    EventPage,
    Health,
    Me,
    NodeTypeList,
    Resumed,
    ReviewList,
    SessionCounts,
    SessionList,
    SignalSent,
    Started,
    TicketIssued,
    WorkflowList,
    WorkflowVersion,
)
from .waits import DetailQuery

API: Final = "/api/v1"
SESSION: Final = f"{API}/sessions/{{session_id}}"
NODE: Final = f"{SESSION}/nodes/{{node_id}}"
WORKFLOW: Final = f"{API}/workflows/{{workflow_id}}"
EVENTS: Final = f"{SESSION}/events"
"""Also a WebSocket (`Upgrade: websocket`) and an SSE stream (`Accept: text/event-stream`)."""

SOCKETS: Final = ("/ws", f"{API}/ws")
"""WebSockets for commands and for the events of many sessions."""

READ: Final[tuple[type[SessiondError], ...]] = (Unavailable,)
"""What may keep a look at the store from being answered."""
WRITE: Final[tuple[type[SessiondError], ...]] = (Conflict, Unavailable, StoreFull)
"""What may keep a command from being carried out."""
ANSWER: Final[tuple[type[SessiondError], ...]] = (NotReviewer, *WRITE)
"""What may keep the answer to a wait from being taken."""


def _needs(role: Role | None, *routes: Route) -> tuple[Route, ...]:
    """Return routes that take a role, or none."""
    return tuple(msgspec.structs.replace(route, needs=role) for route in routes)


ROUTES: Final[tuple[Route, ...]] = (
    # a path stands before those that have a placeholder in its place
    *_needs(
        "viewer",
        Route("GET", f"{API}/sessions/counts", sessions.counts, answer=SessionCounts, problems=READ),
    ),
    *_needs(
        "operator",  # an inline graph takes an author: see `sessions`
        Route(
            "POST",
            f"{API}/workflows/execute",
            sessions.execute,
            body=Execute,
            answer=Started,
            status=202,
            problems=(NotFound, *WRITE),
            answer_headers=("Location",),
        ),
        Route(
            "POST",
            f"{API}/sessions",
            sessions.create,
            body=CreateSession,
            answer=SessionDetail,
            status=201,
            problems=(NotFound, *WRITE),
            answer_headers=("Location", "ETag"),
        ),
        Route("POST", f"{SESSION}/control", sessions.control, body=Command, answer=Receipt, problems=WRITE),
        Route("POST", f"{SESSION}/review", sessions.review, body=Review, answer=Resumed, problems=ANSWER),
        Route("POST", f"{NODE}/resume", sessions.resume_node, body=ResumeNode, answer=Resumed, problems=ANSWER),
        Route("POST", f"{NODE}/retry", sessions.retry_node, body=RetryInput, answer=Resumed, problems=ANSWER),
        Route("POST", f"{NODE}/skip", sessions.skip_node, body=SkipOutput, answer=Resumed, problems=ANSWER),
        Route("POST", f"{SESSION}/signal", sessions.signal, body=Signal, answer=SignalSent, problems=WRITE),
        Route(
            "POST",
            f"{SESSION}/fork",
            sessions.fork,
            body=ForkSession,
            answer=SessionDetail,
            status=201,
            problems=WRITE,
            answer_headers=("Location", "ETag"),
        ),
    ),
    *_needs(
        "author",
        Route("POST", f"{API}/workflows/validate", workflows.validate, body=Graph, answer=WorkflowVersion),
        Route(
            "PUT", WORKFLOW, workflows.put, body=Graph, answer=WorkflowVersion, problems=WRITE, answer_headers=("ETag",)
        ),
        Route("DELETE", WORKFLOW, workflows.delete, status=204, problems=WRITE),
    ),
    *_needs(
        "admin",
        Route("DELETE", SESSION, sessions.delete, status=204, problems=WRITE),
        Route("GET", "/metrics", metrics.metrics, answer=str, media=("text/plain",)),
    ),
    *_needs(
        "viewer",
        Route("GET", f"{API}/workflows", workflows.listed, answer=WorkflowList, problems=READ),
        Route(
            "GET",
            WORKFLOW,
            workflows.get,
            query=VersionQuery,
            answer=dict[str, Any],
            problems=READ,
            answer_headers=("ETag",),
        ),
        Route("GET", f"{API}/sessions", sessions.rows, query=SessionQuery, answer=SessionList, problems=READ),
        Route(
            "GET",
            SESSION,
            sessions.detail,
            query=DetailQuery,
            answer=SessionDetail,
            problems=READ,
            headers=("If-None-Match",),
            answer_headers=("ETag",),
        ),
        Route(
            "GET",
            f"{SESSION}/workflow",
            sessions.workflow,
            answer=dict[str, Any],
            problems=READ,
            answer_headers=("ETag",),
        ),
        Route(
            "GET",
            EVENTS,
            events.page,
            query=EventQuery,
            answer=EventPage,
            media=("application/json", "text/event-stream"),
            problems=READ,
            headers=("Last-Event-ID",),
        ),
        Route(
            "GET", f"{API}/reviews", sessions.reviews, query=ReviewQuery, answer=ReviewList, problems=(NotFound, *READ)
        ),
        Route("GET", f"{API}/me", me.me, answer=Me),
        Route("GET", f"{API}/node-types", workflows.node_types, answer=NodeTypeList),
        Route(
            "POST",
            f"{API}/tickets",
            ticket_desk.issue,
            body=TicketRequest,
            answer=TicketIssued,
            status=201,
            problems=(NotFound,),
            remembered=False,
        ),
    ),
    *_needs(
        None,
        Route("GET", "/livez", health.live, answer=Health),
        Route("GET", "/readyz", health.ready, answer=Health, problems=READ),
        Route("GET", "/openapi.json", documents.openapi_json, answer=dict[str, Any]),
        Route("GET", "/asyncapi.json", documents.asyncapi_json, answer=dict[str, Any]),
        Route("GET", "/docs", documents.page, answer=str, media=("text/html",)),
    ),
)
