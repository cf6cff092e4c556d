"""How long messages have waited in mailboxes, told from what a look finds and what an earlier look found.

Nothing is written down when a message is sent. A look remembers which message is next in each mailbox that isn't
empty; if it is still next at a later look, it has waited at least since. So a session that is stuck shows at the
second look, and one that is merely busy doesn't.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable


class MailboxAges:
    """Remembers the heads of mailboxes from one look to the next.

    Args:
        clock: seconds, only forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[object, float]] = {}
        self._seen: dict[Hashable, tuple[object, float]] = {}
        self._now = clock()

    def begin(self) -> None:
        """Begin a look at all mailboxes."""
        self._now, self._seen = self._clock(), {}

    def see(self, owner: Hashable, head: object) -> float:
        """Note whose next message this is; return for how many seconds it is known to have waited."""
        known = self._known.get(owner)
        since = known[1] if known is not None and known[0] is head else self._now
        self._seen[owner] = (head, since)
        return self._now - since

    def end(self) -> None:
        """The look is over: mailboxes that weren't seen are empty, or gone."""
        self._known, self._seen = self._seen, {}
