"""A store that goes away in the middle and comes back: answers have a deadline, and nothing accepted is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import Redis
from support.graphs import graph
from support.redis_server import RedisServer
from support.site import HELD, Site, problem, site_on
from support.watching import collect, contiguous, until

from sessiond.actors.core.events import Record
from sessiond.actors.core.reset import StreamReset

CONTROL = "/api/v1/sessions/s1/control"
ANSWER_S = 0.3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    made.start()
    yield made
    made.thaw()
    made.stop()


@pytest.fixture
async def site(server: RedisServer) -> AsyncIterator[Site]:
    async with site_on(f"{server.url}?shards=1&socket_timeout=0.2", answer_s=ANSWER_S) as made:
        yield made


@pytest.fixture
async def held(site: Site) -> Site:
    """A session s1 with one node that waits for `go`."""
    await begin(site)
    return site


async def begin(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    await site.runtime.writer.drain()


async def readiness(site: Site, wanted: int) -> None:
    """Ask until the answer is as wanted, and the writer knows too; the test's own time limit is the bound."""
    while (await site.fetch("GET", "/readyz")).code != wanted or (site.runtime.writer.trouble is None) != (
        wanted == 200
    ):
        pass


async def unknown(site: Site, action: str) -> None:
    """A command whose fate isn't known when its time is up."""
    response = await site.post(CONTROL, {"action": action})
    told = problem(response, 503)
    assert (told["code"], told["session_id"]) == ("unknown_outcome", "s1")
    assert "may still take effect" in told["detail"]
    assert int(response.headers["Retry-After"]) >= 1


async def refused(site: Site, status: int = 503) -> None:
    """A command while the store is known to be away: nothing of it is kept."""
    await readiness(site, status)
    told = problem(await site.post(CONTROL, {"action": "cancel"}), status)
    assert told["code"] in ("store_unavailable", "store_full")


async def test_an_idle_server_notices_that_its_store_is_away(site: Site, server: RedisServer) -> None:
    assert (await site.fetch("GET", "/readyz")).code == 200
    server.kill()
    told = problem(await site.fetch("GET", "/readyz"), 503)
    assert told["code"] == "store_unavailable"
    assert site.runtime.writer.trouble is None, "nothing was written"
    server.start()
    while (await site.fetch("GET", "/readyz")).code != 200:
        pass
    server.freeze()
    asked = [site.fetch("GET", "/readyz") for _ in range(20)]
    assert {response.code for response in await asyncio.gather(*asked)} == {503}


async def finish(site: Site) -> list[Record]:
    """Let s1 go on to its end and return its log, which has no gap."""
    await readiness(site, 200)
    if (await site.client.detail("s1")).status == "paused":
        await site.client.control("s1", "resume")
    site.go.set()
    session = site.runtime.session("s1")
    assert (await session.wait()).status == "completed"
    records = await collect(session)
    contiguous(records)
    return records


def events(records: list[Record]) -> list[str]:
    return [record.event for record in records]


async def test_a_server_that_stands_still(held: Site, server: RedisServer) -> None:
    server.freeze()
    await unknown(held, "pause")
    await refused(held)
    assert (await held.fetch("GET", "/livez")).code == 200
    described = await held.fetch("GET", "/api/v1/sessions/s1")
    assert problem(described, 503)["code"] == "store_unavailable"
    server.thaw()
    records = await finish(held)
    assert events(records).count("execution:paused") == 1
    assert "execution:completed" in events(records)


async def test_a_create_whose_answer_was_lost_can_be_repeated(site: Site, server: RedisServer) -> None:
    await site.client.execute(HELD)
    server.freeze()
    told = problem(await site.post("/api/v1/workflows/execute", {"graph": HELD}), 503)
    assert told["code"] == "unknown_outcome"
    server.thaw()
    await readiness(site, 200)
    name = told["session_id"]
    assert (await site.client.detail(name)).status == "running"
    again = await site.post("/api/v1/workflows/execute", {"graph": HELD, "session_id": name})
    assert again.code == 202
    site.go.set()
    await site.runtime.session(name).wait()
    assert events(await collect(site.runtime.session(name))).count("execution:created") == 1


async def test_a_server_that_is_killed_and_started_again(held: Site, server: RedisServer) -> None:
    server.kill()
    await unknown(held, "pause")
    await refused(held)
    server.start()
    assert events(await finish(held)).count("execution:paused") == 1


async def test_a_node_that_ends_during_the_outage_has_not_run_in_vain(held: Site, server: RedisServer) -> None:
    server.kill()
    held.go.set()
    await readiness(held, 503)
    server.start()
    records = await finish(held)
    ran = [record for record in records if record.data.get("status") == "running" and record.node_id == "a"]
    assert [record.data["attempt"] for record in ran] == [1]


async def test_a_failover_that_leaves_a_replica_behind(held: Site, server: RedisServer) -> None:
    with Redis(port=server.port) as admin:
        admin.replicaof("127.0.0.1", 1)
        await unknown(held, "pause")
        await refused(held)
        admin.replicaof("NO", "ONE")
    assert events(await finish(held)).count("execution:paused") == 1


