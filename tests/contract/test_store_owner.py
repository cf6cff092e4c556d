"""Ownership: claims, and what an owner may do that has been replaced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.stores import OpenStore, Owner, row, segment

from sessiond.actors.core.errors import Fenced
from sessiond.actors.core.ports import Batch, Commit, RowQuery, Snapshot, Store
from sessiond.actors.core.sharding import shard_of


def test_each_claim_is_one_epoch_above_the_last(store: Store) -> None:
    shard = store.shards - 1
    assert [store.claim(shard, nonce) for nonce in ("a", "b:c", "d")] == ["1:a", "2:b:c", "3:d"]


def test_shards_have_owners_of_their_own(store: Store) -> None:
    assert {store.claim(shard, "n") for shard in range(store.shards)} == {"1:n"}


@pytest.mark.parametrize("shard", [-1, 64])
def test_an_unknown_shard_can_not_be_claimed(store: Store, shard: int) -> None:
    with pytest.raises(ValueError, match="there is no shard"):
        store.claim(shard, "n")


@pytest.mark.parametrize("token", ["", "1:n", "0:", "1:other", "01:me", "1:me ", "2:me"])
def test_a_token_is_compared_for_equality(store: Store, token: str) -> None:
    batch = Owner(store, "me").batch([Commit("a", segment(1), row("a"))])
    batch.token = token
    (answer,) = store.commit([batch])
    assert isinstance(answer, Fenced)
    assert answer.shard == batch.shard
    assert store.row("a") is None


def test_nobody_writes_to_a_shard_without_an_owner(store: Store) -> None:
    (answer,) = store.commit([Batch(0, "", [])])
    assert isinstance(answer, Fenced)


def test_a_replaced_owner_can_neither_append_nor_create_nor_snapshot(store: Store) -> None:
    zombie, heir = Owner(store, "zombie"), Owner(store, "heir")
    zombie.create(row("a"), segment(2))
    heir.token(zombie.batch([Commit("a", segment(3))]).shard)
    for attempt in (
        [Commit("a", segment(3))],
        [Commit("a~n~0", segment(1), row("a~n~0"))],
        [Commit("a", segment(3), row("a", "failed")), Commit("a~n~0", segment(1), row("a~n~0"))],
        [Commit(f"a~n~{number}", segment(1), row(f"a~n~{number}")) for number in range(200)],
    ):
        assert isinstance(zombie.try_commit(*attempt), Fenced)
    assert isinstance(zombie.snapshot("a", 2, b"late"), Fenced)
    stored = store.load("a")
    assert stored is not None
    assert (stored.row, stored.snapshot, stored.segments) == (row("a"), None, [segment(1), segment(2)])
    assert store.row("a~n~0") is None
    heir.commit(Commit("a", segment(3)))


def test_a_replaced_owner_can_not_delete_either(store: Store) -> None:
    owner = Owner(store)
    owner.create(row("a", "completed"))
    old = owner.token(shard_of("a", store.shards))
    new = store.claim(shard_of("a", store.shards), "another")
    with pytest.raises(Fenced):
        store.delete("a", token=old)
    assert store.read("a", 0, 1 << 20) == [segment(1)]
    assert store.delete("a", token=new)
    assert not store.delete("a", token=new)


def test_a_replaced_owner_is_fenced_whatever_has_become_of_the_log(store: Store) -> None:
    zombie, heir = Owner(store, "zombie"), Owner(store, "heir")
    zombie.create(row("a"))
    heir.commit(Commit("a", segment(2)), Commit("a", segment(3)))
    for part in (segment(1), segment(2), segment(9)):
        assert isinstance(zombie.try_commit(Commit("a", part, row("a"))), Fenced)
    assert isinstance(zombie.snapshot("a", 9, b""), Fenced)


def test_owners_on_different_connections_fence_each_other(open_store: OpenStore, durable_url: str) -> None:
    old, new = Owner(open_store(durable_url), "old"), Owner(open_store(durable_url), "new")
    old.create(row("a"), segment(2))
    new.commit(Commit("a", segment(3)), Commit("a~n~0", segment(1), row("a~n~0")))
    assert isinstance(old.try_commit(Commit("a", segment(3))), Fenced)
    assert isinstance(old.try_commit(Commit("a~n~1", segment(1), row("a~n~1"))), Fenced)
    new.commit(Commit("a", segment(4)))
    assert old.store.read("a", 0, 1 << 20) == [segment(1), segment(2), segment(3), segment(4)]


def test_an_owner_in_another_process_fences_this_one(open_store: OpenStore, durable_url: str) -> None:
    owner = Owner(open_store(durable_url), "parent")
    owner.create(row("a"))
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from support.stores import OPENERS\n"
        "from support.stores import Owner, row, segment\n"
        "from sessiond.actors.core.ports import Commit\n"
        "store = OPENERS[sys.argv[1].partition(':')[0]](sys.argv[1])\n"
        "owner = Owner(store, 'child')\n"
        "owner.commit(Commit('a', segment(2)))\n"
        "print(list(owner.tokens.values()))\n"
        "store.close()\n"
    )
    tests = str(Path(__file__).parent.parent)
    child = subprocess.run(
        [sys.executable, "-c", code, durable_url, tests], capture_output=True, text=True, check=False
    )
    assert child.stdout == "['2:child']\n", child.stderr
    assert isinstance(owner.try_commit(Commit("a", segment(2))), Fenced)
    assert owner.store.read("a", 0, 1 << 20) == [segment(1), segment(2)]


def test_what_was_stored_is_there_after_reopening(open_store: OpenStore, durable_url: str) -> None:
    store = open_store(durable_url)
    owner = Owner(store, "first")
    owner.create(row("a", labels={"team": "x"}), segment(2, 5), segment(6))
    owner.create(row("b", "completed", at=1))
    assert owner.snapshot("a", 5, b"five") is None
    before = store.load("a"), store.load("b")
    store.close()
    again = open_store(durable_url)
    assert (again.load("a"), again.load("b")) == before
    assert again.shards == store.shards
    heir = Owner(again, "second")
    heir.commit(Commit("a", segment(7)), Commit("a~n~0", segment(1), row("a~n~0")))
    assert set(heir.tokens.values()) == {"2:second"}
    batch = heir.batch([], [Snapshot("a", 7, b"seven")])
    assert again.commit([batch]) == [None]


def test_nothing_of_a_deleted_session_comes_back_after_reopening(open_store: OpenStore, durable_url: str) -> None:
    store = open_store(durable_url)
    owner = Owner(store)
    owner.create(row("a", labels={"old": "x"}, waits=("n",)), segment(2))
    assert owner.snapshot("a", 2, b"old") is None
    assert store.delete("a")
    store.close()
    again = open_store(durable_url)
    for name in ("a", "b"):
        Owner(again, name).create(row(name))
        stored = again.load(name)
        assert stored is not None
        assert (stored.row, stored.snapshot, stored.segments) == (row(name), None, [segment(1)])
    assert again.rows(RowQuery(label="old")).items == []
    assert again.rows(RowQuery(waiting=True)).items == []
