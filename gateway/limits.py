"""What one tenant may do at once and how fast, so that it leaves room for the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ..actors.core.token_bucket import Buckets
from .problems import TooManyRequests, TooManyStreams


class CommandRate:
    """Commands a second, for each tenant on its own.

    Args:
        rate: commands a second; 0 for any number.
        clock: seconds, only forward.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets = Buckets(rate, max(1.0, 2 * rate))

    def take(self, tenant: str) -> None:
        """Count a command.

        Raises:
            TooManyRequests: the tenant is too fast.
        """
        if not self._rate:
            return
        now = self._clock()
        if wait := self._buckets.of(tenant, now).take(now):
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
