"""Who asks for large answers and takes none is given no more of them, until those have been taken or are given up."""

from __future__ import annotations

import asyncio
from typing import Any

from support.graphs import graph
from support.site import problem, site_on

from sessiond.gateway.large_answers import LARGE, LargeAnswers


def chained(length: int) -> dict[str, Any]:
    """A graph whose nodes all put out the session's input."""
    nodes: dict[str, Any] = {f"n{i}": {"type": "parallel", "next_ids": [f"n{i + 1}"]} for i in range(length)}
    return graph({"s": {"type": "start", "next_ids": ["n0"]}, **nodes, f"n{length}": {"type": "end"}})


async def test_answers_that_nobody_takes_are_bounded_and_taking_them_makes_room() -> None:
    async with site_on("memory://") as site:
        gateway = site.server.gateway
        gateway.large = LargeAnswers(6 * LARGE)
        body = {"graph": chained(12), "input": "x" * 1_000_000, "session_id": "s1"}
        assert (await site.post("/api/v1/workflows/execute", body)).code == 202
        detail = "/api/v1/sessions/s1"
        assert len((await site.fetch("GET", detail + "?wait=completed")).body) > 6 * LARGE
        reader, writer = await site.connect()
        writer.write(f"GET {detail} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while not gateway.large.of("default"):
            await asyncio.sleep(0)
        assert problem(await site.fetch("GET", detail), 429)["code"] == "too_many_answers"
        assert (await site.fetch("GET", "/api/v1/sessions")).code == 200
        assert len(await reader.read(-1)) > 6 * LARGE
        writer.close()
        while gateway.large.of("default"):
            await asyncio.sleep(0)
        assert (await site.fetch("GET", detail)).code == 200
        _, leaver = await site.connect()
        leaver.write(f"GET {detail} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while not gateway.large.of("default"):
            await asyncio.sleep(0)
        leaver.transport.abort()
        while gateway.large.of("default"):
            await asyncio.sleep(0)
