"""A session's events as server-sent events (WHATWG HTML, section 9.2), over the same subscription as the WebSocket.

`id:` is the seq, so a browser that reconnects says in `Last-Event-ID` where to go on. The stream ends after the
terminal event.
"""

from __future__ import annotations

import asyncio

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from ..actors.core.errors import Fault, InvalidInput
from ..actors.core.lifecycle import TERMINAL
from ..actors.core.segment import payloads
from ..actors.streams import Chunk, Subscription
from .endpoint import JsonHandler
from .framing import holds_end, live_notice, reset_notice
from .patience import HURRY, PatientStream
from .principal import Principal
from .problems import report
from .requests import EventQuery
from .wire import decode_query

HEARTBEAT = b":\n\n"
RETRY = b"retry: 1000\n\n"


class EventStream(JsonHandler):
    """Sends one session's events as text/event-stream."""

    _subscription: Subscription | None = None

    def methods(self) -> tuple[str, ...]:
        """A stream has no head without its body."""
        return ("GET",)

    async def get(self, session_id: str) -> None:
        """Send until the terminal event, or until either side leaves; a drain waits for the answer to end whole."""
        self.gateway.entered()
        try:
            await self._answer(session_id)
        finally:
            self.gateway.left()

    async def _answer(self, session_id: str) -> None:
        try:
            principal, name, after = await self._admit(session_id)
            self.gateway.enter(self, principal)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem
            report(error)
            self.write_problem(error)
            return
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        try:
            with self.gateway.following(principal, name, after) as subscription:
                self._subscription = subscription
                await self._send(subscription)
            await self.finish()
        except StreamClosedError:
            self.detach().close()
        except Exception as error:  # noqa: BLE001 - the headers are out: all that is left is to end the stream
            report(error)
            await self.finish()
        finally:
            self.gateway.leave(self)

    def on_connection_close(self) -> None:
        """The peer left."""
        self.leave()

    def leave(self) -> None:
        """End the stream; whose reader takes nothing of what is left isn't waited for."""
        if self._subscription is not None:
            self._subscription.close()
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection) and isinstance(connection.stream, PatientStream):
            connection.stream.hurry(self.gateway.settings.drain_s / HURRY)

    def expel(self) -> None:
        """End the stream: a client that comes back is told why."""
        self.leave()

    async def _admit(self, said: str) -> tuple[Principal, str, int]:
        gateway = self.gateway
        principal = gateway.admit(self.request, said)
        session_id = principal.session(said)
        query = decode_query(self.request.query_arguments, EventQuery)
        await gateway.row(session_id)
        last = self.request.headers.get("Last-Event-ID")
        if last is None:
            return principal, session_id, query.after
        if not (last.isascii() and last.isdigit() and len(last) <= 15):
            raise InvalidInput([Fault("Last-Event-ID", "should be a seq")], "the request")
        return principal, session_id, int(last)

    async def _send(self, subscription: Subscription) -> None:
        settings = self.gateway.settings
        await self._put(RETRY)
        pull = asyncio.ensure_future(subscription.pull())
        try:
            while True:
                done, _ = await asyncio.wait({pull}, timeout=settings.ping_s)
                if not done:
                    await self._put(HEARTBEAT)
                    continue
                chunk = pull.result()
                if chunk is None:
                    return
                await self._put(_text(subscription.session_id, chunk))
                if holds_end(chunk.data) or (chunk.live and await self._ended(subscription)):
                    return
                pull = asyncio.ensure_future(subscription.pull())
        finally:
            pull.cancel()

    async def _put(self, data: bytes) -> None:
        self.write(data)
        await self.flush()  # whose reader takes too little is closed; see `patience`

    async def _ended(self, subscription: Subscription) -> bool:
        row = await self.gateway.row(subscription.session_id)
        return row.status in TERMINAL and row.seq <= subscription.cursor


def _text(session_id: str, chunk: Chunk) -> bytes:
    """Return a chunk as event-stream text; payloads are JSON, so they hold no line break."""
    parts = [b"id: %d\ndata: %s\n\n" % (seq, data) for seq, data in enumerate(payloads(chunk.data), chunk.first_seq)]
    if chunk.reset is not None:
        parts.append(b"data: %s\n\n" % reset_notice(chunk.reset))
    if chunk.live:
        parts.append(b"data: %s\n\n" % live_notice(session_id, chunk.last_seq))
    return b"".join(parts)
