"""A server whose store is away at the start: it lives, accepts nothing, and goes on once the store answers."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.command import command
from support.graphs import graph
from support.redis_server import RedisServer
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from sessiond.actors.core.errors import StoreUnavailable
from sessiond.gateway.client import Client, ProblemError
from sessiond.gateway.main import serve
from sessiond.gateway.settings import Settings

WAIT = graph({"ask": {"type": "human_review", "properties": {"prompt": "?"}}})


@pytest.fixture
def away(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis with a waiting session s1, killed."""
    server = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    server.start()
    url = f"{server.url}?shards=1"

    async def fill() -> None:
        async with serving(Settings(store=url, port=0)) as told, Client(await told.get()) as client:
            await client.execute(WAIT, session_id="s1")

    asyncio.run(fill())
    server.kill()
    yield server
    server.stop()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[asyncio.Queue[str]]:
    """Serve; yields where the address is told once it is ready."""
    told: asyncio.Queue[str] = asyncio.Queue()
    stop = asyncio.Event()
    task = asyncio.ensure_future(
        serve(settings, announce=lambda line: told.put_nowait(line.split()[-1]), stop=stop),
    )
    yield told
    stop.set()
    await task


async def listening(caplog: pytest.LogCaptureFixture) -> str:
    """The address that the log tells."""
    while (said := re.search(r"not ready, on (http://\S+): the store is away", caplog.text)) is None:
        await asyncio.sleep(0)
    return said[1]


async def refused(client: Client, method: str, path: str) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await client.request(method, path)
    return caught.value


def test_it_lives_and_is_ready_once_the_store_answers(away: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(Settings(store=f"{away.url}?shards=1", port=0)) as told:
            url = await listening(caplog)
            async with Client(url) as client:
                assert (await client.request("GET", "/livez")).code == 200
                request = HTTPRequest(f"{url}/livez", "BREW", allow_nonstandard_methods=True)
                strange = await AsyncHTTPClient().fetch(request, raise_error=False)
                assert (strange.code, strange.headers["Content-Type"]) == (503, "application/problem+json")
                for path in ("/readyz", "/api/v1/sessions", "/metrics", "/nowhere"):
                    error = await refused(client, "GET", path)
                    assert (error.status, error.problem_code) == (503, "store_unavailable")
                with pytest.raises(ProblemError, match="doesn't answer"):
                    await client.execute(WAIT, session_id="s2")
                assert told.empty()
                away.start()
                assert await told.get() == url
                assert (await client.request("GET", "/readyz")).code == 200
                assert (await client.detail("s1")).status == "running"
                assert (await refused(client, "GET", "/api/v1/sessions/s2")).status == 404
                await client.request("GET", "/livez")

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())


def test_it_ends_when_told_to_while_it_waits(away: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(Settings(store=away.url, port=0)) as told:
            await listening(caplog)
        assert told.empty()

    asyncio.run(main())


def test_it_gives_up_after_a_while(away: RedisServer, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"stayed away for 0\.1 s: Redis: Error 111"):
        asyncio.run(serve(Settings(store=away.url, port=0, store_wait_s=0.1)))
    done = command("serve", "--store", away.url, "--port", "0", "--store-wait-s", "0", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert "Redis: Error 111" in done.stderr
    assert "Traceback" not in done.stderr
