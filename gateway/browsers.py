"""What browsers need to be kept from, and to be allowed: hosts, origins, CORS, headers.

A page of anybody's can make its visitor's browser send requests to a server on the visitor's machine. Two things
tell such a request: `Host`, which a page that rebinds its own name to 127.0.0.1 can't forge (DNS rebinding), and
`Origin`, which no page can forge. There are no cookies, so a request from elsewhere never carries authority of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest

from ..actors.core.errors import Forbidden
from .settings import LOOPBACK, Settings

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer. A page that we serve says a policy of its own."""
HSTS: Final = "max-age=31536000"
"""On answers over TLS: for a year, browsers come by HTTPS only (RFC 6797)."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS: Final = "GET, HEAD, POST, PUT, DELETE"
_ALLOWED: Final = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, traceparent, X-Request-Id"
)
_EXPOSED: Final = "ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id"
PREFLIGHT_S: Final = 600


class BrowserPolicy:
    """Which hosts this server answers to, and whose pages may use it."""

    def __init__(self, settings: Settings) -> None:
        self._origins = frozenset(origin.lower() for origin in settings.allowed_origins)
        self._schemes = ("https",) if settings.tls_cert is not None else ("https", "http")
        named = {host.lower() for host in settings.allowed_hosts}
        local = settings.host in LOOPBACK and not settings.authenticates
        self._hosts = named | set(LOOPBACK) if local else named

    def check(self, request: HTTPServerRequest) -> None:
        """Refuse what a foreign page had a browser send.

        Raises:
            Forbidden: the host isn't ours, or the origin may not change anything.
        """
        given = request.headers.get("Host")  # a browser always says it; HTTP/1.0 may not
        if self._hosts and given is not None and (host := _name(given)) not in self._hosts:
            raise Forbidden(f"this server doesn't answer to the host {host!r}; name it in allowed_hosts if it should")
        origin = request.headers.get("Origin")
        if origin is not None and _matters(request) and not self.trusts(origin, request.headers):
            raise Forbidden("pages of this origin may not use this server; name it in allowed_origins if they should")

    def trusts(self, origin: str, headers: HTTPHeaders) -> bool:
        """Return whether a page of `origin` may use this server: one of its own, or one that is named."""
        try:
            parts = urlsplit(origin.lower())
        except ValueError:  # half of an IPv6 address, say: no page has such an origin
            return False
        own = parts.netloc == headers.get("Host", "").lower() != "" and parts.scheme in self._schemes
        return own or origin.lower() in self._origins

    def cors(self, request: HTTPServerRequest) -> dict[str, str]:
        """Return the headers that let pages of a named origin read an answer (WHATWG Fetch, section 3.3)."""
        if not self._origins:
            return {}
        headers = {"Vary": "Origin"}
        origin = request.headers.get("Origin", "")
        if origin.lower() not in self._origins:
            return headers
        headers["Access-Control-Allow-Origin"] = origin
        if _is_preflight(request):
            headers["Access-Control-Allow-Methods"] = _METHODS
            headers["Access-Control-Allow-Headers"] = _ALLOWED
            headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
        else:
            headers["Access-Control-Expose-Headers"] = _EXPOSED
        return headers

    def answers_preflight(self, request: HTTPServerRequest) -> bool:
        """Return whether a request is a preflight of a named origin: it is answered without credentials."""
        return _is_preflight(request) and request.headers["Origin"].lower() in self._origins


def _matters(request: HTTPServerRequest) -> bool:
    """Whether a foreign page could gain by it: by a change, or by a WebSocket, which it may read as it may no answer.

    Tornado checks the origin of WebSockets too, but lets in whoever says `Sec-Fetch-Site: same-origin`, or another
    scheme at this host.
    """
    return request.method not in SAFE or "websocket" in request.headers.get("Upgrade", "").lower()


def _is_preflight(request: HTTPServerRequest) -> bool:
    names = request.headers
    return request.method == "OPTIONS" and "Origin" in names and "Access-Control-Request-Method" in names


def _name(host: str) -> str:
    """A Host header without its port; an IPv6 address without its brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
