"""Thousands of watchers: what one costs, and what it takes to have all of them back at once. Nothing is lost.

`SESSIOND_SOAK=1` has ten thousand of them in place of two.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.crowd import Report, a_crowd, bytes_of, many_files
from support.graphs import graph
from support.served import Served
from support.site import RawSocket

from sessiond.gateway.client import Client

SOAK = bool(os.environ.get("SESSIOND_SOAK"))
WATCHERS = 10_000 if SOAK else 2_000
SOCKET_BYTES = 14_336
"""What an idle socket may cost."""
ASK = graph({"ask": {"type": "human_review", "properties": {"prompt": "Good?"}}}, workflow_id="ask")


def talk(tokens: int, interval_s: float) -> Any:
    demo = {"tokens": tokens, "interval_s": interval_s}
    return graph({"t": {"type": "agent", "properties": {"provider": "demo", "prompt": "Talk.", "demo": demo}}})


@contextmanager
def a_server(directory: Path, port: int = 0, **settings: str) -> Iterator[Served]:
    given = {"STORE": f"sqlite:///{directory}/s.db", "MAX_STREAMS": "20000", "MAX_TENANT_STREAMS": "20000", **settings}
    env = {f"SESSIOND_{name}": value for name, value in given.items()}
    with many_files(20_000), Served(cwd=directory, port=port, env=env) as server:
        yield server


@asynccontextmanager
async def pausing(url: str, session_id: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Pause and resume a session over a socket, again and again, while the body runs; collects the answers."""
    answers: list[dict[str, Any]] = []

    socket = await RawSocket.connect(url, "/ws")

    async def go_on() -> None:
        for number in range(1_000_000):
            command = ("pause_session", "resume_session")[number % 2]
            request = {"cmd": command, "id": str(number), "data": {"session_id": session_id}}
            await socket.send(1, msgspec.json.encode(request))
            answers.append(await socket.message())

    task = asyncio.ensure_future(go_on())
    try:
        yield answers
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await socket.close()


def assert_whole(report: Report) -> None:
    assert report.alive == WATCHERS
    assert report.gaps == 0


@pytest.mark.timeout(600 if SOAK else 120)
async def test_an_idle_socket_costs_little_and_all_come_back_when_they_were_cut_off(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        async with Client(server.url) as client, a_crowd() as first, a_crowd() as crowd:
            await client.execute(ASK, session_id="s1")
            await first.join(server.url, "s1", 100)  # what is loaded with the first ones is there
            before = bytes_of(server.pid)
            assert_whole(await crowd.join(server.url, "s1", WATCHERS))
            assert (bytes_of(server.pid) - before) / WATCHERS <= SOCKET_BYTES
            async with pausing(server.url, "s1") as answers:
                report = await crowd.tell("cut")
            assert_whole(report)
            assert report.attempts >= 2 * WATCHERS
            assert report.refused == 0
            assert answers, "a storm keeps nobody's command from being answered"
            assert all(answer["ok"] for answer in answers)
            await client.control("s1", "cancel")
            report = await crowd.tell("end")
            assert (report.gaps, report.through) == (0, WATCHERS)


@pytest.mark.timeout(600 if SOAK else 120)
async def test_watchers_of_a_running_session_miss_nothing_over_cuts_and_a_kill(tmp_path: Path) -> None:
    async with a_crowd() as crowd:
        with a_server(tmp_path) as server:
            async with Client(server.url) as client:
                await client.execute(talk(1_000_000, 0.5), session_id="s1")
            assert_whole(await crowd.join(server.url, "s1", WATCHERS))
            assert_whole(await crowd.tell("cut"))
            server.kill()
            assert (await crowd.tell("cut_off")).alive == 0
        with a_server(tmp_path, server.port) as again:
            async with Client(again.url) as client:
                async with pausing(again.url, "s1") as answers:
                    assert_whole(await crowd.tell("back"))
                assert all(answer["ok"] for answer in answers)
                await client.control("s1", "stop")
                report = await crowd.tell("end")
                assert report.through == WATCHERS
                assert report.gaps == 0
                assert report.least == report.most == (await client.detail("s1")).seq


SLOW = 100
HELD_BYTES = 600_000
"""What a reader that doesn't read may hold in the server: its live buffer, and a chunk that is being written."""
FLOOD = """
from sessiond import node

@node("flood")
async def flood(context):
    for number in range(1_000):
        await context.emit("x" * 10_000)
"""


@pytest.mark.timeout(120)
async def test_readers_that_stop_reading_cost_little_hold_nobody_up_and_miss_nothing(tmp_path: Path) -> None:
    (tmp_path / "flooding.py").write_text(FLOOD)
    with a_server(tmp_path, NODES="flooding") as server:
        async with Client(server.url) as client, a_crowd() as slow, a_crowd() as fast:
            await client.execute(graph({"f": {"type": "flood"}}), session_id="s1", start=False)
            await slow.join(server.url, "s1", SLOW, receive_bytes=8_192)
            await fast.join(server.url, "s1", 5)
            before = bytes_of(server.pid)
            await slow.tell("deaf")
            await client.control("s1", "start")
            report = await fast.tell("end")
            assert (report.gaps, report.closed) == (0, {})
            assert bytes_of(server.pid, "VmHWM") - before < SLOW * HELD_BYTES
            assert (await slow.tell("hear")).least < report.least, "they had really stopped"
            report = await slow.tell("end")
            assert (report.gaps, report.through) == (0, SLOW)


@pytest.mark.timeout(120)
async def test_readers_that_take_nothing_for_too_long_are_closed_and_come_back_to_where_they_were(
    tmp_path: Path,
) -> None:
    (tmp_path / "flooding.py").write_text(FLOOD)
    with a_server(tmp_path, NODES="flooding", STALL_S="2", PING_S="1") as server:
        async with Client(server.url) as client, a_crowd() as slow:
            await client.execute(graph({"f": {"type": "flood"}}), session_id="s1", start=False)
            await slow.join(server.url, "s1", 20, receive_bytes=8_192)
            await slow.tell("deaf")
            await client.control("s1", "start")
            while await streams(client):
                await asyncio.sleep(0)
            await slow.tell("hear")
            report = await slow.tell("end")
            assert (report.gaps, report.through) == (0, 20)
            assert report.attempts > 20


async def streams(client: Client) -> int:
    """How many are open, as the server counts them."""
    page = (await client.request("GET", "/metrics")).body.decode()
    return next(int(line.split()[1]) for line in page.splitlines() if line.startswith("sessiond_streams "))
