"""What the client is told, as errors: problems of answers (RFC 9457), and close codes of streams."""

from __future__ import annotations

from typing import Final

import msgspec

from ..actors.core.errors import Fault, NotFound, SessiondError

_FINAL_CODES: Final = frozenset({1008, 4401, 4403})
"""Close codes after which coming back makes no sense."""


class ProblemError(SessiondError):
    """The server refused a request.

    Attributes:
        status: of the HTTP answer.
        problem_code: the stable code of the problem.
        faults: what is wrong with the request, each with its path.
        session_status: of the session that refused a command.
        allowed: the commands it allows.
    """

    code = "problem"

    def __init__(self, status: int, problem: _Problem) -> None:
        self.status = status
        self.problem_code = problem.code
        self.faults = problem.errors
        self.session_status = problem.session_status
        self.allowed = problem.allowed
        super().__init__(problem.detail or f"HTTP {status}")


class BrokenSequence(SessiondError):
    """A stream left out or repeated a seq; it must never happen."""

    code = "broken_sequence"


class StreamRefused(SessiondError):
    """The server closed a stream for good; `close_code` says why."""

    code = "stream_refused"

    def __init__(self, close_code: int, reason: str) -> None:
        self.close_code = close_code
        super().__init__(f"the stream was refused ({close_code}): {reason}")


class _Problem(msgspec.Struct):
    detail: str = ""
    code: str = "unknown"
    errors: list[Fault] = []
    session_status: str | None = None
    allowed: tuple[str, ...] = ()


def problem_in(body: bytes) -> _Problem:
    """Return what an answer says of itself; little, if it isn't a problem."""
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        return _Problem()


def check_close(session_id: str, code: int | None, reason: str) -> None:
    """Look at why a stream was closed; return if it makes sense to come back.

    Raises:
        NotFound: there is no such session.
        StreamRefused: the reason will be the same next time.
    """
    if code == 4404:
        raise NotFound("session", session_id)
    if code in _FINAL_CODES:
        raise StreamRefused(code or 0, reason)
