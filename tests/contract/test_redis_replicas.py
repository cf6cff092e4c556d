"""`?replicas=1`: what counts as stored is on a replica too, whatever becomes of the master then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from support.redis_server import RedisServer
from support.stores import OpenStore, Owner, row, segment

from sessiond.actors.core.errors import Fenced, InvalidInput, StoreUnavailable
from sessiond.actors.core.ports import Commit
from sessiond.actors.core.sharding import shard_of

EVERYTHING = 1 << 30


class Pair:
    """A master and its replica."""

    def __init__(self, directory: Path) -> None:
        self.master = self._made(directory / "master")
        self.replica = self._made(directory / "replica")
        self.master.start()
        self.replica.start()
        with Redis(port=self.replica.port) as admin, Redis(port=self.master.port) as client:
            admin.replicaof("127.0.0.1", str(self.master.port))
            client.set("begun", "")
            assert client.wait(1, 20_000) == 1

    def _made(self, directory: Path) -> RedisServer:
        directory.mkdir()
        return RedisServer(directory)

    @property
    def url(self) -> str:
        return f"{self.master.url}?shards=4&replicas=1"

    def promote(self) -> str:
        """Lose the master; return the URL of the store on what was its replica."""
        self.master.kill()
        with Redis(port=self.replica.port) as admin:
            admin.replicaof("NO", "ONE")
        return self.replica.url

    def stop(self) -> None:
        self.replica.thaw()
        for server in (self.replica, self.master):
            server.stop()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.stop()


def test_what_was_acknowledged_is_there_when_the_master_is_gone(open_store: OpenStore, pair: Pair) -> None:
    owner = Owner(open_store(pair.url))
    for number in range(100):
        owner.create(row(f"s{number}"), segment(2))
    heir = open_store(pair.promote())
    assert [heir.read(f"s{number}", 0, EVERYTHING) for number in range(100)] == [[segment(1), segment(2)]] * 100
    token = owner.batch([Commit("s1", segment(3))])
    assert heir.commit([token]) == [None], "and so is the claim"


def test_a_commit_waits_for_its_replica_however_often_it_is_sent(open_store: OpenStore, pair: Pair) -> None:
    owner = Owner(open_store(pair.url))
    owner.create(row("a"))
    pair.replica.freeze()
    commit = Commit("a", segment(2))
    assert isinstance(owner.try_commit(commit), StoreUnavailable)
    assert isinstance(owner.try_commit(commit), StoreUnavailable)
    with Redis(port=pair.master.port) as admin:
        admin.client_kill_filter(_type="normal")  # a new connection has written nothing that it could wait for
    assert isinstance(owner.try_commit(commit), StoreUnavailable)
    assert isinstance(owner.try_commit(commit), StoreUnavailable)
    pair.replica.thaw()
    while owner.try_commit(commit) is not None:
        pass  # the replica reads what it has missed
    assert owner.store.read("a", 0, EVERYTHING) == [segment(1), segment(2)]


def test_a_claim_waits_too(open_store: OpenStore, pair: Pair) -> None:
    store = open_store(pair.url)
    pair.replica.freeze()
    with pytest.raises(StoreUnavailable, match="of 1 replicas"):
        store.claim(0, "n")
    pair.replica.thaw()
    with Redis(port=pair.master.port) as client:
        client.set("begun", "")
        assert client.wait(1, 20_000) == 1
    assert store.claim(0, "n").endswith(":n")


def test_without_its_replica_nothing_counts_and_a_lost_owner_is_still_told(open_store: OpenStore, pair: Pair) -> None:
    store = open_store(pair.url)
    owner = Owner(store)
    owner.create(row("a"))
    alone = open_store(f"{pair.master.url}?shards=4")
    with Redis(port=pair.replica.port) as admin:
        admin.replicaof("NO", "ONE")
    assert isinstance(owner.try_commit(Commit("a", segment(2))), StoreUnavailable)
    elsewhere = next(name for name in "bcdefg" if shard_of(name, 4) != shard_of("a", 4))
    Owner(alone, "another").create(row(elsewhere))  # who doesn't ask for replicas needs none
    with Redis(port=pair.replica.port) as admin, Redis(port=pair.master.port) as client:
        admin.replicaof("127.0.0.1", str(pair.master.port))
        client.set("begun", "")
        assert client.wait(1, 20_000) == 1
    assert owner.try_commit(Commit("a", segment(2))) is None
    for shard in range(4):
        alone.claim(shard, "another")
    assert isinstance(owner.try_commit(Commit("a", segment(3))), Fenced)


def test_a_number_that_is_none_is_refused(open_store: OpenStore) -> None:
    with pytest.raises(InvalidInput, match="replicas: must be a whole number"):
        open_store("redis://127.0.0.1:1/0?replicas=some")
