"""What only Redis can do wrong: cut connections, lost replies, restarts, full memory, lost keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from support.proxy import CuttingProxy
from support.redis_server import RedisServer
from support.stores import OpenStore, Owner, row, segment

from sessiond.actors.core.errors import (
    CorruptLog,
    Fenced,
    FutureVersion,
    InvalidInput,
    LogTrimmed,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from sessiond.actors.core.ports import Commit, RowQuery
from sessiond.actors.core.sharding import shard_of
from sessiond.persistence import keys
from sessiond.persistence.codec import VERSION

EVERYTHING = 1 << 30


@pytest.fixture
def client(redis_server: RedisServer, redis_url: str) -> Iterator[Redis]:
    with Redis(port=redis_server.port) as client:
        yield client


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(redis_server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    server.start()
    yield server
    server.stop()


def step(name: str) -> list[Commit]:
    """Return commits of a family that together touch every kind of key."""
    return [
        Commit(name, segment(1), row(name, labels={"k": "v"})),
        Commit(name, segment(2, 3)),
        Commit(f"{name}~n~0", segment(1), row(f"{name}~n~0")),
    ]


@pytest.mark.parametrize("way", ["request", "reply"])
def test_a_cut_at_any_byte_is_repaired_by_repeating(
    open_store: OpenStore, redis_url: str, proxy: CuttingProxy, way: str
) -> None:
    port = redis_url.partition("127.0.0.1:")[2].partition("/")[0]
    owner = Owner(open_store(redis_url.replace(port, str(proxy.port))))
    direct = open_store(redis_url)
    for shard in range(direct.shards):
        owner.token(shard)
    owner.commit(*step("warm-up"))
    proxy.arm()
    owner.commit(*step("s00000"))
    size = proxy.seen[way]
    assert size > 10
    for cut in range(size + (way == "request")):
        name = f"s{cut + 1:05}"
        proxy.arm(**{"reply": 0, way: cut})
        answer = owner.try_commit(*step(name))
        assert isinstance(answer, StoreUnavailable), (cut, answer)
        proxy.arm()
        owner.commit(*step(name))
        assert direct.read(name, 0, EVERYTHING) == [segment(1), segment(2, 3)], cut
        assert direct.read(f"{name}~n~0", 0, EVERYTHING) == [segment(1)], cut
    rows = direct.rows(RowQuery(limit=10_000)).items
    assert len(rows) == len({item.session_id for item in rows}) == 2 * (cut + 3)


@pytest.mark.parametrize("way", ["request", "reply"])
def test_a_cut_at_any_byte_trims_with_the_snapshot_or_not_at_all(
    open_store: OpenStore, redis_url: str, proxy: CuttingProxy, way: str
) -> None:
    port = redis_url.partition("127.0.0.1:")[2].partition("/")[0]
    owner = Owner(open_store(redis_url.replace(port, str(proxy.port))))
    direct = open_store(redis_url)
    owner.create(row("warm"), segment(2), segment(3))
    proxy.arm()
    assert owner.snapshot("warm", 3, b"s", 2) is None
    size = proxy.seen[way]
    for cut in range(size + (way == "request")):
        name = f"{cut:04}"
        proxy.arm()
        owner.create(row(name), segment(2), segment(3))
        proxy.arm(**{"reply": 0, way: cut})
        assert isinstance(owner.snapshot(name, 3, b"s", 2), StoreUnavailable)
        stored = direct.load(name)
        assert stored is not None
        if stored.snapshot is None:
            assert direct.read(name, 0, EVERYTHING) == [segment(1), segment(2), segment(3)]
        proxy.arm()
        assert owner.snapshot(name, 3, b"s", 2) is None
        with pytest.raises(LogTrimmed):
            direct.read(name, 0, EVERYTHING)
        assert direct.read(name, 2, EVERYTHING) == [segment(3)]


def test_a_lost_reply_does_not_save_a_replaced_owner(
    open_store: OpenStore, redis_url: str, proxy: CuttingProxy
) -> None:
    port = redis_url.partition("127.0.0.1:")[2].partition("/")[0]
    owner = Owner(open_store(redis_url.replace(port, str(proxy.port))))
    owner.create(row("a"))
    proxy.arm(reply=0)
    assert isinstance(owner.try_commit(Commit("a", segment(2))), StoreUnavailable)
    proxy.arm()
    heir = Owner(open_store(redis_url), "heir")
    heir.commit(Commit("a", segment(2)))
    assert isinstance(owner.try_commit(Commit("a", segment(2))), Fenced)
    assert heir.store.read("a", 0, EVERYTHING) == [segment(1), segment(2)]


def test_a_command_that_got_no_reply_is_sent_once(open_store: OpenStore, redis_url: str, proxy: CuttingProxy) -> None:
    port = redis_url.partition("127.0.0.1:")[2].partition("/")[0]
    store = open_store(redis_url.replace(port, str(proxy.port)))
    assert store.claim(0, "first") == "1:first"
    proxy.arm(reply=0)
    with pytest.raises(StoreUnavailable):
        store.claim(0, "unheard")
    proxy.arm()
    assert store.claim(0, "third") == "3:third"


def test_all_batches_of_a_cut_round_trip_are_unknown(
    open_store: OpenStore, redis_url: str, proxy: CuttingProxy
) -> None:
    port = redis_url.partition("127.0.0.1:")[2].partition("/")[0]
    store = open_store(redis_url.replace(port, str(proxy.port)))
    owner = Owner(store)
    batches = [owner.batch([Commit(name, segment(1), row(name))]) for name in "abcdef"]
    store.commit([owner.batch([Commit("warm-up", segment(1), row("warm-up"))])])
    proxy.arm(reply=20)
    assert {type(answer) for answer in store.commit(batches)} == {StoreUnavailable}
    proxy.arm()
    assert store.commit(batches) == [None] * 6
    assert all(store.read(name, 0, EVERYTHING) == [segment(1)] for name in "abcdef")


def test_what_was_acknowledged_survives_kill_9(open_store: OpenStore, own_server: RedisServer) -> None:
    store = open_store(own_server.url + "?shards=2")
    owner = Owner(store)
    owner.create(row("a"), segment(2))
    own_server.kill()
    assert isinstance(owner.try_commit(Commit("a", segment(3))), StoreUnavailable)
    with pytest.raises(StoreUnavailable):
        store.row("a")
    with pytest.raises(StoreUnavailable):
        open_store(own_server.url)
    own_server.start()
    owner.commit(Commit("a", segment(3)))
    assert store.read("a", 0, EVERYTHING) == [segment(1), segment(2), segment(3)]
    assert not [hazard for hazard in store.hazards() if hazard.unsafe]


def test_a_connection_closed_while_idle_costs_nothing(open_store: OpenStore, redis_url: str, client: Redis) -> None:
    owner = Owner(open_store(redis_url))
    owner.create(row("a"))
    client.client_kill_filter(_type="normal", skipme=True)
    owner.commit(Commit("a", segment(2)))
    assert owner.store.read("a", 0, EVERYTHING) == [segment(1), segment(2)]


def test_a_server_that_forgot_the_script_is_taught_again(open_store: OpenStore, redis_url: str, client: Redis) -> None:
    store = open_store(redis_url)
    owner = Owner(store)
    owner.create(row("a"))
    client.script_flush()
    batches = [owner.batch([Commit(name, segment(1), row(name))]) for name in "bcd"]
    assert store.commit(batches) == [None] * 3
    assert len(store.rows(RowQuery()).items) == 4


def test_full_memory_refuses_the_whole_batch(open_store: OpenStore, redis_url: str, client: Redis) -> None:
    store = open_store(redis_url)
    owner = Owner(store)
    owner.create(row("a"))
    client.config_set("maxmemory", "1")
    try:
        answer = owner.try_commit(Commit("a", segment(2)), *step("a~n~1"))
        assert isinstance(answer, StoreFull), answer
        assert store.read("a", 0, EVERYTHING) == [segment(1)]
        assert store.row("a~n~1") is None
        with pytest.raises(StoreFull):
            store.claim(0, "n")
    finally:
        client.config_set("maxmemory", "0")
    owner.commit(Commit("a", segment(2)), *step("a~n~1"))


def test_a_replica_is_unavailable_for_writing(
    open_store: OpenStore, own_server: RedisServer, redis_server: RedisServer
) -> None:
    store = open_store(own_server.url + "?shards=2")
    owner = Owner(store)
    owner.create(row("a"))
    with Redis(port=own_server.port) as admin:
        admin.execute_command("CONFIG", "SET", "replica-serve-stale-data", "yes")
        admin.replicaof("127.0.0.1", 1)
        assert isinstance(owner.try_commit(Commit("a", segment(2))), StoreUnavailable)
        admin.replicaof("NO", "ONE")
    owner.commit(Commit("a", segment(2)))


def test_an_evicted_log_is_noticed(open_store: OpenStore, redis_url: str, client: Redis) -> None:
    store = open_store(redis_url)
    Owner(store).create(row("a", seq=1), segment(2))
    name = keys.log(shard_of("a", store.shards), "a")
    client.xdel(name, "1-0")
    with pytest.raises(CorruptLog, match="goes on at seq 2 after 0"):
        store.load("a")
    with pytest.raises(CorruptLog, match="goes on at seq 2 after 0"):
        store.read("a", 0, EVERYTHING)
    client.delete(name)
    with pytest.raises(CorruptLog, match="ends at seq 0"):
        store.load("a")


def test_every_key_of_a_session_carries_the_tag_of_its_shard(
    open_store: OpenStore, redis_url: str, client: Redis
) -> None:
    store = open_store(redis_url)
    owner = Owner(store)
    owner.commit(*step("a"))
    tag = keys.prefix(shard_of("a", store.shards)).encode()
    found = {bytes(name) for name in client.scan_iter()}
    assert {name for name in found if not name.startswith(tag)} == {keys.META.encode()}
    assert store.delete("a")
    assert store.delete("a~n~0")
    assert set(client.scan_iter()) == {keys.META.encode(), tag + b"owner"}


def test_settings_that_risk_data_are_named(open_store: OpenStore, redis_url: str, client: Redis) -> None:
    store = open_store(redis_url)
    assert [hazard.setting for hazard in store.hazards() if hazard.unsafe] == ["appendonly"]
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("appendonly", "yes")
    client.config_set("appendfsync", "everysec")
    try:
        assert [hazard.setting for hazard in store.hazards() if hazard.unsafe] == ["appendfsync", "maxmemory-policy"]
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "no")


def test_the_number_of_shards_is_fixed_when_the_store_is_made(
    open_store: OpenStore, redis_server: RedisServer, redis_url: str
) -> None:
    assert open_store(redis_url).shards == 8
    assert open_store(redis_server.url).shards == 8
    with pytest.raises(StoreError, match="has 8 shards, not 9"):
        open_store(f"{redis_server.url}?shards=9")


def test_a_new_store_has_64_shards(open_store: OpenStore, redis_server: RedisServer, redis_url: str) -> None:
    assert open_store(redis_server.url).shards == 64


@pytest.mark.parametrize("shards", ["0", "-1", "x", ""])
def test_a_senseless_number_of_shards_is_refused(open_store: OpenStore, shards: str) -> None:
    with pytest.raises(InvalidInput, match="shards"):
        open_store(f"redis://127.0.0.1:1/0?shards={shards}")


def test_a_store_of_the_future_is_left_untouched(
    open_store: OpenStore, redis_server: RedisServer, redis_url: str, client: Redis
) -> None:
    client.hset(keys.META, "schema", str(VERSION + 1))
    with pytest.raises(FutureVersion):
        open_store(redis_server.url)
    assert client.hgetall(keys.META) == {b"schema": str(VERSION + 1).encode()}


def test_a_store_of_the_past_is_refused_by_older_versions_once_it_was_opened(
    open_store: OpenStore, redis_url: str, client: Redis
) -> None:
    client.hset(keys.META, mapping={"schema": "1", "shards": "4"})
    assert open_store(redis_url.partition("?")[0]).shards == 4
    assert client.hget(keys.META, "schema") == str(VERSION).encode()


def test_a_wrong_password_is_no_passing_trouble(open_store: OpenStore, own_server: RedisServer) -> None:
    with Redis(port=own_server.port) as admin:
        admin.config_set("requirepass", "secret")
    with pytest.raises(StoreError, match=r"(?i)auth|password"):
        open_store(own_server.url.replace("127", ":wrong@127"))
    open_store(own_server.url.replace("127", ":secret@127"))
