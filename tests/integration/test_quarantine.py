"""A snapshot or a log that can't be read: one session is set aside and told of, the others come back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.graphs import graph, registry
from support.site import problem, site_on
from support.watching import collect, contiguous

from sessiond import NodeRegistry, Options, Runtime
from sessiond.actors.core.errors import CorruptLog, Quarantined, StoreUnavailable
from sessiond.actors.core.ports import Batch, Snapshot, Stored
from sessiond.actors.core.snapshot import freeze
from sessiond.actors.core.state import SessionState
from sessiond.actors.definitions import Definitions
from sessiond.actors.environment import SystemClock
from sessiond.actors.restore import Restorer, state_in
from sessiond.persistence.memory import MemoryStore
from sessiond.persistence.sqlite import open_store

COUNT = 100
VICTIM = "s42"
WAITS = graph({"a": ["b"], "b": {"type": "held"}})


class World:
    """Sessions whose second node waits, and how often it was begun."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun: list[str] = []

    def registry(self) -> NodeRegistry:
        types = registry()

        @types.node("held")
        async def held(context: Any) -> str:
            self.begun.append(context.session_id)
            await self.go.wait()
            return "done"

        return types


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with sessions that run, each with a snapshot."""
    url = f"sqlite:///{tmp_path}/s.db"
    async with Runtime.open(url, registry=World().registry()) as runtime:
        for number in range(COUNT):
            await runtime.create(WAITS, session_id=f"s{number}", input="x" * 100)
    store = open_store(url)

    async def read(call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    restorer = Restorer(store, Definitions(store, World().registry(), SystemClock(), read), read)
    snapshots = []
    for number in range(COUNT):
        restored = await restorer.restore(f"s{number}")
        assert restored is not None
        snapshots.append(Snapshot(f"s{number}", restored.state.seq, freeze(restored.state)))
    assert store.commit([Batch(0, store.claim(0, "n"), [], snapshots)]) == [None]
    store.close()
    return tmp_path / "s.db"


def spoil(path: Path, table: str, change: Callable[[bytes], bytes]) -> bytes:
    """Change the bytes of the victim's snapshot, or of the first segment of its log; return the new ones."""
    column, which = ("record", "1") if table == "snapshots" else ("data", "first = 1")
    with closing(sqlite3.connect(path)) as file:
        mine = f"session = (SELECT number FROM sessions WHERE id = ?) AND {which}"
        row, data = file.execute(f"SELECT rowid, {column} FROM {table} WHERE {mine}", (VICTIM,)).fetchone()
        spoilt = change(bytes(data))
        assert spoilt != data
        file.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (spoilt, row))
        file.commit()
    return spoilt


def flip(data: bytes) -> bytes:
    """Change one character within a string, so that it is still JSON."""
    at = data.index(b"xxxx")
    return data[:at] + b"y" + data[at + 1 :]


def newer(data: bytes) -> bytes:
    return data.replace(b'{"version":1', b'{"version":9')


async def ends(runtime: Runtime, world: World, names: set[str]) -> None:
    world.go.set()
    for name in names:
        session = runtime.session(name)
        assert (await session.wait()).status == "completed"
        contiguous(await collect(session))


