"""The HTTP server: the route table on Tornado, with limits on everything a client decides."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from tornado import httputil
from tornado.httpserver import HTTPServer
from tornado.routing import PathMatches, Rule
from tornado.web import Application

from ..actors.core.errors import Forbidden
from ..actors.runtime import Runtime
from .acceptor import BUSY, Acceptor, file_mark
from .body_limit import BodyLimit
from .browsers import BrowserPolicy
from .call import Gateway, Route
from .command_socket import CommandSocket
from .endpoint import Endpoint, Refusal, log_request
from .pages import PageHandler, Pages
from .patience import PatientStream
from .routes import EVENTS, ROUTES, SOCKETS
from .settings import Settings
from .sse import EventStream
from .stream import EventSocket
from .tls import read_certificate
from .waiting_room import waiting_room

MAX_READ: Final = 1_048_576
"""Bytes that are read from a socket and not yet looked at, unless a header or a message may be longer."""
PAGES: Final = "/(?:console/.+)?$"
"""What belongs to the web console: its page, and what that loads."""


class Asks(PathMatches):
    """Matches a path if a header of the request holds a word."""

    def __init__(self, pattern: str, header: str, word: str) -> None:
        super().__init__(pattern)
        self._header = header
        self._word = word

    def match(self, request: httputil.HTTPServerRequest) -> dict[str, Any] | None:
        """Return the path's arguments, None if it isn't this path or doesn't ask."""
        if self._word not in request.headers.get(self._header, "").lower():
            return None
        found: dict[str, Any] | None = super().match(request)
        return found


def pattern(path: str) -> str:
    """Return a route's path as a regular expression."""
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)) + "$"


class GuardedApplication(Application):
    """Asks, before a request is routed, whether it may come from where it comes from."""

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> Any:
        """Return what answers a request: its route, or a refusal."""
        browsers: BrowserPolicy = self.settings["browsers"]
        arguments = self.settings["default_handler_args"]
        try:
            browsers.check(request)
        except Forbidden as error:
            return self.get_handler_delegate(request, Refusal, {**arguments, "error": error})
        if browsers.answers_preflight(request):
            return self.get_handler_delegate(request, Refusal, {**arguments, "error": None})
        return super().find_handler(request, **kwargs)


def application(gateway: Gateway) -> Application:
    """Return the routes as a Tornado application."""
    table: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        table.setdefault(route.path, {})[route.method] = route
    events = {"gateway": gateway, "routes": table[EVENTS]}
    nowhere: dict[str, Any] = {"gateway": gateway, "routes": {}}
    rules = [
        Rule(Asks(pattern(EVENTS), "Upgrade", "websocket"), EventSocket, nowhere),
        Rule(Asks(pattern(EVENTS), "Accept", "text/event-stream"), EventStream, events),
        *[Rule(Asks(pattern(path), "Upgrade", "websocket"), CommandSocket, nowhere) for path in SOCKETS],
    ]
    for path, routes in table.items():
        rules.append(Rule(PathMatches(pattern(path)), Endpoint, {"gateway": gateway, "routes": routes}))
    rules.append(Rule(PathMatches(PAGES), PageHandler, nowhere))
    return GuardedApplication(
        rules,
        default_handler_class=Endpoint,
        default_handler_args=nowhere,
        log_function=log_request,
        browsers=BrowserPolicy(gateway.settings),
        pages=Pages(),
    )


class Server:
    """A server: it may listen before there is a runtime to serve, and says that it isn't ready then.

    Attributes:
        gateway: what its requests share, once it is open.
        url: where it listens, e.g. `http://127.0.0.1:8080`; "" while it doesn't.
    """

    gateway: Gateway

    def __init__(self, settings: Settings) -> None:
        self.url = ""
        self._settings = settings
        self._certificate = read_certificate(settings.tls_cert, settings.tls_key)
        self._acceptor: Acceptor | None = None
        self._check: asyncio.TimerHandle | None = None
        self._application = waiting_room(settings)
        self._limited = BodyLimit(self._application, settings.max_body)
        self._http = HTTPServer(
            self._limited,
            max_header_size=settings.max_header,
            idle_connection_timeout=settings.idle_s,
            body_timeout=settings.body_s,
        )

    def listen(self) -> None:
        """Begin to accept.

        Raises:
            OSError: the address can't be had.
        """
        settings = self._settings
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=settings.backlog)
        listening.setblocking(False)
        plain = self._certificate is None
        mark = file_mark(settings.spare_files)
        self._acceptor = Acceptor(listening, self._take, mark, BUSY if plain else b"")
        host = f"[{settings.host}]" if family == socket.AF_INET6 else settings.host
        self.url = f"{'http' if plain else 'https'}://{host}:{listening.getsockname()[1]}"

    def open(self, runtime: Runtime) -> None:
        """Serve a runtime from now on."""
        self.gateway = Gateway(runtime, self._settings, ROUTES)
        self._application = self._limited.application = application(self.gateway)
        self._check = asyncio.get_running_loop().call_later(self._settings.auth_check_s, self._check_leave)

    def serve_pages(self, pages: Pages) -> None:
        """Serve another build of the console than the one that came with this package."""
        self._application.settings["pages"] = pages

    def reload(self) -> None:
        """Read the certificate and the keys again, and close the streams of those keys that are gone."""
        if self._certificate is not None:
            self._certificate.reload()
        if self._check is not None:  # before it is open, there is nobody
            self.gateway.auth.reload()
            self.gateway.expel_invalid()

    def _take(self, connection: socket.socket, address: Any) -> None:
        connection.setblocking(False)
        settings = self._settings
        most = max(MAX_READ, 2 * settings.max_header, 2 * settings.max_message)
        if self._certificate is None:
            stream = PatientStream(connection, max_buffer_size=most)
        else:
            try:
                stream = self._certificate.stream(connection, most)
            except OSError:  # the peer has left already
                connection.close()
                return
        stream.patience = settings.stall_s
        self._http.handle_stream(stream, address)

    def _check_leave(self) -> None:
        self._check = asyncio.get_running_loop().call_later(self._settings.auth_check_s, self._check_leave)
        self.gateway.expel_invalid()  # first, as the time of some may be over whatever the files hold
        if self._certificate is not None:
            self._certificate.refresh()
        if self.gateway.auth.refresh():
            self.gateway.expel_invalid()

    def _refuse_new(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()

    async def drain(self) -> None:
        """Accept no more, close the streams, and let requests under way be answered, for `drain_s` seconds."""
        gateway = self.gateway
        gateway.draining = True
        self._refuse_new()
        for stream in list(gateway.streams):
            stream.leave()
        try:
            async with asyncio.timeout(self._settings.drain_s):
                await gateway.quiet()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Drop every connection that is left."""
        self._refuse_new()
        if self._check is not None:
            self._check.cancel()
        await self._http.close_all_connections()


@asynccontextmanager
async def serving(runtime: Runtime, settings: Settings, server: Server | None = None) -> AsyncIterator[Server]:
    """Serve a runtime, on a server that may listen already; drains at the end.

    Raises:
        OSError: the address can't be had.
    """
    server = server or Server(settings)
    server.open(runtime)
    try:
        if not server.url:
            server.listen()
        yield server
        await server.drain()
    finally:
        await server.close()
