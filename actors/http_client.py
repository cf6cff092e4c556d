"""One HTTP exchange after another, each to an address that was checked before it was connected to.

A name is resolved once per request, all its addresses are checked, and the socket is connected to one of those:
a name that changes its mind between the check and the connection (DNS rebinding) gains nothing. Redirects are
requests like the first. Bodies are bounded as they arrive, and are not decompressed.
"""

from __future__ import annotations

import asyncio
import functools
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from .core.errors import NodeError
from .http_policy import HttpPolicy

Resolved = tuple[socket.AddressFamily, tuple[Any, ...]]
Resolve = Callable[[str, int], Awaitable[list[Resolved]]]

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MAX_HEADERS: Final = 65_536
_UNBOUNDED: Final = 2**62
"""The receiver bounds bodies, and can say so; Tornado's own bound looks like any broken answer."""
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"})
_FOR_ORIGIN: Final = frozenset({"authorization", "cookie", "proxy-authorization", "idempotency-key"})
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Request(msgspec.Struct, frozen=True):
    """What is asked: an absolute http or https URL, headers by lower-case name, a body or none."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None


class Response(msgspec.Struct, frozen=True):
    """What came back: the last status, its headers by lower-case name, its body as sent."""

    status: int
    headers: dict[str, str]
    body: bytes


_system_tls = functools.cache(ssl.create_default_context)


async def resolve(host: str, port: int) -> list[Resolved]:
    """Return the addresses of a host by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


