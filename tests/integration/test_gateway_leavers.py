"""Clients that leave, in every way and at every moment: nothing of them stays behind.

`SESSIOND_SOAK=1` has five times as many.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from support.certificates import Authority
from support.frames import TEXT, close, frame
from support.graphs import chain
from support.site import HELD, Site, site_on

MANY: Final = 100 if os.environ.get("SESSIOND_SOAK") else 20
TURNS: Final = 50
"""Of the loop, between two looks at all that is kept."""
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""
HOST: Final = b"Host: localhost\r\n"
UPGRADE: Final = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SSE: Final = b"Accept: text/event-stream\r\n\r\n"


def get(path: str, rest: bytes = b"\r\n") -> bytes:
    return f"GET {path} HTTP/1.1\r\n".encode() + HOST + rest


def command(cmd: str, session_id: str) -> bytes:
    return frame(TEXT, msgspec.json.encode({"cmd": cmd, "data": {"session_id": session_id}}))


EVENTS: Final = "/api/v1/sessions/s1/events"
SOCKET: Final = get("/ws", UPGRADE)
AGAIN: Final = (command("subscribe", "s1") + command("unsubscribe", "s1")) * 5

SAYS: Final = {
    "half a request": b"GET /api/v1/ses",
    "half a body": b"POST /api/v1/sessions HTTP/1.1\r\n" + HOST + b"Content-Length: 500\r\n\r\n{",
    "a wait": get("/api/v1/sessions/s1?wait=completed&timeout_s=600"),
    "server-sent events": get(EVENTS, SSE),
    "server-sent events of nobody": get("/api/v1/sessions/none/events", SSE),
    "a socket": get(EVENTS, UPGRADE),
    "a socket of nobody": get("/api/v1/sessions/none/events", UPGRADE),
    "a socket of one that has ended": get("/api/v1/sessions/ended/events?close=1", UPGRADE),
    "commands": SOCKET,
    "a subscription": SOCKET + command("subscribe", "s1"),
    "subscriptions": SOCKET + AGAIN + command("subscribe", "s1") + command("subscribe", "none"),
    "a subscription to all": SOCKET + command("subscribe", "*"),
    "half a frame": SOCKET + command("subscribe", "s1")[:5],
    "garbage": SOCKET + command("subscribe", "s1") + b"\xff\xff\xff\xff",
    "a goodbye": SOCKET + command("subscribe", "s1") + close(1000),
}


@pytest.fixture(autouse=True)
def what_others_left_is_not_looked_at() -> Iterator[None]:
    """After thousands of tests a collection takes a second, and here are many: let them see what is new."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def at_once(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
    writer.close()


async def by_a_reset(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def by_half(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
    writer.write_eof()
    await reader.read()  # what the server still says, to its end


WAYS: Final = (at_once, by_a_reset, by_half)


def kept(site: Site) -> dict[str, int]:
    """What the server has for those who are there."""
    gateway, hub = site.server.gateway, site.runtime.hub
    gc.collect()
    return {
        "streams": len(gateway.streams),
        "streams of the tenant": gateway._open_streams.of("default"),
        "subscriptions of the tenant": gateway.subscriptions.of("default"),
        "requests": gateway._requests,
        "followers": len(list(hub.subscriptions())) + hub.taps,
        "tasks": len(asyncio.all_tasks()),
        "files": len(os.listdir("/proc/self/fd")),
    }


async def settles(site: Site, before: dict[str, int]) -> None:
    """Wait until nothing more is kept than before."""
    async with asyncio.timeout(20):
        while any(now > before[what] for what, now in kept(site).items()):
            for _ in range(TURNS):
                await asyncio.sleep(0)


async def leave(site: Site, says: bytes, way: Callable[..., Awaitable[None]]) -> None:
    reader, writer = await site.connect()
    writer.write(says)
    await writer.drain()
    await way(writer, reader)
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return


async def leave_all(site: Site) -> None:
    before = kept(site) | {"tasks": len(asyncio.all_tasks()) + 3}  # of the session that runs
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    await site.client.execute(chain(2), session_id="ended")
    async for _ in site.client.watch("ended"):
        pass
    await settles(site, before)
    for what, says in SAYS.items():
        for way in WAYS:
            if way is by_half and site.trusted is not None:
                continue  # TLS can't be closed by half
            await asyncio.gather(*[leave(site, says, way) for _ in range(MANY)])
            try:
                await settles(site, before)
            except TimeoutError:
                pytest.fail(f"{what}, left {way.__name__}: {kept(site)}, before: {before}")


async def test_whoever_leaves_leaves_nothing_behind() -> None:
    async with site_on("memory://", idle_s=600, commands_per_s=0) as site:
        await leave_all(site)


async def test_whoever_leaves_over_tls_leaves_nothing_behind(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with site_on("memory://", ca=authority.ca, idle_s=600, commands_per_s=0, **authority.settings) as site:
        await leave_all(site)


async def test_a_drain_ends_an_event_stream_whole() -> None:
    async with site_on("memory://", drain_s=5.0) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        reader, writer = await site.connect()
        writer.write(get(EVENTS, SSE))
        await reader.readuntil(b"stream:live")
        await site.server.drain()
        await site.server.close()
        assert (await reader.read()).endswith(b"\r\n0\r\n\r\n")
        writer.close()
        await writer.wait_closed()


async def ask(site: Site, often: int, window: int) -> socket.socket:
    """Ask for far more than the system holds for a client."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", int(site.url.rpartition(":")[2])))
    connection.send(get("/openapi.json") * often)
    return connection


async def test_whoever_asks_and_does_not_read_is_closed() -> None:
    async with site_on("memory://", stall_s=0.2) as site:
        before = kept(site) | {"files": len(os.listdir("/proc/self/fd")) + MANY}
        held = [await ask(site, 200, 4_096) for _ in range(MANY)]
        while len(site.server._http._connections) < MANY:
            await asyncio.sleep(0)
        await settles(site, before)
        for connection in held:
            connection.close()


async def test_whoever_reads_slowly_is_not() -> None:
    async with site_on("memory://", stall_s=0.5) as site:
        page = (await site.fetch("GET", "/openapi.json")).body
        connection = await ask(site, 1_600, 65_536)
        size = 0
        while size < 1_600 * len(page):  # some seconds, in which it never takes much at once
            data = await asyncio.get_running_loop().sock_recv(connection, 512)
            await asyncio.sleep(0)  # the server has its turn after each bite
            assert data, "the server has closed"
            size += len(data)
        connection.close()
