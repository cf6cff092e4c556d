"""What every WebSocket of the gateway has: signs of life, whole writes, and an end that is told.

Frames that are ready to send go to the connection's stream as they are, many in one write. Tornado's own frames
(pong, ping, close) are whole writes to the same stream too: none can land inside another.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from .browsers import BrowserPolicy
from .call import Gateway, Route
from .deflate import agree, deflated
from .endpoint import JsonHandler
from .patience import LEAST_RATE, PatientStream
from .problems import Malformed
from .socket_protocol import SocketProtocol, is_handshake

logger = logging.getLogger("sessiond.gateway")

GOING_AWAY: Final = 1001
EXPIRED: Final = 4401
SLOW: Final = 4408


class LiveSocket(WebSocketHandler, JsonHandler):
    """A WebSocket that sends events; what is no handshake is answered like any other request."""

    def initialize(self, gateway: Gateway, routes: Mapping[str, Route]) -> None:
        """Take what all requests share."""
        super().initialize(gateway, routes)
        self._pulse: Pulse | None = None
        self._seen = (0, 0.0)

    def methods(self) -> tuple[str, ...]:
        """A handshake is a GET."""
        return ("GET",)

    def prepare(self) -> None:
        """Refuse what is no handshake as a problem; Tornado would answer with text that says it is HTML."""
        if self.request.method == "GET" and not is_handshake(self.request):
            self.write_problem(Malformed("the request asks for a WebSocket, and isn't its handshake (RFC 6455)"))

    def check_origin(self, origin: str) -> bool:
        """Let our own pages in, and those of the origins that the settings name."""
        browsers: BrowserPolicy = self.settings["browsers"]
        return browsers.trusts(origin, self.request.headers)

    def get_websocket_protocol(self) -> SocketProtocol | None:
        """Return the connection, None for any version but RFC 6455's."""
        headers, settings = self.request.headers, self.gateway.settings
        if headers.get("Sec-WebSocket-Version") != "13":
            return None
        agreed = agree(headers.get("Sec-WebSocket-Extensions", "")) if settings.ws_compression else None
        if agreed is not None:
            self.set_header("Sec-WebSocket-Extensions", agreed)
        return SocketProtocol(self, settings.max_message, agreed is not None)

    def _detach_stream(self) -> IOStream:
        """Take the stream from the HTTP connection; Tornado would also bar ten methods, at 1.5 KB a socket."""
        return self.detach()

    def begin(self) -> None:
        """The upgrade is accepted: from here on the connection is looked after."""
        self.set_nodelay(True)
        if (stream := self._patient()) is not None:
            stream.when_slow = self._stalled  # says why it closes
        self._seen = (0, asyncio.get_running_loop().time())
        settings = self.gateway.settings
        self._pulse = Pulse(settings.ping_s, settings.stall_s, self._beat, self._stalled)

    def on_pong(self, data: bytes) -> None:
        """The peer is there."""
        self.felt()

    def on_close(self) -> None:
        """Let go of everything that belongs to the connection."""
        self.gateway.leave(self)
        if self._pulse is not None:
            self._pulse.stop()

    def leave(self) -> None:
        """Close, because the server goes away."""
        self.close(GOING_AWAY, "the server is going away")

    def expel(self) -> None:
        """Close, because the leave of whoever opened it has ended."""
        self.close(EXPIRED, "your leave has ended; authenticate again and come back with after")

    async def put(self, frames: bytes) -> None:
        """Write whole frames, and return when the socket has taken them.

        Raises:
            WebSocketClosedError, StreamClosedError: the peer left.
        """
        connection = self.ws_connection
        if connection is None or connection.is_closing() or connection.stream is None:
            raise WebSocketClosedError
        compresses = isinstance(connection, SocketProtocol) and connection.compresses
        written = connection.stream.write(deflated(frames) if compresses else frames)
        await (written if written.done() else asyncio.shield(written))  # Tornado looks at it when it is done
        self.felt()

    def felt(self) -> None:
        """The peer gave a sign of life."""
        if self._pulse is not None:
            self._pulse.felt()

    def _beat(self) -> None:
        stream, now = self._patient(), asyncio.get_running_loop().time()
        if stream is not None and not stream.closed():
            (before, since), self._seen = self._seen, (stream.taken(), now)
            if self._seen[0] - before >= LEAST_RATE * (now - since):
                self.felt()  # its pong may wait behind what it takes slowly, here or in the system
        try:
            self.ping()
        except (WebSocketClosedError, StreamClosedError):
            if self._pulse is not None:
                self._pulse.stop()

    def _stalled(self) -> None:
        if self._pulse is not None:
            self._pulse.stop()
        if (stream := self._patient()) is not None:
            stream.patience = math.inf  # once is enough: what is closed is given up soon
        logger.info("a stream is closed: its reader took too little for %s s", self.gateway.settings.stall_s)
        self.close(SLOW, "too slow; come back with after")

    def _patient(self) -> PatientStream | None:
        stream = None if self.ws_connection is None else self.ws_connection.stream
        return stream if isinstance(stream, PatientStream) else None


class Pulse:
    """Sends a sign of life every `ping_s` seconds, and gives up after `stall_s` without one from the peer.

    Tornado's own pings count only pongs, which wait behind whatever a slow reader hasn't read yet; here a
    finished write counts too.

    Args:
        spread: from 0 to 1; those who came together, after an outage, aren't to be pinged together for ever.
    """

    def __init__(
        self,
        ping_s: float,
        stall_s: float,
        beat: Callable[[], Any],
        stalled: Callable[[], Any],
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ping_s = ping_s
        self._stall_s = stall_s
        self._beat = beat
        self._stalled = stalled
        self._last = self._loop.time()
        self._timer = self._loop.call_later(min(ping_s, stall_s) * (1.0 - spread() / 2), self._tick)
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
