"""Errors as `application/problem+json` (RFC 9457), in one table: what goes wrong is told here and nowhere else."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from ..actors.core.errors import (
    CommandRefused,
    Conflict,
    Draining,
    Fault,
    Fenced,
    Forbidden,
    InvalidInput,
    LogTrimmed,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    Quarantined,
    SessiondError,
    StoreBroken,
    StoreFull,
    StoreUnavailable,
    Unavailable,
)

logger = logging.getLogger("sessiond.gateway")

MEDIA_TYPE: Final = "application/problem+json"
MOST_FAULTS: Final = 1_000
"""Faults of one input that are told: a body can hold more of them than the answer to it should."""


class RequestError(SessiondError):
    """The root of what can be wrong with an HTTP request before the engine sees it."""

    code = "bad_request"


class Malformed(RequestError):
    """The request can't be parsed: not HTTP as expected, or not JSON."""

    code = "malformed"


class MethodNotAllowed(RequestError):
    """The path exists, but not with this method; `allowed` names those that do."""

    code = "method_not_allowed"

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        self.allowed_methods = allowed
        super().__init__(f"{method!r} isn't allowed here; allowed: {', '.join(allowed)}")


class BodyTooLarge(RequestError):
    """The body is over the limit in bytes."""

    code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is over the limit of {limit} bytes")


class UnsupportedMediaType(RequestError):
    """The body isn't JSON by its Content-Type."""

    code = "unsupported_media_type"

    def __init__(self, found: str) -> None:
        super().__init__(f"the body should be application/json, not {found!r}")


class KeyReused(RequestError):
    """The Idempotency-Key came with another request before."""

    code = "key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for another request")


class KeyInUse(RequestError):
    """A request with this Idempotency-Key is still being answered."""

    code = "key_in_use"

    def __init__(self) -> None:
        super().__init__("a request with this Idempotency-Key is still being answered; try again for its answer")


class Unauthenticated(RequestError):
    """The request says not, or not rightly, who sends it; `challenge` is what the answer asks for (RFC 6750).

    Attributes:
        guessed: whether there was a credential, and it was wrong.
    """

    code = "unauthenticated"

    def __init__(self, message: str, error: str | None = None) -> None:
        self.guessed = error == "invalid_token"
        self.challenge = 'Bearer realm="sessiond"' + (f', error="{error}"' if error else "")
        super().__init__(message)


class TooManyRequests(RequestError):
    """A limit on what one tenant may do; `retry_after` is in seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class QuotaExceeded(TooManyRequests):
    """The tenant has as many unfinished sessions as it may."""

    code = "quota_exceeded"


class TooManyStreams(TooManyRequests):
    """The tenant has as many streams or subscriptions open as it may."""

    code = "too_many_streams"


class TooManyAnswers(TooManyRequests):
    """Too much of large answers waits for the tenant's clients to take it."""

    code = "too_many_answers"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error answer.

    Attributes:
        code: stable, for programs; `title` and `detail` are for people.
        session_status: of the session that refused a command.
        allowed: the commands it does allow.
        errors: each fault of an invalid input, with its path.
        first_seq: where a trimmed log begins, or the first seq after which its session can be forked; 0 for none.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    session_id: str | UnsetType = UNSET
    session_status: str | UnsetType = UNSET
    allowed: tuple[str, ...] | UnsetType = UNSET
    errors: list[Fault] | UnsetType = UNSET
    first_seq: int | UnsetType = UNSET


STATUS: Final[Mapping[type[SessiondError], HTTPStatus]] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    Fenced: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreBroken: HTTPStatus.SERVICE_UNAVAILABLE,
    Quarantined: HTTPStatus.INTERNAL_SERVER_ERROR,
    RequestError: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    KeyInUse: HTTPStatus.CONFLICT,
    SessiondError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The nearest ancestor of an error decides."""

_HIDDEN: Final = "the server met an error of its own; its log has the details"


def status_of(error: BaseException) -> HTTPStatus:
    """Return the HTTP status that tells of `error`."""
    for kind in type(error).__mro__:
        if (status := STATUS.get(kind)) is not None:
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: BaseException, session_id: str | None = None) -> Problem:
    """Return what a client is told of `error`; of an unexpected one, nothing but that it happened."""
    status = status_of(error)
    ours = status == HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Quarantined)
    known = isinstance(error, SessiondError) and not ours
    if session_id is None and isinstance(error, (OutcomeUnknown, Quarantined)):
        session_id = error.session_id
    code = error.code if isinstance(error, SessiondError) else "internal"
    refused = error if isinstance(error, CommandRefused) else None
    return Problem(
        type=f"urn:sessiond:problem:{code}",
        title=status.phrase,
        status=status.value,
        detail=_told(error) if known and isinstance(error, SessiondError) else _HIDDEN,
        code=code,
        session_id=session_id or UNSET,
        session_status=refused.status if refused else UNSET,
        allowed=refused.allowed if refused else UNSET,
        errors=error.faults[:MOST_FAULTS] if isinstance(error, InvalidInput) else UNSET,
        first_seq=error.first_seq if isinstance(error, LogTrimmed) else UNSET,
    )


def _told(error: SessiondError) -> str:
    """What a client is told; what a store says of itself may hold paths and addresses, and is only logged."""
    match error:
        case Quarantined():
            return f"session {error.session_id!r} is quarantined and left as it is: {error.cause.code}"
        case StoreFull():
            return "the store is full"
        case StoreUnavailable():
            return "the store doesn't answer; try again later"
        case StoreBroken():
            return "the store failed; the server's log has the details"
        case _:
            return error.detail


def headers_of(error: BaseException) -> dict[str, str]:
    """Return the headers that go with `error`: Retry-After in whole seconds, WWW-Authenticate, Allow."""
    if isinstance(error, (Unavailable, TooManyRequests)):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    if isinstance(error, (Fenced, KeyInUse)):
        return {"Retry-After": "1"}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": error.challenge}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(error.allowed_methods)}
    return {}


def report(error: BaseException, request_id: str | None = None) -> None:
    """Log an error that the client only hears of in general terms."""
    if status_of(error) == HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Quarantined):
        logger.error("a request failed inside", exc_info=error, extra={"request_id": request_id})


def close_code(error: BaseException) -> tuple[int, str]:
    """Return the WebSocket close code and reason (at most 123 bytes) that tell of `error`."""
    match error:
        case NotFound():
            return 4404, "unknown session"
        case Draining():
            return 1001, "going away"
        case InvalidInput():
            return 1008, clip(error.detail)
        case Unauthenticated():
            return 4401, clip(error.detail)
        case Forbidden():
            return 4403, clip(error.detail)
        case TooManyStreams():
            return 1013, clip(error.detail)
        case TooManyRequests():
            return 4429, clip(error.detail)
        case Overloaded() | Unavailable() | Fenced():
            return 1013, "try again later"
        case _:
            return 1011, "internal error"


def clip(text: str, limit: int = 120) -> str:
    """Return `text` cut to `limit` bytes of UTF-8."""
    return text.encode()[:limit].decode(errors="ignore")
