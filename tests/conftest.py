"""Stores of each kind, so that one suite holds for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from redis import Redis
from support.redis_server import RedisServer
from support.stores import OPENERS, OpenStore, Owner

from sessiond.actors.core.ports import Store
from sessiond.actors.dispatch.dispatcher import LoopDispatcher

settings.register_profile("shared", deadline=None)  # who else has the cores is no fault of an example
settings.load_profile("shared")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty Redis."""
    with Redis(port=redis_server.port) as client:
        client.flushall()
        client.script_flush()
    return f"{redis_server.url}?shards=8"


@pytest.fixture
def open_store() -> Iterator[OpenStore]:
    """Opens stores by URL, and closes them after the test."""
    stores: list[Store] = []

    def open_url(url: str) -> Store:
        store = OPENERS[url.partition(":")[0]](url)
        stores.append(store)
        return store

    yield open_url
    for store in stores:
        store.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "memory":
            return "memory://?shards=4"
        case "sqlite":
            return f"sqlite:///{tmp_path}/sessions.db"
        case _:
            url: str = request.getfixturevalue("redis_url")
            return url


@pytest.fixture(params=["sqlite", "redis"])
def durable_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sessions.db"
    url: str = request.getfixturevalue("redis_url")
    return url


@pytest.fixture
def store(open_store: OpenStore, store_url: str) -> Store:
    return open_store(store_url)


@pytest.fixture
def owner(store: Store) -> Owner:
    return Owner(store)


@pytest.fixture
async def dispatcher() -> AsyncIterator[LoopDispatcher]:
    """A dispatcher on the test's loop, empty again afterwards."""
    dispatcher = LoopDispatcher()
    yield dispatcher
    dispatcher.close()
    while dispatcher.directory:
        await asyncio.sleep(0)