class HttpClient:
    """Calls other servers within a policy.

    Args:
        policy: what may be called, and the bounds.
        resolve: from a name and a port to addresses.
        tls: for https; by default the system's certificates, checked.
    """

    def __init__(self, policy: HttpPolicy, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        self._policy = policy
        self._resolve = resolve
        self._tls = tls

    async def fetch(self, request: Request) -> Response:
        """Send a request, follow its redirects and return the last response.

        Raises:
            NodeError: `http_request`: the request can't be sent as it is; `http_refused` by the policy;
                `http_failed`: no connection or no HTTP; `http_redirects`, `http_too_large`, `timeout`.
        """
        limit = self._policy.timeout_s
        try:
            async with asyncio.timeout(limit) as deadline:
                for _ in range(self._policy.max_redirects + 1):
                    response = await self._exchange(request)
                    location = response.headers.get("location")
                    if response.status not in _REDIRECTS or location is None:
                        return response
                    request = redirected(request, response.status, location)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise NodeError(f"no answer from {_place(request.url)} within {limit} s", "timeout") from None
        raise NodeError(f"more than {self._policy.max_redirects} redirects", "http_redirects")

    async def _exchange(self, request: Request) -> Response:
        url = parse_url(request.url)
        check_headers(request.headers)
        stream = await self._connect(url)
        try:
            connection = HTTP1Connection(
                stream,
                is_client=True,
                params=HTTP1ConnectionParameters(
                    no_keep_alive=True, max_header_size=_MAX_HEADERS, max_body_size=_UNBOUNDED
                ),
            )
            receiver = _Receiver(stream, self._policy.max_body)
            _send(connection, request, url)
            with suppress(StreamClosedError):  # by either side: the receiver knows what it has
                await connection.read_response(receiver)
        except (StreamClosedError, ValueError) as error:
            raise NodeError(f"the exchange with {_place(request.url)} failed: {error}", "http_failed") from None
        finally:
            stream.close()
        return receiver.response(_place(request.url))

    async def _connect(self, url: SplitResult) -> IOStream:
        """Connect to the first address that answers, after all of them were checked."""
        host = url.hostname or ""
        self._policy.check_host(host)
        try:
            found = await self._resolve(host, url.port or (443 if url.scheme == "https" else 80))
        except (OSError, UnicodeError) as error:
            raise NodeError(f"the host {host!r} can't be resolved: {error}", "http_failed") from None
        self._policy.check_addresses(host, [address[0] for _, address in found])
        reason: object = "it has no address"
        for family, address in found:
            try:
                return await self._open(family, address, url)
            except (OSError, StreamClosedError) as error:
                reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise NodeError(f"can't connect to {host!r}: {reason}", "http_failed")

    async def _open(self, family: socket.AddressFamily, address: tuple[Any, ...], url: SplitResult) -> IOStream:
        peer = socket.socket(family, socket.SOCK_STREAM)
        bound = self._policy.max_body + _MAX_HEADERS
        if url.scheme == "https":
            tls = self._tls or await asyncio.to_thread(_system_tls)
            stream: IOStream = SSLIOStream(peer, ssl_options=tls, max_buffer_size=bound)
        else:
            stream = IOStream(peer, max_buffer_size=bound)
        try:
            async with asyncio.timeout(self._policy.connect_s):
                await stream.connect(address, server_hostname=url.hostname)
                return stream
        except BaseException:
            stream.close()
            raise


class _Receiver(HTTPMessageDelegate):
    """Gathers a response, and ends the connection when the body is over its bound."""

    def __init__(self, stream: IOStream, max_body: int) -> None:
        self._stream = stream
        self._max_body = max_body
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._announced = 0
        self._body = bytearray()
        self._too_large = False
        self._whole = False

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        assert isinstance(start_line, ResponseStartLine)
        self._status, self._headers = start_line.code, headers
        length = headers.get("Content-Length", "")
        self._announced = int(length[:20]) if length.isascii() and length.isdecimal() else 0

    def data_received(self, chunk: bytes) -> None:
        if max(self._announced, len(self._body) + len(chunk)) > self._max_body:
            self._too_large = True
            self._stream.close()
        else:
            self._body += chunk

    def finish(self) -> None:
        self._whole = True

    def on_connection_close(self) -> None:
        """It says so by never finishing."""

    def response(self, place: str) -> Response:
        if self._too_large:
            raise NodeError(f"the answer of {place} is over {self._max_body} bytes", "http_too_large")
        if not self._whole:
            raise NodeError(f"the answer of {place} broke off, or isn't HTTP", "http_failed")
        headers = {name.lower(): value for name, value in self._headers.items()}
        return Response(self._status, headers, bytes(self._body))


def _send(connection: HTTP1Connection, request: Request, url: SplitResult) -> None:
    headers = HTTPHeaders(request.headers)
    headers["Host"] = url.netloc
    headers["Connection"] = "close"
    if request.body is not None:
        headers["Content-Length"] = str(len(request.body))
    elif request.method in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = "0"
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    connection.write_headers(RequestStartLine(request.method, target, "HTTP/1.1"), headers)
    if request.body:
        connection.write(request.body)
    connection.finish()


def redirected(request: Request, status: int, location: str) -> Request:
    """Return the request that a redirect asks for (RFC 9110, 15.4); secrets stay with their origin."""
    url = urljoin(request.url, location)
    method, body, headers = request.method, request.body, request.headers
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", None
        headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
    if _origin(url) != _origin(request.url):
        headers = {name: value for name, value in headers.items() if name not in _FOR_ORIGIN}
    return Request(method, url, headers, body)


def parse_url(text: str) -> SplitResult:
    """Return the parts of an absolute http or https URL.

    Raises:
        NodeError: `http_request`.
    """
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - parsed, and checked, when looked at
    except ValueError as error:
        raise NodeError(f"the URL isn't one: {error}", "http_request") from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise NodeError("the URL should begin with http:// or https:// and name a host", "http_request")
    if url.username is not None or url.password is not None:
        raise NodeError("the URL holds a password; use an Authorization header", "http_request")
    if not text.isascii() or re.search(r"[\x00-\x20\x7f\\]", text):
        raise NodeError("the URL holds characters that should be percent-encoded", "http_request")
    return url


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that would break the framing of the request.

    Raises:
        NodeError: `http_request`.
    """
    for name, value in headers.items():
        if name.lower() in _OURS:
            raise NodeError(f"the header {name!r} is set by the node itself", "http_request")
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise NodeError(f"the header {name!r} holds characters that no header may", "http_request")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = parse_url(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _place(url: str) -> str:
    """The URL without its query, which may hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
