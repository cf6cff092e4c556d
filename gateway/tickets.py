"""Tickets: what a browser puts into the URL of a stream, where it can't set headers.

URLs end up in logs and histories, so a ticket is worth little there: it opens one stream, once, within seconds.
Tickets are in memory only; after a restart a page asks for another.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from .principal import Principal
from .problems import TooManyRequests, Unauthenticated

LIFE_S: Final = 30.0
MOST: Final = 1_000
"""Tickets that a tenant may have open."""


class Ticket(msgspec.Struct, frozen=True):
    """What a ticket is worth; for every session of the tenant if `session_id` is None."""

    principal: Principal
    session_id: str | None
    expires_at: float


class Tickets:
    """The tickets that nobody has used yet, oldest first.

    Args:
        clock: seconds since the Unix epoch.
        chance: random bytes.
    """

    def __init__(self, clock: Callable[[], float], chance: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._clock = clock
        self._chance = chance
        self._open: dict[bytes, Ticket] = {}
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def issue(self, principal: Principal, session_id: str | None) -> tuple[str, float]:
        """Return a fresh ticket and when it ends; never later than the principal's own leave.

        Raises:
            TooManyRequests: the tenant has too many open.
        """
        self._purge()
        if self._of[principal.tenant] >= MOST:
            raise TooManyRequests(f"{MOST} tickets are open; each ends after {LIFE_S:.0f} s", LIFE_S)
        ends = self._clock() + LIFE_S
        shown = ends if principal.expires_at is None else min(ends, principal.expires_at)
        text = self._chance(32).hex()
        self._open[_digest(text)] = Ticket(principal, session_id, shown)
        self._of[principal.tenant] += 1
        return text, shown

    def redeem(self, text: str, session_id: str | None) -> Principal:
        """Use a ticket up, for the stream of a session, as its holder says it, or of many (None).

        Raises:
            Unauthenticated: it is none, was used, is over, or is for another session.
        """
        ticket = self._open.pop(_digest(text), None)
        if ticket is None:
            raise Unauthenticated("the ticket is unknown, used, or over", "invalid_token")
        self._forget(ticket)
        if self._clock() >= ticket.expires_at:
            raise Unauthenticated("the ticket is unknown, used, or over", "invalid_token")
        meant = None if session_id is None else ticket.principal.session(session_id)
        if ticket.session_id is not None and meant != ticket.session_id:
            raise Unauthenticated("the ticket is for another session", "invalid_token")
        return ticket.principal

    def _purge(self) -> None:
        now = self._clock()
        for key, ticket in list(self._open.items()):
            if ticket.expires_at > now:
                break  # those behind it are younger; one that ends early with its principal may wait
            del self._open[key]
            self._forget(ticket)

    def _forget(self, ticket: Ticket) -> None:
        tenant = ticket.principal.tenant
        self._of[tenant] -= 1
        if not self._of[tenant]:
            del self._of[tenant]


def _digest(text: str) -> bytes:
    """What is looked up: a digest, so that the time a look-up takes says nothing of the text."""
    return hashlib.sha256(text.encode(errors="replace")).digest()
