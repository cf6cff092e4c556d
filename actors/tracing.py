"""Distributed traces: the W3C `traceparent`, and the port to whatever records spans.

The engine itself treats the trace of a session as a text that its creation carried and its log keeps. So a trace goes
on over a crash: the process that takes over reads where it belongs from the log.
"""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Span(Protocol):
    """Something that takes time and belongs to a trace.

    Attributes:
        traceparent: what a request made within it says, so that whoever answers continues the trace.
    """

    traceparent: str | None

    def end(self, status: str, code: str | None = None) -> None:
        """It is over: `completed`, `failed` or `cancelled`; of a failure its code."""
        ...


class Tracing(Protocol):
    """Records spans. Where there is none, nothing is recorded, and nothing is spent on it."""

    def command(self, name: str, parent: str | None, attributes: dict[str, Any]) -> Span:
        """Begin the span of a request that continues `parent`."""
        ...

    def attempt(self, name: str, parent: str | None, attributes: dict[str, Any], *, again: bool) -> Span:
        """Begin the span of a node's attempt, in the trace of the session's creation.

        Args:
            name: of the span.
            parent: the session's trace.
            attributes: what it is about.
            again: whether an earlier attempt failed or was interrupted: the span then links to the creation.
        """
        ...


def traceparent(given: str | None) -> str | None:
    """Return a valid `traceparent` as version 00, None for anything else (W3C Trace Context, section 3.2).

    Of later versions that is read which version 00 has.
    """
    match = _TRACEPARENT.fullmatch(given.strip()) if given is not None else None
    if match is None:
        return None
    version, trace, parent, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not trace.strip("0") or not parent.strip("0"):
        return None
    return f"00-{trace}-{parent}-{int(flags, 16) & 1:02x}"
