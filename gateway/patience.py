"""Peers that don't read what they asked for: their connections are closed after a while.

Tornado waits without end for its writes. So whoever asks for pages and reads none of them, or a byte now and then,
would hold a descriptor and an answer for each connection, for as long as it likes, and needs no key for that. What
counts is what the peer's system has acknowledged: what lies in ours may be megabytes that nobody took. An answer may
take as long as a slow line needs, of a kilobyte a second, say.
"""

from __future__ import annotations

import asyncio
import math
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

from tornado.iostream import IOStream

LEAST_RATE: Final = 256
"""Bytes a second that a peer has to take while something waits for it, on average over its patience."""
LOOKS: Final = 4
"""How often its progress is looked at within the patience."""
HURRY: Final = 4
"""Into what part of the time for a drain the patience with a peer has to fit then."""


class Pace:
    """Whether a peer takes enough of what waits for it: within each `patience` all that waited, or `LEAST_RATE` of it.

    Args:
        patience: in seconds.
        now: seconds, only forward.
        taken: bytes so far, as all that follow.
        waiting: bytes that it could take now.
    """

    __slots__ = ("_enough", "_patience", "_since", "_taken")

    def __init__(self, patience: float, now: float, taken: int, waiting: int) -> None:
        self._patience = patience
        self._begin(now, taken, waiting)

    def look(self, now: float, taken: int, waiting: int) -> bool | None:
        """Return True if it has taken enough, and begin anew; False if it hasn't and its time is over; else None."""
        if taken - self._taken >= self._enough:
            self._begin(now, taken, waiting)
            return True
        return None if now - self._since < self._patience else False

    def _begin(self, now: float, taken: int, waiting: int) -> None:
        self._since = now
        self._taken = taken
        self._enough = min(waiting, LEAST_RATE * self._patience)


class PatientStream(IOStream):
    """A stream that is closed if its peer doesn't take enough of what waits for it; see `Pace`.

    Attributes:
        patience: in seconds; a quarter of it may come on top until it is noticed. Without end for nobody's.
        when_slow: is called in place of closing.
    """

    patience = math.inf
    when_slow: Callable[[], Any] | None = None
    _pace: Pace | None = None
    _timer: asyncio.TimerHandle | None = None

    def hurry(self, patience: float) -> None:
        """Have no more patience than that, from now on."""
        self.patience = min(self.patience, patience)
        self._rest()
        self._watch()

    def taken(self) -> int:
        """Return how many bytes the peer has taken of all that was written."""
        return self._standing()[0]

    def close_fd(self) -> None:
        """Close, and look no more."""
        self._rest()
        super().close_fd()

    def _handle_write(self) -> None:
        super()._handle_write()
        if self._timer is None:
            self._watch()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        if self._write_buffer and self.patience < math.inf and not self.closed():
            self._pace = Pace(self.patience, asyncio.get_running_loop().time(), *self._standing())
            self._wait()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.patience / LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._write_buffer or self._pace is None or self.closed():
            return  # the next write that has to wait is looked at from its beginning
        if self._pace.look(asyncio.get_running_loop().time(), *self._standing()) is False:
            (self.when_slow or self.close)()
        else:
            self._wait()

    def _standing(self) -> tuple[int, int]:
        """Return how many bytes the peer has taken, and how many wait for it, here and in the system."""
        sent = _unacknowledged(self.fileno())
        return self._total_write_done_index - sent, len(self._write_buffer) + sent


def _unacknowledged(descriptor: Any) -> int:
    """Return the bytes that the system holds for a socket's peer; none where it doesn't tell."""
    if sys.platform == "win32":
        return 0
    import fcntl
    import termios

    try:
        (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0"))
    except OSError:
        return 0
    found: int = count
    return found
