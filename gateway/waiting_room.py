"""What is answered before the store answers: the process lives, isn't ready, and accepts nothing."""

from __future__ import annotations

from typing import Any, Final

from tornado.web import Application, RequestHandler

from ..actors.core.errors import StoreUnavailable
from .browsers import SECURITY_HEADERS
from .problems import MEDIA_TYPE, headers_of, problem_of
from .responses import Health
from .wire import encode

_NOT_YET: Final = StoreUnavailable("the store hasn't answered since the start")


class NotYet(RequestHandler):
    """Answers every call as one that needs the store, but whether the process lives."""

    def set_default_headers(self) -> None:
        """Say what every answer says; see `browsers`."""
        self.clear_header("Server")
        for name, value in SECURITY_HEADERS.items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """There is nothing to be cached."""
        return

    def _answer(self) -> None:
        if self.request.path == "/livez" and self.request.method in ("GET", "HEAD"):
            self.set_header("Content-Type", "application/json")
            self.finish(encode(Health()))
            return
        problem = problem_of(_NOT_YET)
        self.set_status(problem.status)
        self.set_header("Content-Type", MEDIA_TYPE)
        for name, value in headers_of(_NOT_YET).items():
            self.set_header(name, value)
        self.finish(encode(problem))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what Tornado doesn't know, a method of nobody's say, as all else."""
        self._answer()

    get = post = put = delete = head = patch = options = _answer


def _unlogged(_handler: RequestHandler) -> None:
    """Write no line on each request: that the store is away is in the log already."""


def waiting_room() -> Application:
    """Return what is served until the store answers."""
    return Application(default_handler_class=NotYet, log_function=_unlogged)
