"""A session's events over a WebSocket: stored ones first, then live, in the bytes they were stored in.

A subscription gives whole text frames, many at once. They go to the connection's stream as one write; the next
ones are pulled when that is through, so a slow reader holds back nothing but itself. Tornado's own frames (pong,
ping, close) are whole writes to the same stream too: none can land inside another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ..actors.lifecycle import TERMINAL
from ..actors.streams import Subscription
from .browsers import BrowserPolicy
from .call import Gateway
from .framing import holds_end, live_frame
from .problems import close_code, report
from .wire import EventQuery, decode_query

logger = logging.getLogger("sessiond.gateway")

GOING_AWAY: Final = 1001
EXPIRED: Final = 4401
SLOW: Final = 4408


class EventSocket(WebSocketHandler):
    """Sends one session's events; takes no messages but pongs and the close."""

    gateway: Gateway

    def initialize(self, gateway: Gateway) -> None:
        """Take what all requests share."""
        self.gateway = gateway
        self._pump: asyncio.Task[None] | None = None
        self._pulse: Pulse | None = None

    def check_origin(self, origin: str) -> bool:
        """Let our own pages in, and those of the origins that the settings name."""
        browsers: BrowserPolicy = self.settings["browsers"]
        return browsers.trusts(origin, self.request.headers)

    def log_exception(self, *info: Any) -> None:
        """Log a bug without the request: its URL may hold a ticket."""
        if info[1] is not None and not isinstance(info[1], HTTPError):
            report(info[1])

    def open(self, session_id: str) -> None:
        """Begin to send; refusals are close codes, since a browser can't read a failed handshake."""
        self.set_nodelay(True)
        settings = self.gateway.settings
        self._pulse = Pulse(settings.ping_s, settings.stall_s, self._beat, self._stalled)
        self._pump = asyncio.get_running_loop().create_task(self._run(session_id))

    def on_message(self, message: str | bytes) -> None:
        """Refuse: commands have a socket of their own."""
        self.close(1008, "this socket takes no messages")

    def on_pong(self, data: bytes) -> None:
        """The peer is there."""
        if self._pulse is not None:
            self._pulse.felt()

    def on_close(self) -> None:
        """Let go of everything that belongs to the connection."""
        self.gateway.leave(self)
        if self._pulse is not None:
            self._pulse.stop()
        if self._pump is not None:
            self._pump.cancel()

    def leave(self) -> None:
        """Close, because the server goes away."""
        self.close(GOING_AWAY, "the server is going away")

    def expel(self) -> None:
        """Close, because the leave of whoever opened it has ended."""
        self.close(EXPIRED, "your leave has ended; authenticate again and come back with after")

    async def _run(self, said: str) -> None:
        try:
            gateway = self.gateway
            principal = gateway.admit(self.request, said)
            session_id = principal.session(said)
            query = decode_query(self.request.query_arguments, EventQuery)
            gateway.enter(self, principal)
            await gateway.runtime.row(session_id)
            with gateway.following(principal, session_id, query.after) as subscription:
                await self._send(subscription, bool(query.close))
        except (StreamClosedError, WebSocketClosedError):
            return  # the peer left; on_close has been, or will be, called
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a close code
            report(error)
            self.close(*close_code(error))

    async def _send(self, subscription: Subscription, close_at_end: bool) -> None:
        while (chunk := await subscription.pull()) is not None:
            data = chunk.data
            if chunk.live:
                data += live_frame(subscription.session_id, chunk.last_seq)
            await self._write(data)
            if close_at_end and (holds_end(chunk.data) or (chunk.live and await self._ended(subscription))):
                self.close(1000, "the session has ended")
                return

    async def _write(self, frames: bytes) -> None:
        """Write whole frames, and return when the socket has taken them."""
        connection = self.ws_connection
        if connection is None or connection.is_closing() or connection.stream is None:
            raise WebSocketClosedError
        await connection.stream.write(frames)
        if self._pulse is not None:
            self._pulse.felt()

    async def _ended(self, subscription: Subscription) -> bool:
        """Whether nothing can follow, where the client has the terminal event already."""
        row = await self.gateway.runtime.row(subscription.session_id)
        return row.status in TERMINAL and row.seq <= subscription.cursor

    def _beat(self) -> None:
        try:
            self.ping()
        except (WebSocketClosedError, StreamClosedError):
            if self._pulse is not None:
                self._pulse.stop()

    def _stalled(self) -> None:
        logger.info("a stream is closed: its reader took nothing for %s s", self.gateway.settings.stall_s)
        self.close(SLOW, "too slow; come back with after")


class Pulse:
    """Sends a sign of life every `ping_s` seconds, and gives up after `stall_s` without one from the peer.

    Tornado's own pings count only pongs, which wait behind whatever a slow reader hasn't read yet; here a
    finished write counts too.
    """

    def __init__(self, ping_s: float, stall_s: float, beat: Callable[[], Any], stalled: Callable[[], Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ping_s = ping_s
        self._stall_s = stall_s
        self._beat = beat
        self._stalled = stalled
        self._last = self._loop.time()
        self._timer = self._loop.call_later(min(ping_s, stall_s), self._tick)
        self._stopped = False

    def felt(self) -> None:
        """The peer gave a sign of life."""
        self._last = self._loop.time()

    def stop(self) -> None:
        """Beat no more."""
        self._stopped = True
        self._timer.cancel()

    def _tick(self) -> None:
        left = self._last + self._stall_s - self._loop.time()
        if left <= 0:
            self._stopped = True
            self._stalled()
            return
        self._beat()
        if not self._stopped:
            self._timer = self._loop.call_later(min(self._ping_s, left), self._tick)
