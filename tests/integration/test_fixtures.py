"""Stores that earlier versions wrote are read, and their sessions run on to their end."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from redis import Redis
from support.fixture import ENDS, FIXTURES, restore, types
from support.redis_server import RedisServer
from support.watching import collect, contiguous

from sessiond import Runtime
from sessiond.persistence.codec import VERSION

VERSIONS = sorted(path.name for path in FIXTURES.iterdir())


def test_the_present_version_has_its_fixtures() -> None:
    assert f"v{VERSION}" in VERSIONS
    for version in VERSIONS:
        assert {path.name for path in (FIXTURES / version).iterdir()} == {"sessions.sqlite", "redis.jsonl"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_sqlite_file_goes_on(version: str, tmp_path: Path) -> None:
    shutil.copyfile(FIXTURES / version / "sessions.sqlite", tmp_path / "s.db")
    await go_on(f"sqlite:///{tmp_path}/s.db")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_redis_goes_on(version: str, redis_server: RedisServer, redis_url: str) -> None:
    with Redis(port=redis_server.port) as client:
        lines = (FIXTURES / version / "redis.jsonl").read_text().splitlines()
        restore(client, [json.loads(line) for line in lines])
    await go_on(redis_server.url)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_a_definition_goes_with_its_last_session_if_it_is_known_who_has_it(
    version: str, kind: str, tmp_path: Path, redis_server: RedisServer, redis_url: str
) -> None:
    shutil.copyfile(FIXTURES / version / "sessions.sqlite", tmp_path / "s.db")
    with Redis(port=redis_server.port) as client:
        restore(client, [json.loads(line) for line in (FIXTURES / version / "redis.jsonl").read_text().splitlines()])
    url = f"sqlite:///{tmp_path}/s.db" if kind == "sqlite" else redis_server.url
    known = kind == "sqlite" or int(version[1:]) >= 4
    async with Runtime.open(url, registry=types(asyncio.Event())) as runtime:
        row = await runtime.row("done")
        await runtime.delete("done")
        found = runtime.store.definition(row.workflow_id, row.workflow_version)
        assert (found is None) == known
        row = await runtime.row("stopped")
        await runtime.delete("stopped")
        assert runtime.store.definition(row.workflow_id, row.workflow_version) is not None, "others have it too"


async def go_on(url: str) -> None:
    go = asyncio.Event()
    go.set()
    async with Runtime.open(url, registry=types(go)) as runtime:
        assert await runtime.recovered == []
        await runtime.session("pending").start()
        await runtime.session("paused").resume()
        await runtime.session("review").review("r", "approve", reviewer="ann")
        for name, status in ENDS.items():
            session = runtime.session(name)
            detail = await session.wait()
            assert detail.status == status, name
            contiguous(await collect(session))
        assert (await runtime.row("done")).labels == {"team": "x"}
        attempts = {name: (await runtime.session(name).detail()).nodes["b"].attempt for name in ("running", "pending")}
        assert attempts == {"running": 2, "pending": 1}
