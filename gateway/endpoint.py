"""The one Tornado handler behind every row of the route table: decode, call the operation, encode."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import msgspec
from tornado import httputil
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from ..actors.core.errors import Forbidden, NotFound
from .browsers import HSTS, SECURITY_HEADERS, BrowserPolicy
from .call import Call, Gateway, Reply, Route
from .idempotency import HEADER, fingerprint, key_of
from .large_answers import LARGE, size_of
from .logs import request_id_of
from .principal import NOBODY, Principal
from .problems import (
    MEDIA_TYPE,
    Malformed,
    MethodNotAllowed,
    UnsupportedMediaType,
    headers_of,
    problem_of,
    report,
)
from .traces import trace_of, traced
from .wire import decode, decode_query, encode

JSON: Final = "application/json"
REQUEST_ID: Final = "X-Request-Id"
_PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})
_LARGE_BODY: Final = 65_536
"""Bytes of a body that may take more than some milliseconds to decode."""
_access = logging.getLogger("sessiond.gateway.access")


class JsonHandler(RequestHandler):
    """Speaks JSON, and tells of every error as a problem."""

    gateway: Gateway
    routes: Mapping[str, Route]
    request_id = ""

    def initialize(self, gateway: Gateway, routes: Mapping[str, Route]) -> None:
        """Take what the route table says of this path: method → route."""
        self.gateway = gateway
        self.routes = routes

    def set_default_headers(self) -> None:
        """Answers are nobody else's, and never anything but what their type says; see `browsers`."""
        self.clear_header("Server")
        if not self.request_id:  # this is called again for a problem
            self.request_id = request_id_of(self.request.headers.get(REQUEST_ID))
        self.set_header(REQUEST_ID, self.request_id)
        browsers: BrowserPolicy = self.settings["browsers"]
        for name, value in (*SECURITY_HEADERS.items(), *browsers.cors(self.request).items()):
            self.set_header(name, value)
        if self.request.protocol == "https":
            self.set_header("Strict-Transport-Security", HSTS)

    def compute_etag(self) -> None:
        """Entity tags are a session's seq, set where there is one; never a digest of the body."""
        return

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log what is our fault; the client's faults are in its answer."""
        if value is not None and not isinstance(value, HTTPError):
            report(value, self.request_id)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the problem that Tornado, or an operation, ran into."""
        info = kwargs.get("exc_info")
        error = info[1] if info else None
        if error is None or isinstance(error, HTTPError):
            error = self._of_tornado(status_code)
        self.write_problem(error)

    def write_problem(self, error: BaseException) -> None:
        """Answer with the problem that tells of `error`."""
        problem = problem_of(error, self.path_kwargs.get("session_id") if hasattr(self, "path_kwargs") else None)
        self.set_status(problem.status)
        self.set_header("Content-Type", MEDIA_TYPE)
        for name, value in headers_of(error).items():
            self.set_header(name, value)
        self.finish(encode(problem))

    def _of_tornado(self, status_code: int) -> BaseException:
        if status_code == 405:
            return MethodNotAllowed(self.request.method or "", self.methods())
        if status_code < 500:
            return Malformed("the request can't be read")
        return RuntimeError("the HTTP layer failed")

    def named(self) -> tuple[str, str]:
        """The method and the path of the request as the API names them; what it doesn't know is `other`."""
        method = "GET" if self.request.method == "HEAD" else self.request.method or ""
        route = self.routes.get(method)
        return ("other", "other") if route is None else (method, route.path)

    def methods(self) -> tuple[str, ...]:
        """The methods that this path has."""
        found = sorted(self.routes)
        return (*found, "HEAD") if "GET" in found else tuple(found)


