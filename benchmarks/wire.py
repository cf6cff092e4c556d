"""Clients that cost less than the server: requests over one kept connection, and watchers that decode nothing.

A watcher reads frame headers and looks for bytes: that the next seq stands where it must, and the event's name. One
that decoded JSON would need more time for an event than the server does, and the benchmark would measure it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, cast

HOST: Final = "127.0.0.1"
API: Final = "/api/v1"
TOKEN: Final = b'"event":"token_stream"'
END: Final = b'"event":"execution:completed"'
LIVE: Final = b'"event":"stream:live"'
_TAIL: Final = 64
"""Bytes that are kept of what was read, to find names that two reads cut apart; more than a name has."""


class Http:
    """One connection, one request at a time; JSON both ways."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.close()

    async def get(self, path: str) -> Any:
        return await self._ask(f"GET {API}{path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())

    async def post(self, path: str, body: Any, method: str = "POST") -> Any:
        data = json.dumps(body).encode()
        head = f"{method} {API}{path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        return await self._ask(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    async def keep(self, workflow: dict[str, Any]) -> None:
        """Store a workflow, so that sessions can be started by its id."""
        await self.post(f"/workflows/{workflow['workflow_id']}", workflow, "PUT")

    async def control(self, session_id: str, action: str) -> Any:
        return await self.post(f"/sessions/{session_id}/control", {"action": action})

    async def _ask(self, request: bytes) -> Any:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            int(line.partition(":")[2]) for line in head.splitlines() if line.lower().startswith("content-length:")
        )
        body = await self._reader.readexactly(length)
        status = head.split(" ", 2)[1]
        assert status.startswith("2"), f"{status}: {body.decode()}"
        return json.loads(body)


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Http]]:
    """So many connections; whoever works takes one out of the list, and puts it back."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Http(port)) for _ in range(count)]


class Socket(asyncio.Protocol):
    """A WebSocket on which the server speaks; what is read goes to `read`.

    Pings aren't answered: what the server can send counts as a sign of life too, and silence is short here.

    Attributes:
        live: done when all that was stored has been read.
        ended: done when the terminal event has been read, else with why it never will be.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._head: bytes | None = b""
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        self.live: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()

    async def open(self, port: int) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, port)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(
            f"GET {API}{self._path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        for waited in (self.live, self.ended):
            if not waited.done():
                waited.set_exception(ConnectionError(f"{self._path} was closed early: {exc}"))
                waited.exception()  # whoever waits for it gets it; nobody has to

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            self.read(data)
            return
        head, found, rest = (self._head + data).partition(b"\r\n\r\n")
        self._head = None if found else head
        if found:
            assert head.startswith(b"HTTP/1.1 101 "), head
            if rest:
                self.read(rest)

    def read(self, data: bytes) -> None:
        raise NotImplementedError

    def done(self, waited: asyncio.Future[None]) -> None:
        if not waited.done():
            waited.set_result(None)


class Watcher(Socket):
    """Follows one session from its first event, frame by frame.

    Attributes:
        last: the seq of the last event.
        tokens: how many of the events were tokens.
        gaps: events that weren't the next.
        bytes: of all events, without the heads of their frames.
    """

    def __init__(self, session_id: str, query: str = "") -> None:
        super().__init__(f"/sessions/{session_id}/events{query}")
        self.last = 0
        self.tokens = 0
        self.gaps = 0
        self.bytes = 0
        self._rest = b""

    def read(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        size, at = len(data), 0
        while size - at >= 4:
            length, head = data[at + 1], at + 2
            if length == 126:
                length, head = data[at + 2] << 8 | data[at + 3], at + 4
            elif length == 127:
                length, head = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            end = head + length
            if end > size:
                break
            if data.startswith(b'{"seq":%d,' % (self.last + 1), head):
                self.last += 1
                self.bytes += length
                if data.find(TOKEN, head, end) >= 0:
                    self.tokens += 1
                else:
                    self.other(data[head:end])
            elif data[at] == 0x81:  # a text frame; a ping is nothing to count
                self._notice(data[head:end])
            at = end
        self._rest = data[at:]

    def other(self, event: bytes) -> None:
        """An event that isn't a token."""
        if END in event:
            self.done(self.ended)

    def _notice(self, payload: bytes) -> None:
        if LIVE in payload:
            self.done(self.live)
        else:
            self.gaps += 1


class Counter(Socket):
    """Counts the tokens of one session in whatever is read, without a look at frames.

    Attributes:
        tokens: how many there were.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(f"/sessions/{session_id}/events")
        self.tokens = 0
        self._tail = b""

    def read(self, data: bytes) -> None:
        data = self._tail + data
        self.tokens += data.count(TOKEN) - self._tail.count(TOKEN)
        self._tail = data[-_TAIL:]
        if not self.live.done() and LIVE in data:
            self.done(self.live)
        if END in data:
            self.done(self.ended)
