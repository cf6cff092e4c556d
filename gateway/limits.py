"""What one tenant may do at once and how fast, so that it leaves room for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from .problems import TooManyRequests, TooManyStreams

MOST_BUCKETS: Final = 10_000
"""Tenants whose rate is remembered; beyond that, those who have been quiet are forgotten."""


class TokenBucket:
    """A rate with room for bursts (J. Turner, 1986): filled at `rate` a second, up to `burst`."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def take(self, now: float) -> float:
        """Take one at `now`, in seconds of a clock that only goes forward; return 0, or seconds until there is one."""
        if not (wait := self.wait(now)):
            self._left -= 1.0
        return wait

    def wait(self, now: float) -> float:
        """Return seconds until there is one to take; 0 if there is, and leave it."""
        self._fill(now)
        return 0.0 if self._left >= 1.0 else (1.0 - self._left) / self._rate

    def full(self, now: float) -> bool:
        """Return whether forgetting it would change nothing."""
        self._fill(now)
        return self._left >= self._burst

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now


class CommandRate:
    """Commands a second, for each tenant on its own.

    Args:
        rate: commands a second; 0 for any number.
        clock: seconds, only forward.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = max(1.0, 2 * rate)
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, tenant: str) -> None:
        """Count a command.

        Raises:
            TooManyRequests: the tenant is too fast.
        """
        if not self._rate:
            return
        now = self._clock()
        bucket = self._buckets.get(tenant)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets = {name: kept for name, kept in self._buckets.items() if not kept.full(now)}
            bucket = self._buckets[tenant] = TokenBucket(self._rate, self._burst)
        if wait := bucket.take(now):
            raise TooManyRequests(f"the limit is {self._rate:g} commands a second", wait)


class Tally:
    """How many of something each tenant has open, and the most it may have."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self._open: Counter[str] = Counter()

    def enter(self, tenant: str) -> None:
        """Count one more.

        Raises:
            TooManyStreams: the tenant has the most already.
        """
        if self._open[tenant] >= self._most:
            raise TooManyStreams(f"{self._most} {self._what} are open, which is the limit for one tenant")
        self._open[tenant] += 1

    def leave(self, tenant: str) -> None:
        """Count one less."""
        self._open[tenant] -= 1
        if self._open[tenant] <= 0:
            del self._open[tenant]

    def of(self, tenant: str) -> int:
        """Return how many a tenant has open."""
        return self._open[tenant]
