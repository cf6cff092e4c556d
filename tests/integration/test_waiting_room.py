"""What a server says that listens and has no store yet, above all over WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.site import RawSocket

from sessiond import Runtime
from sessiond.gateway.client import Client, ProblemError
from sessiond.gateway.server import Server
from sessiond.gateway.settings import Settings

EVENTS = "/api/v1/sessions/s1/events"
SOCKETS = ["/ws", "/api/v1/ws", EVENTS, "/ws?ticket=none"]
FRIEND = "https://console.example"


@asynccontextmanager
async def waiting(**settings: Any) -> AsyncIterator[Server]:
    server = Server(Settings(port=0, **settings))
    server.listen()
    yield server
    await server.close()


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_socket_is_accepted_and_told_to_try_again(path: str) -> None:
    async with waiting() as server:
        socket = await RawSocket.connect(server.url, path)
        assert await socket.frame() == (8, (1013).to_bytes(2, "big") + b"try again later")
        await socket.close()


async def test_what_it_says_before_it_knows_hurts_nobody() -> None:
    async with waiting() as server:
        socket = await RawSocket.connect(server.url, "/ws")
        await socket.send(1, b'{"cmd": "ping"}')
        assert await socket.close_code() == 1013
        async with Client(server.url) as client:
            assert (await client.request("GET", "/livez")).code == 200


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    "headers",
    ["Origin: https://evil.example\r\n", "Origin: http://[\r\n", "Origin: null\r\nSec-Fetch-Site: same-origin\r\n"],
)
async def test_a_page_of_another_origin_is_kept_out_as_it_is_later(path: str, headers: str) -> None:
    async with waiting() as server:
        with pytest.raises(ConnectionRefusedError, match="403 Forbidden"):
            await RawSocket.connect(server.url, path, headers)
        async with Runtime.open("memory://") as runtime:
            server.open(runtime)
            with pytest.raises(ConnectionRefusedError, match="403 Forbidden"):
                await RawSocket.connect(server.url, path, headers)


@pytest.mark.parametrize("origin", [FRIEND, ""])
async def test_pages_of_its_own_and_of_named_origins_are_told_to_try_again(origin: str) -> None:
    async with waiting(allowed_origins=(FRIEND,)) as server:
        socket = await RawSocket.connect(server.url, "/ws", f"Origin: {origin or server.url}\r\n")
        assert await socket.close_code() == 1013


async def test_a_rebound_name_gets_nothing() -> None:
    async with waiting() as server:
        where = urlsplit(server.url)
        for asks in (
            "",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(f"GET /ws HTTP/1.1\r\nHost: evil.example\r\nSec-WebSocket-Version: 13\r\n{asks}\r\n".encode())
            assert await reader.readline() == b"HTTP/1.1 403 Forbidden\r\n"
            writer.close()
            await writer.wait_closed()


async def test_what_is_no_handshake_is_answered_as_all_else() -> None:
    async with waiting() as server, Client(server.url) as client:
        for path in SOCKETS:
            with pytest.raises(ProblemError) as refused:
                await client.request("GET", path)
            assert (refused.value.status, refused.value.problem_code) == (503, "store_unavailable")


async def test_who_came_too_early_gets_in_later() -> None:
    async with waiting() as server:
        assert await (await RawSocket.connect(server.url, "/ws")).close_code() == 1013
        async with Runtime.open("memory://") as runtime:
            server.open(runtime)
            socket = await RawSocket.connect(server.url, "/ws")
            await socket.send(1, b'{"cmd": "ping"}')
            assert (await socket.message())["ok"]
            await socket.close()
