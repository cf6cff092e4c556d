"""The limit on request bodies, answered as a real 413.

Tornado answers an oversized body with a bare 400 and closes, and a client that is still sending may never read it.
So the limit is kept here: what is over it is read on and dropped, up to a bound, and then answered.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from tornado import httputil
from tornado.http1connection import HTTP1Connection

from .problems import MEDIA_TYPE, BodyTooLarge, problem_of
from .wire import encode

PATIENCE: Final = 16
"""How many times the limit is read and dropped before the connection is closed on the sender."""


class BodyLimit(httputil.HTTPServerConnectionDelegate):
    """Stands in front of an application and answers bodies over `limit` bytes itself.

    Attributes:
        application: what answers the next request; it may be another one than that before.
    """

    def __init__(self, application: httputil.HTTPServerConnectionDelegate, limit: int) -> None:
        self.application = application
        self._limit = limit

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> httputil.HTTPMessageDelegate:
        """Return the delegate of one request."""
        inner = self.application.start_request(server_conn, request_conn)
        return _LimitedRequest(inner, request_conn, self._limit)


class _LimitedRequest(httputil.HTTPMessageDelegate):
    """Passes a request on until its body is over the limit."""

    def __init__(self, inner: httputil.HTTPMessageDelegate, connection: httputil.HTTPConnection, limit: int) -> None:
        self._inner = inner
        self._connection = connection
        self._limit = limit
        self._size = 0
        self._refused = False
        self._answered = False

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Refuse by Content-Length; at once if the sender waits for leave, or says it won't end soon."""
        if isinstance(self._connection, HTTP1Connection):
            self._connection.set_max_body_size(2**62)  # counted here; Tornado would answer a bare 400
        length = headers.get("Content-Length", "")
        announced = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0
        if announced > self._limit:
            self._refuse()
            if headers.get("Expect", "").lower() == "100-continue" or announced > PATIENCE * self._limit:
                self._answer()
            return None
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass on, or drop."""
        self._size += len(chunk)
        if not self._refused:
            if self._size <= self._limit:
                return self._inner.data_received(chunk)
            self._refuse()
            self._inner.on_connection_close()  # it lets go of what it has
        if self._size > PATIENCE * self._limit:
            self._answer()
        return None

    def finish(self) -> None:
        """The request is read."""
        if self._refused:
            self._answer()
        else:
            self._inner.finish()

    def on_connection_close(self) -> None:
        """The sender left."""
        if not self._refused:
            self._inner.on_connection_close()

    def _refuse(self) -> None:
        self._refused = True

    def _answer(self) -> None:
        if self._answered:
            return
        self._answered = True
        problem = problem_of(BodyTooLarge(self._limit))
        body = encode(problem)
        headers = httputil.HTTPHeaders({"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))})
        start_line = httputil.ResponseStartLine("HTTP/1.1", problem.status, problem.title)
        self._connection.write_headers(start_line, headers, body)
        self._connection.finish()
