"""What clients see while the store is away, or full."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis
from support.proxy import CuttingProxy
from support.redis_server import RedisServer
from support.site import HELD, Site, problem, site_on

CONTROL = "/api/v1/sessions/s1/control"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[CuttingProxy]:
    made = CuttingProxy(server.port)
    yield made
    made.arm()
    made.close()


@pytest.fixture
async def behind(proxy: CuttingProxy) -> AsyncIterator[Site]:
    async with site_on(f"redis://127.0.0.1:{proxy.port}/0?shards=1") as site:
        yield site
        proxy.refuse(False)


async def readiness(site: Site, wanted: int) -> None:
    """Ask until the answer is as wanted, and the writer knows too; the test's own time limit is the bound."""
    well = wanted == 200
    while (await site.fetch("GET", "/readyz")).code != wanted or (site.runtime.writer.trouble is None) != well:
        pass


async def test_while_the_store_is_away_commands_are_refused_and_none_is_lost(behind: Site, proxy: CuttingProxy) -> None:
    await behind.client.execute(HELD, session_id="s1")
    await behind.started.get()
    proxy.refuse(True)
    waiting = asyncio.ensure_future(behind.client.control("s1", "pause"))
    await readiness(behind, 503)
    response = await behind.post(CONTROL, {"action": "resume"})
    assert problem(response, 503)["code"] == "store_unavailable"
    assert int(response.headers["Retry-After"]) >= 1
    assert (await behind.fetch("GET", "/livez")).code == 200
    assert not waiting.done()
    proxy.refuse(False)
    assert (await waiting).status == "paused"
    await readiness(behind, 200)
    assert (await behind.client.control("s1", "resume")).changed


async def test_a_full_store_is_told_as_such(server: RedisServer) -> None:
    async with site_on(f"{server.url}?shards=1") as site:
        await site.client.execute(HELD, session_id="s1")
        await site.started.get()
        with Redis(port=server.port) as redis:
            redis.config_set("maxmemory", "1")
            waiting = asyncio.ensure_future(site.client.control("s1", "pause"))
            await readiness(site, 507)
            problem(await site.post(CONTROL, {"action": "resume"}), 507)
            redis.config_set("maxmemory", "0")
        assert (await waiting).status == "paused"
