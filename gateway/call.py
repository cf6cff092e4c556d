"""One request on its way: what an operation is given, what it returns, and a row of the route table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias

import msgspec
from tornado.httputil import HTTPHeaders

from ..actors.errors import Draining, SessiondError
from ..actors.runtime import Runtime
from .http_meters import Requests
from .idempotency import Answers
from .reply import Reply as Reply
from .settings import Settings
from .wire import Graph, NoQuery


class OpenStream(Protocol):
    """A WebSocket or SSE response that stays open."""

    def leave(self) -> None:
        """Say that the server goes away, and close."""
        ...


class Gateway:
    """What all requests of one server share.

    Attributes:
        routes: the whole API.
        answers: what was answered to requests with an idempotency key.
        requests: how many were answered, and how fast.
        streams: every open stream, so that a drain can close them.
        draining: whether the server takes no new work.
    """

    def __init__(self, runtime: Runtime, settings: Settings, routes: tuple[Route, ...] = ()) -> None:
        self.runtime = runtime
        self.settings = settings
        self.routes = routes
        self.answers = Answers(
            settings.max_answers, settings.max_answer_bytes, settings.answers_s, asyncio.get_running_loop().time
        )
        self.requests = Requests()
        self.streams: set[OpenStream] = set()
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
        by: who asks, as far as known.
        key: the request's idempotency key.
        tenant: whose request it is.
        when_gone: is given what to call if the client leaves before its answer.
    """

    gateway: Gateway
    path: Mapping[str, str]
    body: Any
    query: Any
    headers: HTTPHeaders
    by: str | None = None
    key: str | None = None
    tenant: str = "default"
    when_gone: Callable[[Callable[[], None]], None] = _stays

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
