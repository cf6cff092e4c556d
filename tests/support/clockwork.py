"""A wall clock that tests set."""

from __future__ import annotations

import time


class Clockwork:
    """The machine's clock, set ahead by the test."""

    ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead
