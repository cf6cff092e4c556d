"""The trace that a command belongs to: as its sender said, or as the span that is recorded of it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tornado.httputil import HTTPHeaders

from ..actors.core.errors import SessiondError
from ..actors.tracing import Tracing, traceparent

HEADER = "traceparent"


def trace_of(headers: HTTPHeaders) -> str | None:
    """Return what a request's header says; nothing if it is wrong, or there twice."""
    given = headers.get_list(HEADER)
    return traceparent(given[0]) if len(given) == 1 else None


@contextmanager
def traced(tracing: Tracing | None, name: str, parent: str | None, about: Mapping[str, Any]) -> Iterator[str | None]:
    """Record the body as a span, where spans are recorded; yield the trace that what it causes belongs to."""
    if tracing is None:
        yield parent
        return
    span = tracing.command(name, parent, dict(about))
    try:
        yield span.traceparent
    except BaseException as error:
        span.end("failed", error.code if isinstance(error, SessiondError) else type(error).__name__)
        raise
    span.end("completed")
