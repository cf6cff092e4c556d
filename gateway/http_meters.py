"""What is counted of HTTP requests."""

from __future__ import annotations

from collections import Counter

from ..actors.core.meters import SECONDS, Histogram


class Requests:
    """Counts the answers to HTTP requests."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, str, int]] = Counter()
        self.seconds: dict[tuple[str, str], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one; `route` is the path with its placeholders."""
        self.answered[method, route, status] += 1
        histogram = self.seconds.get((method, route))
        if histogram is None:
            histogram = self.seconds[method, route] = Histogram(SECONDS)
        histogram.observe(seconds)
