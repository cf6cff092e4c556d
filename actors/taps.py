"""Taps: whoever follows all sessions at once, live only.

A tap is a bounded buffer of published segments. Over the bound it drops everything and says so: a follower that
lost something must come back, session by session; it never sees a gap without being told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .core.errors import SessiondError
from .core.segment import Segment

MAX_TAPPED: Final = 1_048_576
"""Bytes of segments that one tap may hold."""


class TapOverflow(SessiondError):
    """The follower of a tap fell too far behind; events were dropped, so it can't go on."""

    code = "tap_overflow"


class Tap:
    """One follower of every session that it may see.

    Args:
        sees: whether the follower may see a session, or wants to.
        lost: is called once, soon, when something had to be dropped.
        drop: takes the tap off the hub.
        bound: bytes that it may hold.
    """

    __slots__ = ("_bound", "_buffer", "_closed", "_drop", "_lost", "_overflowed", "_sees", "_size", "_waiter")

    def __init__(
        self,
        sees: Callable[[str], bool],
        lost: Callable[[], None],
        drop: Callable[[Tap], None],
        bound: int = MAX_TAPPED,
    ) -> None:
        self._sees = sees
        self._lost = lost
        self._drop = drop
        self._bound = bound
        self._buffer: list[bytes] = []
        self._size = 0
        self._overflowed = False
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    def push(self, session_id: str, segment: Segment) -> None:
        """Take a published segment."""
        if self._overflowed or not self._sees(session_id):
            return
        self._buffer.append(segment.data)
        self._size += len(segment.data)
        if self._size > self._bound and len(self._buffer) > 1:
            self._overflowed = True
            self._buffer = []
            self._size = 0
            asyncio.get_running_loop().call_soon(self._lost)  # the follower may be busy with what it took before
        self._wake()

    async def ready(self) -> bool:
        """Wait until there is something to take; False once closed."""
        while not (self._closed or self._buffer or self._overflowed):
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return not self._closed

    def take(self) -> bytes:
        """Return all framed events that wait, in the order of their publication.

        Raises:
            TapOverflow: some were dropped.
        """
        if self._overflowed:
            raise TapOverflow(f"more than {self._bound} bytes of events waited")
        data = b"".join(self._buffer)
        self._buffer = []
        self._size = 0
        return data

    def close(self) -> None:
        """End the tap; a waiting `ready` returns False."""
        if not self._closed:
            self._closed = True
            self._drop(self)
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
