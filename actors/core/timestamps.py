"""Times on the wire: RFC 3339 in UTC, with `Z` and microseconds."""

from __future__ import annotations

import time
from datetime import datetime

_cached: tuple[int, str] = (-1, "")


def stamp(now: float) -> str:
    """Return `now`, seconds since the Unix epoch, as a timestamp."""
    global _cached  # one entry: the second that most calls share
    second, micros = divmod(int(now * 1_000_000), 1_000_000)
    cached_second, prefix = _cached
    if second != cached_second:
        prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _cached = (second, prefix)
    return f"{prefix}.{micros:06d}Z"


def epoch(timestamp: str) -> float:
    """Return a timestamp as seconds since the Unix epoch.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(timestamp).timestamp()
