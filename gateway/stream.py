"""A session's events over a WebSocket: stored ones first, then live, in the bytes they were stored in.

A subscription gives whole text frames, many at once. They go out as one write; the next ones are pulled when that
is through, so a slow reader holds back nothing but itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from ..actors.core.lifecycle import TERMINAL
from ..actors.streams import Subscription
from .call import Gateway, Route
from .framing import frames_of, holds_end
from .live_socket import LiveSocket
from .problems import close_code, report
from .requests import EventQuery
from .socket_protocol import forget_request
from .wire import decode_query


class EventSocket(LiveSocket):
    """Sends one session's events; takes no messages but pongs and the close."""

    def initialize(self, gateway: Gateway, routes: Mapping[str, Route]) -> None:
        """Take what all requests share."""
        super().initialize(gateway, routes)
        self._pump: asyncio.Task[None] | None = None

    def open(self, session_id: str) -> None:
        """Begin to send; refusals are close codes, since a browser can't read a failed handshake."""
        self.begin()
        self._pump = asyncio.get_running_loop().create_task(self._run(session_id))

    def on_message(self, message: str | bytes) -> None:
        """Refuse: commands have a socket of their own."""
        self.close(1008, "this socket takes no messages")

    def on_close(self) -> None:
        """Let go of everything that belongs to the connection."""
        super().on_close()
        if self._pump is not None:
            self._pump.cancel()

    async def _run(self, said: str) -> None:
        try:
            gateway = self.gateway
            principal = gateway.admit(self.request, said)
            session_id = principal.session(said)
            query = decode_query(self.request.query_arguments, EventQuery)
            gateway.enter(self, principal)
            forget_request(self)
            await gateway.row(session_id)
            with gateway.following(principal, session_id, query.after, query.seen) as subscription:
                await self._send(subscription, bool(query.close))
        except (StreamClosedError, WebSocketClosedError):
            return  # the peer left; on_close has been, or will be, called
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a close code
            report(error)
            self.close(*close_code(error))

    async def _send(self, subscription: Subscription, close_at_end: bool) -> None:
        while (chunk := await subscription.pull()) is not None:
            await self.put(frames_of(subscription.session_id, chunk))
            if close_at_end and (holds_end(chunk.data) or (chunk.live and await self._ended(subscription))):
                self.close(1000, "the session has ended")
                return

    async def _ended(self, subscription: Subscription) -> bool:
        """Whether nothing can follow, where the client has the terminal event already."""
        row = await self.gateway.row(subscription.session_id)
        return row.status in TERMINAL and row.seq <= subscription.cursor
