"""Who guesses is shut out for a while: failed credentials are counted for each remote address.

A key can't be guessed, so this isn't what keeps anybody out. It keeps a guesser from taking the server's time, and
makes the attempt visible. Behind a proxy all requests come from its address: leave this to the proxy there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from ..actors.core.token_bucket import TokenBucket
from .problems import TooManyRequests

MOST_ADDRESSES: Final = 10_000
"""Addresses that are remembered; beyond that, those that failed least recently for the first time are forgotten."""


class LockedOut(TooManyRequests):
    """Too many credentials that came from this address were wrong."""

    code = "locked_out"


class Lockout:
    """Counts failures by address.

    Args:
        per_minute: wrong credentials that an address may send a minute, and at once; 0 for any number.
        clock: seconds, only forward.

    Attributes:
        failures: wrong credentials so far.
        refusals: requests that were refused unseen.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self.failures = 0
        self.refusals = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def check(self, address: str) -> None:
        """Let a request's credential be looked at, or not.

        Raises:
            LockedOut: its address has failed too often.
        """
        bucket = self._buckets.get(_network(address))
        if bucket is None:
            return
        now = self._clock()
        if bucket.full(now):
            del self._buckets[_network(address)]
        elif wait := bucket.wait(now):
            self.refusals += 1
            raise LockedOut("too many wrong credentials came from this address", wait)

    def failed(self, address: str) -> None:
        """Count a wrong credential."""
        self.failures += 1
        if not self._per_minute:
            return
        network = _network(address)
        bucket = self._buckets.get(network)
        if bucket is None:
            if len(self._buckets) >= MOST_ADDRESSES:
                self._buckets.pop(next(iter(self._buckets)))
            bucket = self._buckets[network] = TokenBucket(self._per_minute / 60, self._per_minute)
        bucket.take(self._clock())


def _network(address: str) -> str:
    """Return what one sender has: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))
