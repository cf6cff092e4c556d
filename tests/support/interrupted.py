"""Many sessions on one server that is killed while each of them is in its middle, and started again."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from support.command import ROOT
from support.crash_rows import CHILD, Middle, Row
from support.front_door import Ran, drive
from support.served import Served
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from sessiond.actors.core.events import Record
from sessiond.gateway.client import Client

SECONDS = 30.0
"""For one session to get to its middle, or to its end; far more than it should take."""


class Survivor(NamedTuple):
    """What is known of a session that lived through a kill.

    Attributes:
        before: its events when the server was killed, as far as they were seen.
        ran: what came of it.
        began: attempts by idempotency key, as the nodes themselves noted them.
        did: side effects by idempotency key.
    """

    before: list[Record]
    ran: Ran
    began: Counter[str]
    did: Counter[str]


class Presence:
    """Who has said that it is in the middle of its work."""

    def __init__(self) -> None:
        self._said: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def say(self, key: str) -> None:
        self._said[key].set()

    async def of(self, node: str, rounds: Iterable[int] = (1, 2)) -> None:
        """Wait until a node, `<session>/<node>`, is there, in one of its rounds."""
        waits = [asyncio.ensure_future(self._said[f"{node}/{number}"].wait()) for number in rounds]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    @asynccontextmanager
    async def heard_on(self, path: Path) -> AsyncIterator[None]:
        """Listen to a named pipe, one key on each line."""
        os.mkfifo(path)
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        loop = asyncio.get_running_loop()
        rest = b""

        def read() -> None:
            nonlocal rest
            *lines, rest = (rest + os.read(descriptor, 65_536)).split(b"\n")
            for line in lines:
                self.say(line.decode())

        loop.add_reader(descriptor, read)
        try:
            yield
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    @asynccontextmanager
    async def heard_over_http(self) -> AsyncIterator[str]:
        """Serve HTTP: the first call with an idempotency key is never answered, later ones are."""
        calls: Counter[str] = Counter()
        presence = self

        class Handler(RequestHandler):
            async def post(self) -> None:
                key = self.request.headers["Idempotency-Key"]
                calls[key] += 1
                presence.say(key)
                if calls[key] == 1:
                    await asyncio.get_running_loop().create_future()
                self.write({"key": key, "calls": calls[key]})

        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(Application([("/", Handler)], log_function=lambda _: None))
        server.add_sockets(sockets)
        try:
            yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"
        finally:
            server.stop()
            await server.close_all_connections()


async def live_through(store: str, directory: Path, rows: Iterable[Row]) -> dict[str, Survivor | BaseException]:
    """Start a session for each row, kill the server when all are in their middle, start it again, and end them all."""
    rows, presence = list(rows), Presence()
    ledger, pipe = directory / "ledger", directory / "here"
    ledger.touch()
    env = {
        "PYTHONPATH": str(ROOT / "tests"),
        "LEDGER": str(ledger),
        "HERE": str(pipe),
        "SESSIOND_HTTP": "1",
        "SESSIOND_HTTP_PRIVATE": "127.0.0.0/8",
    }

    def serve() -> Served:
        return Served("--store", store, "--nodes", "support.crash_nodes", cwd=directory, env=env)

    async with presence.heard_on(pipe), presence.heard_over_http() as url:
        with serve() as server:
            async with Client(server.url) as client:
                await client.put_workflow("child", CHILD)
                calm = [_begin(client, row, presence, url) for row in rows if not row.brief]
                before = await asyncio.gather(*calm)
                before += await asyncio.gather(*(_begin(client, row, presence, url) for row in rows if row.brief))
            server.kill()
        with serve() as server:
            async with Client(server.url) as client:
                ended = await asyncio.gather(*(_end(client, row) for row in rows), return_exceptions=True)
    seen = {records[0].session_id: records for records in before}
    began, did = _notes(ledger)
    return {
        row.name: ran
        if isinstance(ran, BaseException)
        else Survivor(seen[row.name], ran, began[row.name], did[row.name])
        for row, ran in zip(rows, ended, strict=True)
    }


async def _begin(client: Client, row: Row, presence: Presence, url: str) -> list[Record]:
    """Start a row's session, and return its events once it is in its middle."""
    async with asyncio.timeout(SECONDS):
        creation: dict[str, Any] = {} if row.deadline_s is None else {"deadline_s": row.deadline_s}
        await client.execute(row.graph(), {"url": url}, session_id=row.name, **creation)
        missing = {pair for pair in row.middle if pair[0] != "here"}
        records: list[Record] = []
        async with aclosing(client.watch(row.name)) as events:
            while missing or not records:
                records.append(await anext(events))
                missing -= set(_meanings(records[-1]))
        held = [node for what, node in row.middle if what == "here" and node is not None]
        await asyncio.gather(*(presence.of(node if "/" in node else f"{row.name}/{node}") for node in held))
        if row.first is not None:
            await row.first(client, row.name, "")
        return records


def _meanings(record: Record) -> list[Middle]:
    return [(record.event, record.node_id), (str(record.data.get("status")), record.node_id)]


async def _end(client: Client, row: Row) -> Ran:
    async with asyncio.timeout(SECONDS):
        for node_id, step in row.then:
            await step(client, row.name, node_id)
        return await drive(client, row.name)


def _notes(ledger: Path) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """What nodes noted, as counts by root session and idempotency key."""
    began: defaultdict[str, Counter[str]] = defaultdict(Counter)
    did: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in ledger.read_text(encoding="utf-8").splitlines():
        word, key, _ = line.split()
        (began if word == "began" else did)[key.partition("/")[0].partition("~")[0]][key] += 1
    return began, did
