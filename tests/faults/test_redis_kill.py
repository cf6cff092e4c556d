"""SIGKILL to a real redis-server at its syncs, and keys that it evicts: what was acknowledged is there, or missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from support.graphs import graph, registry
from support.redis_server import RedisServer
from support.site import HELD, problem, site_on
from support.stores import OpenStore, Owner, row, segment
from support.strace import traced

from sessiond import Runtime
from sessiond.actors.core.errors import CorruptLog, StoreError, StoreUnavailable
from sessiond.actors.core.ports import Commit
from sessiond.actors.core.sharding import shard_of
from sessiond.persistence import keys

EVERYTHING = 1 << 30


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("call", ["fdatasync", "write"])
def test_killed_at_any_sync_the_server_has_all_that_was_acknowledged(
    open_store: OpenStore, server: RedisServer, call: str
) -> None:
    """A commit that got no answer is there whole or not at all; sending it again is safe either way."""
    url = f"{server.url}?shards=1&socket_timeout=2"
    Owner(open_store(url)).create(row("a"))
    acknowledged = 1
    for position in (3, 5, 8) if call == "fdatasync" else (12, 15, 18, 21):
        server.stop()
        server.prefix = traced(f"{call}:signal=SIGKILL:when={position}", forks=True)
        server.start()
        try:
            owner = Owner(open_store(url), f"owner{position}")
            answer = None
            while answer is None:
                answer = owner.try_commit(Commit("a", segment(acknowledged + 1)))
                acknowledged += answer is None
        except StoreUnavailable as error:
            answer = error
        assert isinstance(answer, StoreUnavailable)
        server.kill()
        server.prefix = []
        server.start()
        heir = Owner(open_store(url), f"heir{position}")
        found = heir.store.read("a", 0, EVERYTHING)
        assert acknowledged <= found[-1].last_seq <= acknowledged + 1
        heir.commit(Commit("a", segment(acknowledged + 1)))
        acknowledged += 1


async def test_an_evicted_log_is_quarantined_and_the_others_go_on(server: RedisServer) -> None:
    async with site_on(f"{server.url}?shards=4") as site:
        for name in ("gone", "kept"):
            await site.client.execute(HELD, session_id=name)
            await site.started.get()
        with Redis(port=server.port) as client:
            assert client.delete(keys.log(shard_of("gone", 4), "gone")) == 1
        path = "/api/v1/sessions/gone/control"
        while (response := await site.post(path, {"action": "pause"})).code != 500:
            assert response.code >= 500
        assert problem(response, 500)["code"] in ("quarantined", "position_conflict")
        assert problem(await site.post(path, {"action": "pause"}), 500)["code"] == "quarantined"
        site.go.set()
        assert (await site.runtime.session("kept").wait()).status == "completed"


async def test_an_evicting_server_eats_nothing_silently(server: RedisServer) -> None:
    """Every session is whole, or is reported: by recovery, and to whoever asks for it."""
    names = [f"s{number}" for number in range(40)]
    blob = graph({"a": {"type": "human_review", "properties": {"prompt": "x" * 20_000}}})
    async with Runtime.open(f"{server.url}?shards=4", registry=registry()) as runtime:
        for name in names:
            await runtime.create(blob, session_id=name, input="y" * 20_000)
        await runtime.writer.drain()
    with Redis(port=server.port) as client:
        client.config_set("maxmemory-policy", "allkeys-random")
        client.config_set("maxmemory", str(int(client.info("memory")["used_memory"] * 0.8)))
        client.set("trigger", "x")
        assert client.info("stats")["evicted_keys"] > 0
        client.config_set("maxmemory", "0")
    failed: set[str] = set()
    try:
        async with Runtime.open(f"{server.url}?shards=4", registry=registry()) as runtime:
            failed = set(await runtime.recovered)
            for name in names:
                try:
                    detail = await runtime.session(name).detail()
                    assert bytes(detail.input) == b'"' + b"y" * 20_000 + b'"'
                except Exception:  # noqa: BLE001 - any error is a report
                    failed.add(name)
    except CorruptLog as error:  # even the store's own record was eaten
        failed.add(str(error))
    assert failed


def test_a_store_whose_own_record_is_gone_is_not_made_anew(open_store: OpenStore, server: RedisServer) -> None:
    """With another number of shards every session would seem to be gone."""
    Owner(open_store(f"{server.url}?shards=4")).create(row("a"))
    with Redis(port=server.port) as client:
        client.delete(keys.META)
        before = client.dbsize()
        for url in (server.url, f"{server.url}?shards=4"):
            with pytest.raises(StoreError, match="its record"):
                open_store(url)
        assert client.dbsize() == before
        client.hset(keys.META, mapping={"schema": "1", "shards": "4"})
    assert open_store(server.url).row("a") == row("a")
