"""A gateway on a free port, with nodes that the test holds and lets go, and clients of every kind."""

from __future__ import annotations

import asyncio
import os
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from support.graphs import graph, registry
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse

from sessiond import Runtime
from sessiond.actors.core.ports import Store
from sessiond.gateway.client import Client
from sessiond.gateway.server import Server, serving
from sessiond.gateway.settings import Settings
from sessiond.gateway.tls import trusting

HELD = graph({"a": {"type": "held", "next_ids": ["b"]}, "b": {"type": "step"}}, workflow_id="held")
TALK = graph({"t": {"type": "talker"}}, workflow_id="talk")
REVIEW = graph({"ask": {"type": "human_review", "properties": {"prompt": "Good?"}}}, workflow_id="ask")


class Site:
    """A running gateway.

    Attributes:
        started: the ids of `held` and `talker` nodes, as they start.
        go: lets `held` nodes return and `talker` nodes end.
        trusted: by what its certificate is checked; None without TLS.
    """

    def __init__(self, server: Server, runtime: Runtime, client: Client, trusted: ssl.SSLContext | None = None) -> None:
        self.server = server
        self.runtime = runtime
        self.client = client
        self.trusted = trusted
        self.started: asyncio.Queue[str] = asyncio.Queue()
        self.go = asyncio.Event()
        self._http = AsyncHTTPClient(force_instance=True)

    @property
    def url(self) -> str:
        return self.server.url

    async def fetch(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """Send a request; whatever the answer, return it."""
        given = headers if headers is not None else ({} if body is None else {"Content-Type": "application/json"})
        request = HTTPRequest(
            self.url + path, method, given, body, allow_nonstandard_methods=True, ssl_options=self.trusted
        )
        return await self._http.fetch(request, raise_error=False)

    async def post(self, path: str, body: Any) -> HTTPResponse:
        return await self.fetch("POST", path, msgspec.json.encode(body))

    async def send(self, data: bytes) -> bytes:
        """Send raw bytes over a connection of their own and return all that comes back."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        where = urlsplit(self.url)
        return await asyncio.open_connection(where.hostname, where.port, ssl=self.trusted)

    async def socket(self, path: str, headers: str = "") -> RawSocket:
        return await RawSocket.connect(self.url, path, headers, self.trusted)

    def close(self) -> None:
        self._http.close()


@asynccontextmanager
async def site_on(store: str | Store, ca: str | Path | None = None, **given: Any) -> AsyncIterator[Site]:
    """Serve a store; over TLS if the settings say so, with a certificate of authority `ca`."""
    types = registry()
    settings = Settings(port=0, **given)
    async with (
        Runtime.open(store, registry=types, options=settings.options()) as runtime,
        serving(runtime, settings) as server,
        Client(server.url, ca=ca) as client,
    ):
        site = Site(server, runtime, client, None if ca is None else trusting(Path(ca)))

        @types.node("held")
        async def held(context: Any) -> Any:
            site.started.put_nowait(context.node_id)
            await site.go.wait()
            return context.node_id

        @types.node("talker")
        async def talker(context: Any) -> Any:
            site.started.put_nowait(context.node_id)
            count = 0
            while not site.go.is_set():
                await context.checkpoint()
                await context.emit(f"{count} ")
                count += 1
                await asyncio.sleep(0)
            return count

        yield site
        site.close()


def problem(response: HTTPResponse, status: int) -> dict[str, Any]:
    """The problem in an answer."""
    assert response.code == status, response.body
    assert response.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = msgspec.json.decode(response.body)
    assert found["status"] == status
    assert b"Traceback" not in response.body
    return found


class RawSocket:
    """A WebSocket client that sees frames as they are, and reads only when told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str, path: str, headers: str = "", trusted: ssl.SSLContext | None = None) -> RawSocket:
        host, port = urlsplit(url).hostname, urlsplit(url).port
        reader, writer = await asyncio.open_connection(host, port, limit=4096, ssl=trusted)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n".encode()
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        socket = cls(reader, writer)
        if not answer.startswith(b"HTTP/1.1 101 "):
            await socket.close()
            raise ConnectionRefusedError(answer)
        return socket

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        first, size = await self._reader.readexactly(2)
        assert first & 0xF0 == 0x80, f"a frame begins with {first:#x}"
        if size == 126:
            (size,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
        return first & 0x0F, await self._reader.readexactly(size)

    async def message(self) -> dict[str, Any]:
        """The next text frame, decoded; pings are answered on the way."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 9:
                await self.send(10, payload)
            elif opcode == 1:
                found: dict[str, Any] = msgspec.json.decode(payload)
                return found
            else:
                raise AssertionError(f"a frame of kind {opcode}: {payload!r}")

    async def until(self, event: str) -> list[dict[str, Any]]:
        """Messages up to the first of that name."""
        seen = [await self.message()]
        while seen[-1]["event"] != event:
            seen.append(await self.message())
        return seen

    async def close_code(self) -> int:
        """The code with which the server closes; what it still sends before is read over."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 8:
                await self.close()
                return int.from_bytes(payload[:2], "big")

    async def send(self, opcode: int, payload: bytes = b"") -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        size = len(payload)
        head = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._writer.write(bytes((0x80 | opcode,)) + head + mask + masked)
        await self._writer.drain()

    async def send_raw(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self._writer.write(data)
        await self._writer.drain()

    async def announce(self, size: int) -> None:
        """Send the head of a text frame of that size, and nothing of it."""
        self._writer.write(bytes((0x81, 0x80 | 127)) + size.to_bytes(8, "big") + os.urandom(4))
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def seqs(messages: list[dict[str, Any]]) -> list[int]:
    """The seqs of those messages that are events."""
    return [message["seq"] for message in messages if "seq" in message]
