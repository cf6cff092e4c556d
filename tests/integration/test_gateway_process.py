"""The server as a process: address, signals, drain, memory."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import msgspec
import pytest
from support.graphs import graph
from support.process import server_process
from support.redis_server import RedisServer
from support.site import RawSocket

from sessiond.actors.core.errors import Unavailable
from sessiond.actors.core.segment import payloads
from sessiond.gateway.client import Client, ProblemError

NODES = """
import threading
from sessiond import node

@node("held")
async def held(context):
    await context.emit("here")
    import asyncio
    await asyncio.get_running_loop().create_future()

@node("blocking")
def blocking(context):
    context.emit("here")
    threading.Event().wait()

@node("flood")
async def flood(context):
    for number in range(5_000):
        await context.emit("x" * 10_000)

@node("huge")
async def huge(context):
    return {"words": "x" * 100 * 1_048_576}
"""
HELD = graph({"a": {"type": "held"}})
BLOCKING = graph({"a": {"type": "blocking"}})
FLOOD = graph({"a": {"type": "flood"}})
MIB = 1_048_576


async def begun(client: Client, workflow: object) -> None:
    """Start session s1 and wait until its node runs."""
    await client.execute(workflow, session_id="s1")  # type: ignore[arg-type]
    async for record in client.watch("s1"):
        if record.event == "token_stream":
            return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_the_next_process_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    async with server_process(tmp_path, NODES) as server, Client(server.url) as client:
        await begun(client, HELD)
        watcher = await RawSocket.connect(server.url, "/api/v1/sessions/s1/events")
        await watcher.until("stream:live")
        server.signal(number)
        assert await watcher.close_code() == 1001
        assert await server.ended() == 0
    async with server_process(tmp_path, NODES) as server, Client(server.url) as client:
        async for record in client.watch("s1"):
            if record.event == "execution:recovered":
                assert record.data == {"interrupted": ["a"]}
                break
        assert (await client.control("s1", "stop")).status == "failed"


async def test_a_node_that_blocks_its_thread_does_not_keep_the_process(tmp_path: Path) -> None:
    async with server_process(tmp_path, NODES) as server, Client(server.url) as client:
        await begun(client, BLOCKING)
        server.signal()
        assert await server.ended() == 0


async def test_a_second_signal_ends_the_drain(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    redis.start()
    store = f"{redis.url}?shards=1"
    async with (
        server_process(tmp_path, NODES, store=store, drain_s="600", answer_s="600") as server,
        Client(server.url) as client,
    ):
        await begun(client, HELD)
        await client.detail("s1")  # answered behind what is under way: the log may run ahead of the loop
        redis.kill()  # and it stays away: a store that comes back lets the drain end by itself
        waiting = asyncio.ensure_future(client.control("s1", "pause"))  # its answer holds the drain up
        while (await readiness(client)) != 503:
            pass
        assert not waiting.done()
        server.signal()
        while accepts(server.url):
            await asyncio.sleep(0)
        assert not waiting.done()
        server.signal()
        assert await server.ended() == -signal.SIGTERM
        with pytest.raises(Unavailable):
            await waiting


async def readiness(client: Client) -> int:
    try:
        return (await client.request("GET", "/readyz")).code
    except ProblemError as error:
        return error.status


def accepts(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def test_a_reader_that_does_not_read_costs_a_bounded_amount_and_misses_nothing(tmp_path: Path) -> None:
    async with server_process(tmp_path, NODES) as server, Client(server.url) as client:
        peaks = []
        for session_id in ("warm", "s1"):
            await client.execute(FLOOD, session_id=session_id, start=False)
            slow = await raw_watch(server.url, session_id) if session_id == "s1" else None
            fast = await raw_watch(server.url, session_id)
            await client.control(session_id, "start")
            assert len(await read_to_close(fast)) > 50_000_000
            peaks.append(server.memory("VmHWM"))
        assert peaks[1] - peaks[0] < 16 * MIB
        assert slow is not None
        data = await read_to_close(slow)
    events = [msgspec.json.decode(payload, type=Seq) for payload in payloads(data)]
    assert [event.seq for event in events if event.seq] == list(range(1, 1 + len(events) - 1))
    assert sum(event.event == "token_stream" for event in events) == 5_000


async def test_an_output_of_a_hundred_megabytes_is_refused_at_the_cost_of_its_bytes(tmp_path: Path) -> None:
    """What the node made, and once more to see its size; whoever comes next has the memory again."""
    async with server_process(tmp_path, NODES) as server, Client(server.url) as client:
        before = server.memory("VmHWM")
        for turn in range(3):
            await client.execute(graph({"a": {"type": "huge"}}), session_id=f"s{turn}")
            *_, last = [record async for record in client.watch(f"s{turn}")]
            assert last.data["error"]["code"] == "output_too_large"
            assert "the limit is 1048576" in last.data["error"]["message"]
        assert server.memory("VmHWM") - before < 2 * 100 * MIB + 16 * MIB
        assert server.memory("VmRSS") - before < 16 * MIB
        log = await client.events("s2")
        assert sum(len(item) for item in log.items) < 4096, "nothing of it is stored"


class Seq(msgspec.Struct):
    event: str
    seq: int = 0


async def raw_watch(url: str, session_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket whose bytes nobody takes before they are read here."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=4096)
    writer.write(
        f"GET /api/v1/sessions/{session_id}/events?close=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def read_to_close(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
    """All frames before the close frame."""
    reader, writer = connection
    end = b"\x88\x17\x03\xe8the session has ended"
    data = bytearray()
    while not data.endswith(end):
        data += await reader.read(MIB)
    writer.close()
    await writer.wait_closed()
    return bytes(data[: -len(end)])
