"""What is counted: plain numbers, which the hot path adds to and whoever wants to know reads. One loop's own."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds for durations."""
SIZES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Upper bounds for numbers of things."""


class Histogram:
    """How often values fell between bounds.

    Attributes:
        bounds: upper bounds, inclusive, rising.
        counts: how many values each bound took that no lower one did; the last is of those above all.
        sum: of all values.
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class StreamMeters:
    """Of an event hub.

    Attributes:
        events: published.
        bytes: of them, framed.
        log_reads: pages of the log that subscriptions read.
    """

    __slots__ = ("bytes", "events", "log_reads")

    def __init__(self) -> None:
        self.events = 0
        self.bytes = 0
        self.log_reads = 0


class SessionMeters:
    """Of the sessions of a runtime.

    Attributes:
        started: sessions that began to run.
        ended: sessions that ended, by status.
        recovery_s: seconds that it took to bring the sessions back that were at work; None before that is done.
    """

    __slots__ = ("ended", "recovery_s", "started")

    def __init__(self) -> None:
        self.started = 0
        self.ended: Counter[str] = Counter()
        self.recovery_s: float | None = None

    def recovered(self, seconds: float) -> None:
        """All sessions that were at work are back."""
        self.recovery_s = seconds


class WriterMeters:
    """Of a persistence actor.

    Attributes:
        seconds: from sending off a group of commits to its being stored.
        commits: in a group.
        errors: commits that were refused for good, and times that the store went away.
    """

    __slots__ = ("commits", "errors", "seconds")

    def __init__(self) -> None:
        self.seconds = Histogram(SECONDS)
        self.commits = Histogram(SIZES)
        self.errors = 0
