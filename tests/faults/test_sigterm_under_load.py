"""SIGTERM while callers and watchers keep a real server busy: in time, and nothing that was answered is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.graphs import graph
from support.process import server_process

from sessiond.actors.core.errors import Unavailable
from sessiond.gateway.client import Backoff, Client, ProblemError

NODES = """
import asyncio
from sessiond import node

@node("work")
async def work(context):
    for number in range(20):
        await context.emit(f"word{number} ")
        await asyncio.sleep(0.01)
    return context.node_id
"""
CHAIN = graph(
    {"a": {"type": "work", "next_ids": ["b"]}, "b": {"type": "work", "next_ids": ["c"]}, "c": {"type": "work"}}
)
CALLERS = 20
BEFORE = 100
"""Sessions that are acknowledged before the signal."""
DRAIN_S = 5.0
IN_TIME_S = DRAIN_S + 5.0


class Load:
    """Callers who start and pause sessions, and resume them, until the server goes away.

    Attributes:
        told: the last seq that an answer spoke of, by session.
        enough: set once so many sessions are acknowledged that the signal may come.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.told: dict[str, int] = {}
        self.enough = asyncio.Event()

    async def call(self, caller: int) -> None:
        number = 0
        try:
            while True:
                session_id = f"s{caller}.{number}"
                self.told[session_id] = (await self._client.execute(CHAIN, session_id=session_id)).seq
                for action in ("pause", "resume") if number % 2 else ():
                    self.told[session_id] = (await self._client.control(session_id, action)).seq
                number += 1
                if len(self.told) >= BEFORE:
                    self.enough.set()
        except Unavailable:
            return
        except ProblemError as error:
            if error.status != 503:
                raise

    async def watch(self, caller: int) -> None:
        """Follow one session; its events must be contiguous up to wherever the server cuts them off."""
        expected = 1
        try:
            async for record in self._client.watch(f"s{caller}.0"):
                assert record.seq == expected
                expected += 1
        except (Unavailable, ProblemError):
            pass


async def ended_in_time(tasks: Iterable[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(IN_TIME_S):
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_it_ends_in_time_and_what_was_answered_is_there(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    store = f"sqlite:///{tmp_path}/sessions.db" if kind == "sqlite" else request.getfixturevalue("redis_url")
    settings = {"store": store, "drain_s": str(DRAIN_S), "commands_per_s": "100000"}
    async with (
        server_process(tmp_path, NODES, **settings) as server,
        Client(server.url, backoff=Backoff(tries=0)) as client,
    ):
        load = Load(client)
        callers = [asyncio.ensure_future(load.call(number)) for number in range(CALLERS)]
        enough = asyncio.ensure_future(load.enough.wait())
        await asyncio.wait([enough, *callers], return_when=asyncio.FIRST_COMPLETED)
        assert enough.done(), [caller.exception() for caller in callers if caller.done()]
        watchers = [asyncio.ensure_future(load.watch(number)) for number in range(CALLERS)]
        began = time.monotonic()
        server.signal()
        async with asyncio.timeout(IN_TIME_S):
            assert await server.ended() == 0
        took = time.monotonic() - began
        await ended_in_time([*callers, *watchers])
    async with server_process(tmp_path, NODES, **settings) as server, Client(server.url) as client:
        for session_id, seq in load.told.items():
            if (await client.detail(session_id)).status == "paused":  # its caller came no further
                await client.control(session_id, "resume")
            seen = [record async for record in client.watch(session_id)]
            assert [record.seq for record in seen] == list(range(1, len(seen) + 1))
            assert len(seen) >= seq
            completed = [
                record.node_id for record in seen if record.data.get("status") == "completed" and record.node_id
            ]
            assert completed == ["a", "b", "c"]
    print(f"{kind}: {len(load.told)} sessions acknowledged, ended {took:.2f} s after the signal")
