"""Each limit on size at its edge: what is just within goes through, one more doesn't."""

from __future__ import annotations

import struct

import msgspec
import pytest
from support.graphs import graph
from support.site import RawSocket, Site, problem, site_on

from sessiond.gateway.settings import Settings

END = graph({"e": {"type": "end"}})
EXECUTE = "/api/v1/workflows/execute"


def request_of(size: int) -> bytes:
    """A request whose line and headers have so many bytes, the empty line included."""
    begin, end = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: ", b"\r\n\r\n"
    return begin + b"x" * (size - len(begin) - len(end)) + end


async def test_headers_up_to_the_limit_are_read_and_no_longer_ones() -> None:
    async with site_on("memory://", max_header=2_048) as site:
        assert (await site.send(request_of(2_048))).startswith(b"HTTP/1.1 200 ")
        assert not (await site.send(request_of(2_049))).startswith(b"HTTP/1.1 200 ")


async def test_a_body_up_to_the_limit_is_read_and_no_longer_one() -> None:
    body = msgspec.json.encode({"graph": END})
    async with site_on("memory://", max_body=len(body)) as site:
        given = {"Content-Type": "application/json"}
        assert (await site.fetch("POST", EXECUTE, body, given)).code == 202
        problem(await site.fetch("POST", EXECUTE, body + b" ", given), 413)


def ping_of(size: int) -> bytes:
    body = msgspec.json.encode({"cmd": "ping", "id": "1"})
    return body + b" " * (size - len(body))


async def long_frame(socket: RawSocket, payload: bytes) -> None:
    head = b"\x81" + (
        b"\xfe" + struct.pack("!H", len(payload))
        if len(payload) < 65_536
        else b"\xff" + struct.pack("!Q", len(payload))
    )
    await socket.send_raw(head + b"\0\0\0\0" + payload)


@pytest.mark.parametrize("limit", [2_048, 65_536, 3_000_000])
async def test_a_message_up_to_the_limit_is_read_and_no_longer_one(limit: int) -> None:
    async with site_on("memory://", max_message=limit) as site:
        socket = await site.socket("/ws")
        await long_frame(socket, ping_of(limit))
        assert (await socket.message())["ok"]
        await long_frame(socket, ping_of(limit + 1))
        assert await socket.close_code() == 1009


async def test_fragments_count_together() -> None:
    async with site_on("memory://", max_message=2_048) as site:
        socket = await site.socket("/ws")
        whole = ping_of(2_049)
        await socket.send_raw(b"\x01\xfe" + struct.pack("!H", 2_000) + b"\0\0\0\0" + whole[:2_000])
        await socket.send_raw(b"\x80" + bytes((0x80 | 49,)) + b"\0\0\0\0" + whole[2_000:])
        assert await socket.close_code() == 1009


async def test_json_up_to_the_limit_of_depth_is_read_and_no_deeper() -> None:
    def body(depth: int) -> bytes:
        return b'{"graph":' + msgspec.json.encode(END) + b',"input":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    given = {"Content-Type": "application/json"}
    async with site_on("memory://", max_depth=10) as site:
        assert (await site.fetch("POST", EXECUTE, body(10), given)).code == 202
        assert "deeper than 10" in problem(await site.fetch("POST", EXECUTE, body(11), given), 400)["detail"]
        socket = await site.socket("/ws")
        for depth, ok in ((9, True), (10, False)):
            data = b"[" * depth + b"]" * depth
            await socket.send(1, b'{"cmd":"ping","id":' + b'"1","data":' + data + b"}")
            answer = await socket.message()
            assert ("deeper than 10" in answer["problem"]["detail"]) is not ok
        await socket.close()


@pytest.mark.parametrize("depth", [512])
async def test_the_deepest_json_that_can_be_allowed_does_no_harm(lone_site: Site, depth: int) -> None:
    assert Settings.read({"SESSIOND_MAX_DEPTH": str(depth)}).max_depth == depth
    async with site_on("memory://", max_depth=depth) as site:
        nested = b"[" * (depth - 1) + b"]" * (depth - 1)
        body = b'{"session_id":"s1","graph":' + msgspec.json.encode(END) + b',"input":' + nested + b"}"
        assert (await site.fetch("POST", EXECUTE, body, {"Content-Type": "application/json"})).code == 202
        assert nested in (await site.fetch("GET", "/api/v1/sessions/s1")).body


async def test_a_stream_whose_buffer_is_small_reads_the_log_instead() -> None:
    async with site_on("memory://", max_buffer=1) as site:
        await site.client.execute(graph({"t": {"type": "talker"}}), session_id="s1")
        socket = await site.socket("/api/v1/sessions/s1/events")
        seqs = [message["seq"] for message in [await socket.message() for _ in range(200)] if "seq" in message]
        assert seqs == list(range(1, len(seqs) + 1))
        site.go.set()
        await socket.close()