class Endpoint(JsonHandler):
    """Answers every request that isn't a stream."""

    _counted = False
    _tenant = ""
    _leave: Callable[[], None] | None = None

    def prepare(self) -> None:
        """Count the request, so that a drain waits for its answer."""
        self._counted = True
        self.gateway.entered()

    def on_finish(self) -> None:
        """Count it out."""
        if self._counted:
            self.gateway.left()
            self.gateway.requests.observe(*self.named(), self.get_status(), self.request.request_time())

    def on_connection_close(self) -> None:
        """The client left: nobody waits for the answer any more."""
        if self._leave is not None:
            self._leave()

    async def _serve(self, **path: str) -> None:
        try:
            reply = await self._answer(path)
            with self.gateway.large.sending(self._tenant, size_of(reply.body), looks=self.request.method == "GET"):
                body = reply.body if isinstance(reply.body, bytes | None) else encode(reply.body)
                await self._send(reply, body)
        except StreamClosedError:
            return  # the client left while it was sent
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem
            report(error, self.request_id)
            self.write_problem(error)

    async def _send(self, reply: Reply, body: bytes | None) -> None:
        """Send an answer, and return when the client's system has taken it, or nearly all of it."""
        self.set_status(reply.status)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        if body is None:
            self.clear_header("Content-Type")
            self.finish()
            return
        if "Content-Type" not in reply.headers:
            self.set_header("Content-Type", JSON)
        sent = self.finish(body)
        if len(body) >= LARGE:
            await sent

    get = post = put = delete = head = patch = options = _serve

    async def _answer(self, path: dict[str, str]) -> Reply:
        method = "GET" if self.request.method == "HEAD" else self.request.method or ""
        if not self.routes:
            raise NotFound("path", self.request.path)
        route = self.routes.get(method)
        if route is None:
            raise MethodNotAllowed(method, self.methods())
        principal = self._admit(route)
        self._tenant = principal.tenant
        if "session_id" in path:
            path["session_id"] = principal.session(path["session_id"])
        query = decode_query(self.request.query_arguments, route.query)
        body = None if route.body is None else await self._body(route)
        headers = self.request.headers
        key = key_of(headers.get(HEADER)) if route.method == "POST" and route.remembered else None
        call = Call(self.gateway, path, body, query, headers, principal, key, trace_of(headers), self._when_gone)
        if key is None:
            return await self._operate(route, call)

        async def answer() -> Reply:
            reply = await self._operate(route, call)
            return msgspec.structs.replace(reply, body=encode(reply.body))

        request = fingerprint(route.method, self.request.uri or "", self.request.body)
        return await self.gateway.answers.once((principal.tenant, key), request, answer)

    async def _operate(self, route: Route, call: Call) -> Reply:
        """Carry it out; of what may change something, a span is recorded where spans are."""
        tracing = call.runtime.tracing if route.method != "GET" else None
        if tracing is None:
            return await route.operation(call)
        about = {"http.request.method": route.method, "http.route": route.path}
        if (session_id := call.path.get("session_id")) is not None:
            about["sessiond.session_id"] = session_id
        with traced(tracing, f"{route.method} {route.path}", call.trace, about) as trace:
            return await route.operation(msgspec.structs.replace(call, trace=trace))

    def _when_gone(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection) and (connection.stream is None or connection.stream.closed()):
            leave()  # nobody is told again, and of an end that came with the request nobody is told at all

    def _admit(self, route: Route) -> Principal:
        """Return who asks, who may.

        Raises:
            Unauthenticated, Forbidden: nobody may, or not this one.
            TooManyRequests: the tenant gives too many commands a second.
        """
        if route.needs is None:
            return NOBODY
        gateway = self.gateway
        with gateway.auth.watching(self.request.remote_ip or ""):
            principal = gateway.auth.authenticate(self.request.headers)
        if route.method != "GET":
            gateway.rate.take(principal.tenant)
        principal.require(route.needs)
        return principal

    async def _body(self, route: Route) -> Any:
        """Return the body, decoded; a large one off the loop."""
        assert route.body is not None
        body, depth = self.request.body, self.gateway.settings.max_depth
        check_media_type(self.request.headers, body)
        if len(body) > _LARGE_BODY:
            return await asyncio.to_thread(decode, body, route.body, depth)
        return decode(body, route.body, depth)


class Refusal(JsonHandler):
    """Answers what isn't let in at all, whatever its path and method, and preflights, which have no fault."""

    _error: Forbidden | None = None

    def initialize(self, gateway: Gateway, routes: Mapping[str, Route], error: Forbidden | None = None) -> None:
        """Take why it isn't let in; None for a preflight."""
        super().initialize(gateway, routes)
        self._error = error

    def _refuse(self) -> None:
        if self._error is not None:
            self.write_problem(self._error)
            return
        self.set_status(204)
        self.clear_header("Content-Type")
        self.finish()

    get = post = put = delete = head = patch = options = _refuse


def check_media_type(headers: httputil.HTTPHeaders, body: bytes) -> None:
    """Refuse a body that doesn't say it is JSON: a form on a foreign page can send any other kind unasked.

    Raises:
        UnsupportedMediaType: it says it is something else, or nothing.
    """
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != JSON and not (media_type.startswith("application/") and media_type.endswith("+json")) and body:
        raise UnsupportedMediaType(media_type or "nothing")


def log_request(handler: RequestHandler) -> None:
    """Write one line on a request that was answered: failures of ours as warnings, probes only when debugging."""
    status = handler.get_status()
    request = handler.request
    level = logging.WARNING if status >= 500 else logging.DEBUG if request.path in _PROBES else logging.INFO
    if isinstance(handler, JsonHandler) and level < logging.WARNING and not handler.gateway.settings.access_log:
        return
    if not _access.isEnabledFor(level):
        return
    method, route = handler.named() if isinstance(handler, JsonHandler) else (request.method or "", request.path)
    milliseconds = round(1000 * request.request_time(), 1)
    size = int(handler._headers.get("Content-Length", 0))
    extra = {
        "request_id": handler.request_id if isinstance(handler, JsonHandler) else None,
        "method": method,
        "route": route,
        "path": request.path,
        "status": status,
        "ms": milliseconds,
        "bytes": size,
    }
    message = "%d %s %s %.1f ms %d bytes"
    _access.log(level, message, status, request.method, request.path, milliseconds, size, extra=extra)
