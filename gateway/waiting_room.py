"""What is answered before the store answers: the process lives, isn't ready, and accepts nothing.

A WebSocket's handshake is accepted all the same, and the socket closed with a code: a browser can't read a handshake
that failed, and would know no better than that nobody is there. Who may come from where is as it is later.
"""

from __future__ import annotations

from typing import Any, Final

from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from ..actors.core.errors import Forbidden, SessiondError, StoreUnavailable
from .browsers import SECURITY_HEADERS, BrowserPolicy
from .problems import MEDIA_TYPE, close_code, headers_of, problem_of
from .responses import Health
from .settings import Settings
from .socket_protocol import SocketProtocol, is_handshake
from .wire import encode

_NOT_YET: Final = StoreUnavailable("the store hasn't answered since the start")


class Waiting(RequestHandler):
    """Says what every answer says, and refuses who may not come from where it comes from."""

    def set_default_headers(self) -> None:
        """Say what every answer says; see `browsers`."""
        self.clear_header("Server")
        for name, value in SECURITY_HEADERS.items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """There is nothing to be cached."""
        return

    def prepare(self) -> None:
        """Refuse who may not come from where it comes from."""
        browsers: BrowserPolicy = self.settings["browsers"]
        try:
            browsers.check(self.request)
        except Forbidden as error:
            self._refuse(error)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what Tornado doesn't know, a method of nobody's say, as all else."""
        self._refuse(_NOT_YET)

    def _refuse(self, error: SessiondError) -> None:
        problem = problem_of(error)
        self.set_status(problem.status)
        self.set_header("Content-Type", MEDIA_TYPE)
        for name, value in headers_of(error).items():
            self.set_header(name, value)
        self.finish(encode(problem))


class NotYet(Waiting):
    """Answers every call as one that needs the store, but whether the process lives."""

    def _answer(self) -> None:
        if self.request.path == "/livez" and self.request.method in ("GET", "HEAD"):
            self.set_header("Content-Type", "application/json")
            self.finish(encode(Health()))
        else:
            self._refuse(_NOT_YET)

    get = post = put = delete = head = patch = options = _answer


class SocketNotYet(WebSocketHandler, Waiting):
    """Accepts a WebSocket and closes it at once, as one that needs the store."""

    def check_origin(self, origin: str) -> bool:
        """Let in whose page it was let in already: Tornado would let in our own only."""
        browsers: BrowserPolicy = self.settings["browsers"]
        return browsers.trusts(origin, self.request.headers)

    def get_websocket_protocol(self) -> SocketProtocol | None:
        """Return the connection, None for any version but RFC 6455's."""
        if self.request.headers.get("Sec-WebSocket-Version") != "13":
            return None
        return SocketProtocol(self, self.settings["most"], False)

    def open(self) -> None:
        """Say that it is to try again."""
        self.close(*close_code(_NOT_YET))

    def on_message(self, message: str | bytes) -> None:
        """Pass over what came before the peer knew."""


class WaitingRoom(Application):
    """Answers everything alike, whatever its path."""

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return what answers a request."""
        return self.get_handler_delegate(request, SocketNotYet if is_handshake(request) else NotYet)


def _unlogged(_handler: RequestHandler) -> None:
    """Write no line on each request: that the store is away is in the log already."""


def waiting_room(settings: Settings) -> Application:
    """Return what is served until the store answers."""
    return WaitingRoom(browsers=BrowserPolicy(settings), most=settings.max_message, log_function=_unlogged)
