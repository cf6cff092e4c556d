"""Clients that read slowly, and too slowly: real sockets, on a clock that the test sets ahead."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from support.frames import PONG, frame
from support.graphs import graph
from support.site import Site, site_on

from sessiond.gateway.patience import HURRY, LEAST_RATE, LOOKS

STALL_S: Final = 60.0
LOOK_S: Final = STALL_S / LOOKS
EVENTS: Final = "/api/v1/sessions/s1/events"
HOST: Final = "Host: localhost\r\n"
UPGRADE: Final = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
ASKS: Final = {
    "an answer": f"GET /openapi.json HTTP/1.1\r\n{HOST}\r\n" * 200,
    "an event stream": f"GET {EVENTS} HTTP/1.1\r\n{HOST}Accept: text/event-stream\r\n\r\n",
    "a socket": f"GET {EVENTS} HTTP/1.1\r\n{HOST}{UPGRADE}\r\n",
}
WIDE: Final = graph({"w": {"type": "wide"}})


class Ahead:
    """The loop's clock, set ahead by the test.

    Attributes:
        seconds: by which it is.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.seconds = 0.0
        real = self._loop.time
        vars(self._loop)["time"] = lambda: real() + self.seconds

    async def pass_by(self, seconds: float) -> None:
        """Have so much time pass, and whatever is due then happen."""
        self.seconds += seconds
        for _ in range(20):
            await asyncio.sleep(0)

    def reset(self) -> None:
        del vars(self._loop)["time"]


class Slow:
    """A client with little room, that takes what the test says."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._taken = 0
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)

    async def ask(self, text: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", int(self._site.url.rpartition(":")[2])))
        self._socket.send(text.encode())
        await self.take(2_000)
        while not self.is_waited_for():
            await asyncio.sleep(0)

    async def take(self, count: int) -> None:
        """Read so much, and wait until the server's system knows of it, unless it gives the connection up."""
        self._taken += count
        while count:
            data = await asyncio.get_running_loop().sock_recv(self._socket, count)
            assert data, "the server has closed"
            count -= len(data)
        while any(not stream.closed() and stream.taken() < self._taken for stream in self._streams()):
            await asyncio.sleep(0)

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        found = bytearray()
        while data := await asyncio.get_running_loop().sock_recv(self._socket, 65_536):
            found += data
        return bytes(found)

    def say(self, data: bytes) -> None:
        self._socket.send(data)

    def is_waited_for(self) -> bool:
        """Whether the server has something for it that it can't get rid of."""
        return any(stream._write_buffer for stream in self._streams())

    def is_kept(self) -> bool:
        return any(not stream.closed() for stream in self._streams())

    def _streams(self) -> list[Any]:
        held = [connection.stream for connection in self._site.server._http._connections if connection.stream]
        for opened in self._site.server.gateway.streams:
            held += [found.stream for found in [getattr(opened, "ws_connection", None)] if found and found.stream]
        return held

    def close(self) -> None:
        self._socket.close()


@asynccontextmanager
async def slow_client(**settings: Any) -> AsyncIterator[tuple[Site, Slow, Ahead]]:
    """A site with a session whose log is more than the system holds for a client."""
    async with site_on("memory://", stall_s=STALL_S, **settings) as site:

        @site.runtime.registry.node("wide")
        async def wide(context: Any) -> None:
            for _ in range(1_600):
                await context.emit("x" * 10_000)

        await site.client.execute(WIDE, session_id="s1")
        await site.runtime.ended("s1")
        client, ahead = Slow(site), Ahead()
        try:
            yield site, client, ahead
        finally:
            ahead.reset()
            client.close()


@pytest.mark.parametrize("what", ASKS)
async def test_a_kilobyte_a_second_is_enough(what: str) -> None:
    async with slow_client() as (_, client, ahead):
        await client.ask(ASKS[what])
        for _ in range(40):  # ten minutes
            await client.take(int(LOOK_S * 1_024))
            await ahead.pass_by(LOOK_S)
            assert client.is_kept()


@pytest.mark.parametrize("what", ASKS)
async def test_who_takes_too_little_is_closed(what: str) -> None:
    async with slow_client() as (_, client, ahead):
        await client.ask(ASKS[what])
        while client.is_kept():
            await client.take(int(LOOK_S * LEAST_RATE * 3 / 4))
            if what == "a socket":
                client.say(frame(PONG, b"here"))  # proves that it lives, and not that it reads
            await ahead.pass_by(LOOK_S)
            assert ahead.seconds <= 4 * STALL_S


async def test_a_drain_waits_for_no_reader_that_takes_nothing() -> None:
    async with slow_client(drain_s=60.0) as (site, client, ahead):
        await client.ask(ASKS["an event stream"])
        draining = asyncio.ensure_future(site.server.drain())
        while not draining.done():
            await ahead.pass_by(60.0 / HURRY / LOOKS)
            assert ahead.seconds <= 30.0


async def test_a_drain_lets_a_reader_have_the_rest_of_what_it_takes() -> None:
    async with slow_client(drain_s=60.0) as (site, client, _):
        await client.ask(ASKS["an event stream"])
        reading = asyncio.ensure_future(client.rest())
        await site.server.drain()
        await site.server.close()
        assert (await reading).endswith(b"\r\n0\r\n\r\n")
