"""A session's events as server-sent events."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from support.graphs import chain
from support.site import HELD, Site, problem, site_on


class EventSource:
    """Reads an event stream as a browser would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, site: Site, session_id: str, headers: str = "") -> EventSource:
        reader, writer = await site.connect()
        writer.write(
            f"GET /api/v1/sessions/{session_id}/events HTTP/1.0\r\nAccept: text/event-stream\r\n{headers}\r\n".encode()
        )  # HTTP/1.0, so that the body isn't in chunks
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK"), head
        assert b"Content-Type: text/event-stream" in head
        return cls(reader, writer)

    async def block(self) -> list[bytes]:
        return (await self.reader.readuntil(b"\n\n")).splitlines()[:-1]

    async def rest(self) -> list[list[bytes]]:
        """Every block until the server ends the stream."""
        text = await self.reader.read()
        await self.close()
        return [block.splitlines() for block in text.split(b"\n\n") if block]

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


def ids(blocks: list[list[bytes]]) -> list[int]:
    return [int(block[0].removeprefix(b"id: ")) for block in blocks if block[0].startswith(b"id: ")]


async def test_a_stream_tells_everything_and_ends_with_the_session(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    source = await EventSource.connect(site, "s1")
    assert (await source.block())[0].startswith(b"retry: ")
    first = await source.block()
    assert first[0] == b"id: 1"
    assert msgspec.json.decode(first[1].removeprefix(b"data: "))["event"] == "execution:created"
    stored = [first]
    while b"stream:live" not in stored[-1][0]:
        stored.append(await source.block())
    site.go.set()
    rest = stored[1:-1] + await source.rest()
    last = msgspec.json.decode(rest[-1][1].removeprefix(b"data: "))
    ended = [block for block in rest if b"execution:completed" in block[-1]]
    assert len(ended) == 1
    assert ids(rest) == list(range(2, len(ids(rest)) + 2))
    assert last["seq"] == (await site.client.detail("s1")).seq
    assert not any(b"stream:live" in block[0] for block in rest), "that is said once"


async def test_last_event_id_resumes_and_an_ended_session_ends_the_stream_at_once(site: Site) -> None:
    started = await site.client.execute(chain(3))
    total = len([record async for record in site.client.watch(started.session_id)])
    source = await EventSource.connect(site, started.session_id, f"Last-Event-ID: {total - 2}\r\n")
    assert ids(await source.rest()) == [total - 1, total]
    source = await EventSource.connect(site, started.session_id, f"Last-Event-ID: {total}\r\n")
    assert ids(await source.rest()) == []


async def test_a_quiet_stream_has_a_heartbeat() -> None:
    async with site_on("memory://", ping_s=0.05) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        source = await EventSource.connect(site, "s1")
        while await source.block() != [b":"]:
            pass
        await source.close()


async def test_a_drain_ends_the_stream(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    source = await EventSource.connect(site, "s1")
    while b"stream:live" not in (await source.block())[0]:
        pass
    await site.server.drain()
    assert await source.rest() == []


async def test_a_stream_whose_reader_left_leaves_nothing_behind(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    source = await EventSource.connect(site, "s1")
    while b"stream:live" not in (await source.block())[0]:
        pass
    await source.close()
    while site.runtime.hub.watched("s1"):
        await asyncio.sleep(0)
    while site.server.gateway.streams:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("none/events", {}, 404),
        ("s1/events?after=x", {}, 422),
        ("s1/events", {"Last-Event-ID": "x"}, 422),
    ],
)
async def test_refusals_are_problems(site: Site, path: str, headers: dict[str, str], status: int) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    accept = {"Accept": "text/event-stream", **headers}
    problem(await site.fetch("GET", f"/api/v1/sessions/{path}", headers=accept), status)


@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_a_stream_can_only_be_got_and_says_so(lone_site: Site, method: str) -> None:
    answer = await lone_site.fetch(method, "/api/v1/sessions/s1/events", headers={"Accept": "text/event-stream"})
    assert (answer.code, answer.headers["Allow"]) == (405, "GET")