@pytest.mark.parametrize("change", [flip, lambda data: data[:-9], lambda data: b"\x00" + data[1:]])
async def test_a_damaged_snapshot_is_replaced_by_the_whole_log(
    path: Path, change: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    spoil(path, "snapshots", change)
    world = World()
    async with Runtime.open(f"sqlite:///{path}", registry=world.registry()) as runtime:
        assert await runtime.recovered == []
        assert f"session {VICTIM}" in caplog.text
        assert "read from its beginning" in caplog.text
        assert (await runtime.session(VICTIM).detail()).nodes["b"].status == "running"
        await ends(runtime, world, {f"s{number}" for number in range(COUNT)})


@pytest.mark.parametrize("change", [newer, lambda data: b"\x7f" + data[1:]])
async def test_a_snapshot_of_the_future_sets_one_session_aside_and_99_come_back(
    path: Path, change: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    spoilt = spoil(path, "snapshots", change)
    world = World()
    async with Runtime.open(f"sqlite:///{path}", registry=world.registry()) as runtime:
        assert await runtime.recovered == [VICTIM]
        assert f"session {VICTIM} is quarantined" in caplog.text
        with pytest.raises(Quarantined):
            await runtime.session(VICTIM).pause()
        await ends(runtime, world, {f"s{number}" for number in range(COUNT)} - {VICTIM})
        assert VICTIM not in world.begun
        assert (await runtime.row(VICTIM)).status == "running"
    with closing(sqlite3.connect(path)) as file:
        where = "FROM snapshots, sessions WHERE session = number AND id = ?"
        assert file.execute(f"SELECT snapshots.record {where}", (VICTIM,)).fetchone() == (spoilt,)


async def test_a_log_without_its_end_doesnt_replace_a_damaged_snapshot(path: Path) -> None:
    """Going on from there would use a seq again that somebody has seen."""
    world = World()
    async with Runtime.open(f"sqlite:///{path}", registry=world.registry()) as runtime:
        await runtime.session(VICTIM).pause()
        seq = (await runtime.row(VICTIM)).seq
    spoil(path, "snapshots", flip)
    with closing(sqlite3.connect(path)) as file:
        mine = "session = (SELECT number FROM sessions WHERE id = ?)"
        file.execute(f"DELETE FROM log WHERE {mine} AND seq >= ?", (VICTIM, seq))
        file.commit()
    async with Runtime.open(f"sqlite:///{path}", registry=world.registry()) as runtime:
        with pytest.raises(Quarantined):
            await runtime.session(VICTIM).resume()


@pytest.mark.parametrize("frozen", [SessionState("another", seq=3), SessionState("s", seq=2)])
def test_a_snapshot_of_another_session_or_moment_is_corrupt(frozen: SessionState) -> None:
    assert state_in(Snapshot("s", 3, freeze(SessionState("s", seq=3)))).seq == 3
    with pytest.raises(CorruptLog):
        state_in(Snapshot("s", 3, freeze(frozen)))


async def test_a_session_whose_workflow_is_gone_is_set_aside_until_it_is_back(tmp_path: Path) -> None:
    url, world = f"sqlite:///{tmp_path}/s.db", World()
    async with Runtime.open(url, registry=world.registry()) as runtime:
        await runtime.create(WAITS, session_id="s")
    with closing(sqlite3.connect(tmp_path / "s.db")) as file:
        file.execute("DELETE FROM definitions")
        file.commit()
    async with Runtime.open(url, registry=world.registry()) as runtime:
        assert await runtime.recovered == ["s"]
        assert "its workflow is gone" in str(runtime.restorer.quarantined["s"])
        await runtime.register(WAITS)
        await ends(runtime, world, {"s"})
        assert runtime.restorer.quarantined == {}


async def test_a_damaged_log_without_a_good_snapshot_is_told_over_http(path: Path) -> None:
    spoil(path, "log", lambda data: data[:-3])
    spoil(path, "snapshots", lambda data: data[:-9])
    async with site_on(f"sqlite:///{path}") as site:
        assert await site.runtime.recovered == [VICTIM]
        answers = [
            await site.fetch("GET", f"/api/v1/sessions/{VICTIM}"),
            await site.post(f"/api/v1/sessions/{VICTIM}/control", {"action": "stop"}),
        ]
        for answer in answers:
            told = problem(answer, 500)
            assert (told["code"], told["session_id"]) == ("quarantined", VICTIM)
            assert "corrupt_log" in told["detail"]
        listed = msgspec.json.decode((await site.fetch("GET", "/api/v1/sessions?limit=500")).body)
        assert VICTIM in {item["session_id"] for item in listed["items"]}
        assert msgspec.json.decode((await site.fetch("GET", "/readyz")).body)["quarantined"] == [VICTIM]


class Watched(MemoryStore):
    """Notes the order of loads, and how many there are at once; fails the first of each as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.away: set[str] = set()

    def load(self, session_id: str) -> Stored | None:
        self.loads.append(session_id)
        if session_id in self.away:
            self.away.discard(session_id)
            raise StoreUnavailable("away for a moment")
        return super().load(session_id)


async def test_recovery_is_newest_first_and_outlasts_an_outage() -> None:
    store, world = Watched(), World()
    async with Runtime.open(store, registry=world.registry()) as runtime:
        for number in range(20):
            await runtime.create(WAITS, session_id=f"s{number}")
    store.loads.clear()
    store.away = {"s3", "s17"}
    options = Options(recovery_at_once=4, read_threads=1)
    async with Runtime.open(store, registry=world.registry(), options=options) as runtime:
        assert not runtime.recovered.done(), "commands are welcome before everything is back"
        assert await runtime.recovered == []
        first = list(dict.fromkeys(store.loads))
        assert first == [f"s{number}" for number in reversed(range(20))]
        await ends(runtime, world, {f"s{number}" for number in range(20)})
