"""A typed client of the HTTP API, for the CLI, for tests and for other services."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, WebSocketError, websocket_connect

from ..actors.core.detail import SessionDetail
from ..actors.core.errors import Fault, InvalidInput, Unavailable
from ..actors.core.events import Record
from ..actors.core.lifecycle import Action
from ..actors.core.messages import Receipt
from ..actors.core.reset import RESET, StreamReset, stream_reset
from .client_errors import BrokenSequence as BrokenSequence
from .client_errors import ProblemError as ProblemError
from .client_errors import StreamRefused as StreamRefused
from .client_errors import check_close, problem_in
from .responses import (
    Counts,
    EventPage,
    Me,
    Resumed,
    ReviewList,
    SessionCounts,
    SessionList,
    SignalSent,
    Started,
    TicketIssued,
    WorkflowVersion,
)
from .tls import trusting
from .wire import encode

T = TypeVar("T")

API: Final = "/api/v1"
TERMINAL_EVENT: Final = "execution:completed"
MAX_MESSAGE: Final = 16 * 1_048_576


class _Message(msgspec.Struct):
    """An event, or a notice about the stream, which has no seq."""

    event: str
    seq: int = 0
    session_id: str = ""
    timestamp: str = ""
    data: Any = None
    node_id: str | None = None


_decode_message = msgspec.json.Decoder(_Message).decode


class Backoff(msgspec.Struct, frozen=True):
    """How long to wait before coming back: doubling from `first_s` up to `most_s`, give or take half of it."""

    first_s: float = 0.2
    most_s: float = 5.0
    tries: int = 20

    def delay(self, failures: int, chance: float) -> float:
        """Return seconds to wait after `failures` in a row; `chance` is 0 to 1."""
        return min(self.most_s, self.first_s * 2.0 ** min(failures, 30)) * (0.5 + chance)


class Client:
    """Talks to one server.

    Args:
        url: of the server, e.g. `http://127.0.0.1:8080`; over TLS `https://…` or `wss://…`.
        backoff: how `watch` comes back.
        pause: waits that many seconds.
        chance: spreads reconnections, 0 to 1.
        timeout_s: seconds for one request.
        token: an API key or a JSON Web Token; it is sent to this server only, redirections aren't followed.
        ca: file in PEM of the authorities that may vouch for the server, in place of the system's. One of them has to.

    Raises:
        InvalidInput: the URL, or the token, can't be one.
        InvalidFile: the authorities can't be read.
    """

    def __init__(
        self,
        url: str,
        *,
        backoff: Backoff | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        timeout_s: float = 30.0,
        token: str | None = None,
        ca: str | Path | None = None,
    ) -> None:
        self._headers = {} if token is None else {"Authorization": f"Bearer {_checked(token)}"}
        self.url = _server(url)
        self._tls = None if ca is None else trusting(Path(ca))
        self._backoff = backoff or Backoff()
        self._pause = pause
        self._chance = chance
        self._timeout_s = timeout_s
        self._http = AsyncHTTPClient(force_instance=True, max_clients=100)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connections."""
        self._http.close()

    # ---- sessions

    async def execute(self, graph: dict[str, Any] | str, input: Any = None, **options: Any) -> Started:
        """Create a session and start it.

        Args:
            graph: a graph, or the id of a stored workflow.
            input: JSON.
            options: session_id, context, start, deadline_s, labels.
        """
        body = {"workflow_id" if isinstance(graph, str) else "graph": graph, "input": input, **options}
        return await self._call("POST", f"{API}/workflows/execute", Started, body)

    async def control(self, session_id: str, action: Action, reason: str | None = None) -> Receipt:
        """Start, pause, resume, stop or cancel."""
        body = {"action": action, "reason": reason}
        return await self._call("POST", f"{_session(session_id)}/control", Receipt, body)

    async def review(self, session_id: str, node_id: str, action: str, data: Any = None) -> Resumed:
        """Approve, reject or modify."""
        body = {"node_id": node_id, "action": action, "data": data}
        return await self._call("POST", f"{_session(session_id)}/review", Resumed, body)

    async def resume_node(self, session_id: str, node_id: str, output: Any) -> Resumed:
        """Complete a suspended node."""
        path = f"{_session(session_id)}/nodes/{quote(node_id, safe='')}/resume"
        return await self._call("POST", path, Resumed, {"output": output})

    async def retry_node(self, session_id: str, node_id: str, **given: Any) -> Resumed:
        """Run a node again that failed and is suspended; `input` replaces what it sees of the session's."""
        path = f"{_session(session_id)}/nodes/{quote(node_id, safe='')}/retry"
        return await self._call("POST", path, Resumed, given)

    async def skip_node(self, session_id: str, node_id: str, output: Any = None) -> Resumed:
        """Complete a node that failed and is suspended, with an output in place of its own."""
        path = f"{_session(session_id)}/nodes/{quote(node_id, safe='')}/skip"
        return await self._call("POST", path, Resumed, {"output": output})

    async def signal(self, session_id: str, payload: Any = None, **target: str) -> SignalSent:
        """Signal the node `node_id`, or whichever waits for `name`."""
        return await self._call("POST", f"{_session(session_id)}/signal", SignalSent, {"payload": payload, **target})

    async def fork(self, session_id: str, *, fork_id: str | None = None, **request: Any) -> SessionDetail:
        """Create a session that reuses what this one has completed, and return it.

        Args:
            session_id: the original.
            fork_id: of the fork; made up if absent. The same id with the same request is done once.
            request: after_seq or from_node; input, start.
        """
        request["session_id"] = fork_id
        return await self._call("POST", f"{_session(session_id)}/fork", SessionDetail, request)

    async def detail(self, session_id: str) -> SessionDetail:
        """Return one session, whole."""
        return await self._call("GET", _session(session_id), SessionDetail)

    async def rows(self, **query: Any) -> SessionList:
        """Return a page of sessions; status, label, workflow_id, cursor, limit."""
        return await self._call("GET", f"{API}/sessions{_query(query)}", SessionList)

    async def counts(self) -> Counts:
        """Return how many sessions have each status."""
        return (await self._call("GET", f"{API}/sessions/counts", SessionCounts)).counts

    async def reviews(self, **query: Any) -> ReviewList:
        """Return the waits that are open for the caller; session_id, node_id, cursor, limit."""
        return await self._call("GET", f"{API}/reviews{_query(query)}", ReviewList)

    async def me(self) -> Me:
        """Return who this client is to the server."""
        return await self._call("GET", f"{API}/me", Me)

    async def delete(self, session_id: str) -> None:
        """Remove a session that has ended."""
        await self.request("DELETE", _session(session_id))

    async def ticket(self, session_id: str | None = None) -> TicketIssued:
        """Return a ticket for one stream, for a client that can't set headers."""
        return await self._call("POST", f"{API}/tickets", TicketIssued, {"session_id": session_id})

    async def events(self, session_id: str, after: int = 0, limit: int = 1_000) -> EventPage:
        """Return a page of stored events after a seq."""
        query = _query({"after": after, "limit": limit})
        return await self._call("GET", f"{_session(session_id)}/events{query}", EventPage)

    # ---- workflows

    async def put_workflow(self, workflow_id: str, graph: dict[str, Any]) -> WorkflowVersion:
        """Store a workflow."""
        return await self._call("PUT", f"{API}/workflows/{quote(workflow_id, safe='')}", WorkflowVersion, graph)

    async def workflow(self, workflow_id: str, version: str | None = None) -> dict[str, Any]:
        """Return a stored definition, the newest version unless one is named."""
        path = f"{API}/workflows/{quote(workflow_id, safe='')}{_query({'version': version})}"
        return await self._call("GET", path, dict[str, Any])

    async def validate(self, graph: Any) -> WorkflowVersion:
        """Check a graph."""
        return await self._call("POST", f"{API}/workflows/validate", WorkflowVersion, graph)

    # ---- streams

    async def watch(self, session_id: str, after: int = 0, seen: str | None = None) -> AsyncGenerator[Record, None]:
        """Yield every event after a seq up to the terminal one, over as many connections as it takes.

        Where events were trimmed, a StreamReset comes in their place: a snapshot, behind which they go on. It goes back
        where a store has lost events that were seen: what was made of them is to be replaced by the snapshot.

        Args:
            session_id: whose.
            after: the last seq that the caller has.
            seen: the timestamp of that event.

        Raises:
            NotFound: there is no such session.
            StreamRefused: the server won't have us.
            BrokenSequence: an event is missing or comes twice.
            Unavailable: the server stayed away for all of the backoff's tries, or can't prove that it is the one.
        """
        seq, failures = after, 0
        while True:
            stream = self._stream(session_id, seq, seen)
            try:
                async for record in stream:
                    if record.seq != seq + 1 and not isinstance(record, StreamReset):
                        raise BrokenSequence(f"seq {record.seq} of {session_id!r} came after {seq}")
                    seq, failures = record.seq, 0
                    seen = None if isinstance(record, StreamReset) else record.timestamp
                    yield record
                    if record.event == TERMINAL_EVENT:
                        return
            except ssl.SSLCertVerificationError as error:
                raise Unavailable(f"{self.url} can't be trusted: {error.verify_message}") from None
            except (OSError, WebSocketError, HTTPClientError) as error:  # what a broken connection looks like
                if isinstance(error, HTTPClientError) and error.code < 500:
                    raise
            finally:
                await stream.aclose()
            if failures >= self._backoff.tries:
                raise Unavailable(f"{self.url} stays away")
            await self._pause(self._backoff.delay(failures, self._chance()))
            failures += 1

    async def _stream(self, session_id: str, after: int, seen: str | None) -> AsyncGenerator[Record, None]:
        """Yield what one connection brings."""
        url = f"ws{self.url.removeprefix('http')}{_session(session_id)}/events{_query({'after': after, 'seen': seen})}"
        request = HTTPRequest(url, headers=self._headers, connect_timeout=self._timeout_s, ssl_options=self._tls)
        connection: WebSocketClientConnection = await websocket_connect(request, max_message_size=MAX_MESSAGE)
        text: str | bytes | None = ""
        try:
            while (text := await connection.read_message()) is not None:
                message = _decode_message(text)
                if message.event == RESET:
                    yield stream_reset(message.session_id, message.data)
                elif message.seq:
                    yield Record(
                        message.seq,
                        message.session_id,
                        message.event,
                        message.timestamp,
                        message.data,
                        message.node_id,
                    )
            check_close(session_id, connection.close_code, connection.close_reason or "")
        finally:
            connection.close()
            while text is not None:  # what was under way when we left; behind it the socket is closed
                text = await connection.read_message()

    # ---- inside

    async def _call(self, method: str, path: str, kind: type[T], body: Any = None) -> T:
        response = await self.request(method, path, body)
        return msgspec.json.decode(response.body, type=kind)

    async def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        """Send a request and return the answer.

        Raises:
            ProblemError: the server refused.
            Unavailable: it can't be reached.
        """
        request = HTTPRequest(
            self.url + path,
            method,
            {**({"Content-Type": "application/json"} if body is not None else {}), **self._headers, **(headers or {})},
            None if body is None else encode(body),
            allow_nonstandard_methods=True,
            follow_redirects=False,
            request_timeout=self._timeout_s,
            connect_timeout=self._timeout_s,
            ssl_options=self._tls,
        )
        try:
            response = await self._http.fetch(request, raise_error=False)
        except ssl.SSLCertVerificationError as error:
            raise Unavailable(f"{self.url} can't be trusted: {error.verify_message}") from None
        except (OSError, HTTPClientError) as error:  # no answer at all: any answer is returned
            raise Unavailable(f"{self.url} can't be reached: {error}") from None
        if response.code >= 300:
            raise ProblemError(response.code, problem_in(response.body))
        return response


def _server(url: str) -> str:
    """Return a server's URL as one of HTTP.

    Raises:
        InvalidInput: it is none.
    """
    found = url.rstrip("/")
    if found.startswith(("ws://", "wss://")):
        found = f"http{found.removeprefix('ws')}"
    try:
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna"))
        _ = parts.port
    except ValueError:  # half of an IPv6 address, a port beyond all, a name that can't be one
        usable = False
    if not usable:
        fault = Fault("the server", f"{url!r} should be a URL such as http://127.0.0.1:8080")
        raise InvalidInput([fault], "the address")
    return found


def _checked(token: str) -> str:
    """A token that a header can hold; a file's line end is nobody's intent."""
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput([Fault("token", "should be an API key or a JSON Web Token")], "the token")
    return token


def _session(session_id: str) -> str:
    return f"{API}/sessions/{quote(session_id, safe='')}"


def _query(values: dict[str, Any]) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
