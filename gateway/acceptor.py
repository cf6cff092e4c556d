"""Accepts connections while there are file descriptors to spare, and sheds the others.

A server that accepts until `accept` fails has none left for its store either, and since the connection still waits
in the backlog, its loop spins. So connections are taken only below a mark: above it they are told 503 (nothing, where
TLS is expected) and closed, a few at a time with a rest between. A descriptor's number is the lowest that is free, so
it tells how many are in use.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from tornado.ioloop import IOLoop

logger = logging.getLogger("sessiond.gateway")

AT_ONCE: Final = 128
"""Connections that are accepted in one turn of the loop, at most."""
TURN_S: Final = 0.002
"""Seconds that accepting may take in one turn: in a storm of connections, those who are in get their turns too."""
SHED_AT_ONCE: Final = 16
"""Connections that are shed before a rest."""
REST_S: Final = 0.1
"""Seconds of rest after shedding; ten times that if not even shedding was possible."""
LOG_S: Final = 10.0
"""Seconds between two lines about it."""
BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Acceptor:
    """Accepts for one listening socket, on the running loop.

    Args:
        listening: non-blocking; closed with this.
        take: is given each accepted connection and its peer's address.
        mark: connections whose descriptor is this or higher are shed; None to shed none.
        answer: what those are told.

    Attributes:
        shed: how many were.
    """

    def __init__(
        self,
        listening: socket.socket,
        take: Callable[[socket.socket, Any], None],
        mark: int | None,
        answer: bytes = BUSY,
    ) -> None:
        self._listening = listening
        self._take = take
        self._mark = sys.maxsize if mark is None else mark
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._io = IOLoop.current()
        self._rest: asyncio.TimerHandle | None = None
        self._logged_at = -LOG_S
        self._closed = False
        self.shed = 0
        self._io.add_handler(listening, self._ready, IOLoop.READ)

    def close(self) -> None:
        """Accept no more."""
        if self._closed:
            return
        self._closed = True
        if self._rest is None:
            self._io.remove_handler(self._listening)
        else:
            self._rest.cancel()
        self._listening.close()

    def _ready(self, *_event: Any) -> None:
        shed = 0
        until = time.monotonic() + TURN_S
        for count in range(AT_ONCE):
            if self._closed:
                return
            if count and time.monotonic() > until:
                break
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                break
            except OSError as error:  # no descriptor, or no memory, for anything
                self._note("none can be accepted: %s", error)
                self._pause(10 * REST_S)
                return
            if connection.fileno() < self._mark:
                self._take(connection, address)
                continue
            _refuse(connection, self._answer)
            shed += 1
            if shed >= SHED_AT_ONCE:
                break
        if shed:
            self.shed += shed
            self._note("%d connections were shed so far: too few file descriptors are left", self.shed)
            self._pause(REST_S)

    def _pause(self, seconds: float) -> None:
        self._io.remove_handler(self._listening)
        self._rest = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._rest = None
        self._io.add_handler(self._listening, self._ready, IOLoop.READ)

    def _note(self, text: str, what: object) -> None:
        now = self._loop.time()
        if now >= self._logged_at + LOG_S:
            self._logged_at = now
            logger.warning(text, what)


def _refuse(connection: socket.socket, answer: bytes) -> None:
    """Answer if that takes no waiting, and close."""
    try:
        connection.setblocking(False)
        connection.send(answer)
    except OSError:
        pass
    finally:
        connection.close()


def file_mark(spare: int) -> int | None:
    """Return the descriptor from which on connections are to be shed, so that `spare` are left; None for no limit.

    With a limit so low that little would be left, half of it is for connections.
    """
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else max(limit - spare, limit // 2)