async def test_full_memory(held: Site, server: RedisServer) -> None:
    with Redis(port=server.port) as admin:
        admin.config_set("maxmemory", "1")
        await unknown(held, "pause")
        await refused(held, 507)
        before = admin.dbsize()
        problem(await held.post("/api/v1/workflows/execute", {"graph": HELD, "session_id": "s2"}), 507)
        assert admin.dbsize() == before
        admin.config_set("maxmemory", "0")
    assert events(await finish(held)).count("execution:paused") == 1


async def test_clients_that_are_paused(held: Site, server: RedisServer) -> None:
    with Redis(port=server.port) as admin:
        admin.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
        await unknown(held, "pause")
        await refused(held)
        admin.execute_command("CLIENT", "UNPAUSE")
    assert events(await finish(held)).count("execution:paused") == 1


TALKER = graph({"t": {"type": "talker"}}, workflow_id="talk")


async def test_a_flood_of_tokens_goes_on_in_order_after_restarts(site: Site, server: RedisServer) -> None:
    await site.client.execute(TALKER, session_id="s1")
    await site.started.get()
    for _ in range(2):
        server.kill()
        await readiness(site, 503)
        server.start()
        await readiness(site, 200)
    site.go.set()
    await site.runtime.session("s1").wait()
    records = await collect(site.runtime.session("s1"))
    contiguous(records)
    said = "".join(record.data["chunk"] for record in records if record.event == "token_stream").split()
    assert said == [str(number) for number in range(len(said))]
    assert said


async def test_a_file_that_another_process_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with site_on(f"sqlite:///{tmp_path}/s.db", answer_s=ANSWER_S) as site:
        await begin(site)
        with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await unknown(site, "pause")
            await refused(site)
            other.execute("ROLLBACK")
        assert events(await finish(site)).count("execution:paused") == 1
    assert "blocked the event loop" not in caplog.text, "the thread waits, the loop doesn't"


async def test_a_file_that_is_held_for_a_moment_costs_a_moment(tmp_path: Path) -> None:
    async with site_on(f"sqlite:///{tmp_path}/s.db") as site:
        await begin(site)
        with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            paused = asyncio.ensure_future(site.client.control("s1", "pause"))
            while not site.runtime.writer.standing.waiting:
                await asyncio.sleep(0)
            assert (await site.fetch("GET", "/livez")).code == 200
            other.execute("ROLLBACK")
        assert (await paused).changed
        assert site.runtime.writer.meters.errors == 0


@pytest.fixture
def lost_tail(server: RedisServer, tmp_path: Path) -> Any:
    """Starts the server again without the last bytes of its file."""

    def lose() -> None:
        server.kill()
        (path,) = tmp_path.rglob("appendonly*.aof")
        data = path.read_bytes()
        path.write_bytes(data[: data.rindex(b"EVALSHA") if b"EVALSHA" in data else data.rindex(b"XADD") + 10])
        server.start()

    return lose


async def test_a_log_that_lost_its_tail_is_noticed_and_its_seqs_are_not_used_again(
    held: Site, server: RedisServer, lost_tail: Any
) -> None:
    await held.client.execute(HELD, session_id="other")
    assert (await held.client.control("s1", "pause")).changed
    published = await held.runtime.session("s1").detail()
    lost_tail()
    response = await held.post(CONTROL, {"action": "resume"})
    assert response.code >= 500
    told = problem(await held.post(CONTROL, {"action": "resume"}), 500)
    assert (told["code"], told["session_id"]) == ("quarantined", "s1")
    stored = held.runtime.store.read("s1", 0, 1 << 20)
    assert stored[-1].last_seq < published.seq, "nothing was written over the gap"
    assert (await held.client.detail("other")).status == "running"
    ready = await held.fetch("GET", "/readyz")
    assert b'"quarantined":["s1"]' in ready.body


@pytest.mark.parametrize("kind", ["client", "socket", "page"])
async def test_who_saw_the_lost_tail_is_told_by_the_next_process(
    server: RedisServer, lost_tail: Any, kind: str
) -> None:
    url = f"{server.url}?shards=1"
    async with site_on(url) as site:
        await begin(site)
        await site.client.control("s1", "pause")
        last = (await until(site.runtime.session("s1"), "execution:paused"))[-1]
    lost_tail()
    async with site_on(url) as site:
        while (await site.client.detail("s1")).seq <= last.seq:
            pass  # it is recovered, and its new events have the seqs of the lost ones
        events = f"/api/v1/sessions/s1/events?after={last.seq}&seen={last.timestamp}"
        match kind:
            case "client":
                watching = site.client.watch("s1", last.seq, last.timestamp)
                reset = await anext(watching)
                assert isinstance(reset, StreamReset)
                notice = reset.notice["data"]
            case "socket":
                socket = await site.socket(events)
                notice = (await socket.message())["data"]
                await socket.close()
            case _:
                page = msgspec.json.decode((await site.fetch("GET", events)).body)
                notice = page["reset"]
                assert page["last_seq"] == notice["first_seq"] - 1
        assert notice["snapshot"]["seq"] == notice["first_seq"] - 1
        site.go.set()
        await site.runtime.session("s1").wait()
        if kind == "client":
            later = [record async for record in watching]
            assert [record.seq for record in later] == list(range(notice["first_seq"], later[-1].seq + 1))
            assert later[-1].event == "execution:completed"
