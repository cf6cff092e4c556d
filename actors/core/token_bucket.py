"""Rates with room for bursts (J. Turner, 1986), one alone or one for each of many names."""

from __future__ import annotations

from typing import Final

MOST: Final = 10_000
"""Names whose rate is remembered, unless it is said otherwise."""


class TokenBucket:
    """Filled at `rate` a second, up to `burst`; full at first."""

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

    def spend(self, amount: float, now: float) -> None:
        """Take what is used up already, whether it is there or not; who took too much is in debt."""
        self._fill(now)
        self._left -= amount

    def wait(self, now: float, need: float = 1.0) -> float:
        """Return seconds until there is as much as `need`; 0 if there is, and leave it."""
        left = self.left(now)
        return 0.0 if left >= need else (need - left) / self._rate

    def left(self, now: float) -> float:
        """Return how much there is; less than none for who is in debt."""
        self._fill(now)
        return self._left

    def full(self, now: float) -> bool:
        """Return whether forgetting it would change nothing."""
        return self.left(now) >= self._burst

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now


class Buckets:
    """A bucket for each name. Over `most` of them, the tenth that has most left is forgotten: the quiet go first."""

    def __init__(self, rate: float, burst: float, most: int = MOST) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, name: str, now: float) -> TokenBucket:
        """Return the bucket of a name, a full one if it is new."""
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= self._most:
                self._forget(now)
            bucket = self._buckets[name] = TokenBucket(self._rate, self._burst)
        return bucket

    def _forget(self, now: float) -> None:
        busiest = sorted(self._buckets.items(), key=lambda item: item[1].left(now))
        self._buckets = dict(busiest[: self._most * 9 // 10])
