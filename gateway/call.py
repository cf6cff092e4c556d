"""One request on its way: what an operation is given, what it returns, and a row of the route table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from tornado.httputil import HTTPHeaders, HTTPServerRequest

from ..actors.core.errors import Draining, Overloaded, SessiondError
from ..actors.core.messages import Once, OnceCommand
from ..actors.runtime import Runtime
from ..actors.shared_reads import SharedReads
from ..actors.streams import Subscription
from .auth import Authenticator
from .http_meters import Requests
from .idempotency import Answers, command_id_for
from .large_answers import LargeAnswers
from .limits import CommandRate, Tally
from .mailbox_ages import MailboxAges
from .principal import Principal, Role
from .quota import SessionQuota
from .reply import Reply as Reply
from .requests import Graph, NoQuery
from .session_counts import CountedSessions
from .settings import Settings


class OpenStream(Protocol):
    """A WebSocket or SSE response that stays open."""

    def leave(self) -> None:
        """Say that the server goes away, and close."""
        ...

    def expel(self) -> None:
        """Say that whoever opened it has no leave any more, and close."""
        ...


class Gateway:
    """What all requests of one server share.

    Attributes:
        routes: the whole API.
        row: returns a session's row as stored, NotFound if there is none; one read for all who ask at once.
        answers: what was answered to requests with an idempotency key.
        requests: how many were answered, and how fast.
        streams: every open stream with its principal, so that a drain, or the end of a leave, can close them.
        auth: recognises who sends a request.
        rate: commands a second.
        subscriptions: sessions that are followed.
        large: answers that wait for their clients.
        quota: unfinished sessions.
        ages: how long messages wait in mailboxes.
        counts: sessions by status.
        draining: whether the server takes no new work.
    """

    def __init__(self, runtime: Runtime, settings: Settings, routes: tuple[Route, ...] = ()) -> None:
        self.runtime = runtime
        self.settings = settings
        self.routes = routes
        self.row = SharedReads(runtime.row)
        self.answers = Answers(
            settings.max_answers, settings.max_answer_bytes, settings.answers_s, asyncio.get_running_loop().time
        )
        self.requests = Requests()
        self.streams: dict[OpenStream, Principal] = {}
        self.auth = Authenticator(settings)
        self.rate = CommandRate(settings.commands_per_s, time.monotonic)
        self.subscriptions = Tally("subscriptions", settings.max_tenant_subscriptions)
        self.large = LargeAnswers()
        self.quota = SessionQuota(settings.max_tenant_sessions, runtime.rows, time.monotonic)
        self.counts = CountedSessions(runtime.counts, time.monotonic)
        self._open_streams = Tally("streams", settings.max_tenant_streams)
        self.ages = MailboxAges(time.monotonic)
        self.draining = False
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def check_open(self) -> None:
        """Refuse new work while draining.

        Raises:
            Draining: always, then.
        """
        if self.draining:
            raise Draining("the server is going away")

    def admit(self, request: HTTPServerRequest, session_id: str | None = None) -> Principal:
        """Return who opens a stream, who may read.

        Args:
            request: that asks for the stream.
            session_id: as the request says it, for a stream of one session.

        Raises:
            Unauthenticated, Forbidden: it may not.
            NotFound: the session can't be its tenant's.
            Draining: the server is going away.
        """
        self.check_open()
        with self.auth.watching(request.remote_ip or ""):
            principal = self.auth.admit(request, session_id)
        principal.require("viewer")
        return principal

    def enter(self, stream: OpenStream, principal: Principal) -> None:
        """Count a stream in; `leave` counts it out.

        Raises:
            Draining: the streams have been told to leave already, maybe while this one's opener was looked at.
            Overloaded, TooManyStreams: too many are open, of all tenants or of this one.
        """
        self.check_open()
        if len(self.streams) >= self.settings.max_streams:
            raise Overloaded(f"{self.settings.max_streams} streams are open")
        self._open_streams.enter(principal.tenant)
        self.streams[stream] = principal

    def leave(self, stream: OpenStream) -> None:
        """Count a stream out, if it is in."""
        if (principal := self.streams.pop(stream, None)) is not None:
            self._open_streams.leave(principal.tenant)

    def renew(self, stream: OpenStream, held: Principal, token: str, address: str) -> Principal:
        """Return who a stream is of from now on, by a fresh key or token; if it is refused all stays as it was.

        Raises:
            Unauthenticated, Forbidden: it isn't right, or isn't of the one whose the stream is.
            LockedOut: too many that came from the address weren't right.
        """
        with self.auth.watching(address):
            fresh = self.auth.renew(held, token)
        if stream in self.streams:
            self.streams[stream] = fresh
        return fresh

    @contextmanager
    def following(
        self, principal: Principal, session_id: str, after: int, seen: str | None = None
    ) -> Iterator[Subscription]:
        """Follow a session's events for a tenant, after the event that it has seen.

        Raises:
            TooManyStreams: the tenant follows too many.
        """
        self.subscriptions.enter(principal.tenant)
        subscription = self.runtime.hub.subscribe(session_id, after, seen=seen, bound=self.settings.max_buffer)
        try:
            yield subscription
        finally:
            subscription.close()
            self.subscriptions.leave(principal.tenant)

    def expel_invalid(self) -> None:
        """Close the streams of those whose leave has ended."""
        for stream, principal in list(self.streams.items()):
            if not self.auth.valid(principal):
                stream.expel()

    def entered(self) -> None:
        """A request begins."""
        self._requests += 1
        self._idle.clear()

    def left(self) -> None:
        """A request was answered."""
        self._requests -= 1
        if not self._requests:
            self._idle.set()

    async def quiet(self) -> None:
        """Wait until no request is being answered."""
        await self._idle.wait()


def _stays(leave: Callable[[], None]) -> None:
    """Nobody can leave."""


class Call(msgspec.Struct, frozen=True):
    """A decoded request.

    Attributes:
        path: the values of the placeholders in the route's path.
        body: of the route's type, None if it takes none.
        query: of the route's type.
        principal: who asks.
        key: the request's idempotency key.
        trace: the `traceparent` that what it causes belongs to.
        when_gone: is given what to call if the client leaves before its answer.
    """

    gateway: Gateway
    path: Mapping[str, str]
    body: Any
    query: Any
    headers: HTTPHeaders
    principal: Principal
    key: str | None = None
    trace: str | None = None
    when_gone: Callable[[Callable[[], None]], None] = _stays

    @property
    def by(self) -> str | None:
        """What the log says of who asks."""
        return self.principal.by

    async def command(self, message: OnceCommand) -> Any:
        """Have the session of the path handle a command; by the request's key it is carried out once."""
        session_id = self.path["session_id"]
        named = message if self.key is None else Once(command_id_for(self.key, message), message)
        return await self.runtime.command(session_id, named)

    @property
    def runtime(self) -> Runtime:
        """The engine."""
        return self.gateway.runtime


class Operation(Protocol):
    """What a row of the table calls; a function with a name and a docstring, which become the API's documents."""

    __name__: str

    def __call__(self, call: Call) -> Awaitable[Reply]:
        """Carry out a request."""
        ...


Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE"]


class Route(msgspec.Struct, frozen=True):
    """One call of the API.

    Attributes:
        path: with `{name}` for a placeholder.
        body: what the request's body must be.
        query: what its parameters may be.
        answer: what the reply's body is.
        status: of the reply when all goes well.
        media: what the reply's body may be, the usual first.
        problems: what may go wrong, besides what is wrong with the request itself.
        headers: the request's headers that matter, besides those of every request.
        answer_headers: the reply's headers, besides those of every reply.
        needs: the least role that may call it; None if nobody has to say who they are.
        remembered: whether its answer may be given again to a request with the same idempotency key.
    """

    method: Method
    path: str
    operation: Operation
    body: type[msgspec.Struct] | type[Graph] | None = None
    query: type[msgspec.Struct] = NoQuery
    answer: Any = None
    status: int = 200
    media: tuple[str, ...] = ("application/json",)
    problems: tuple[type[SessiondError], ...] = ()
    headers: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    needs: Role | None = "admin"
    remembered: bool = True
