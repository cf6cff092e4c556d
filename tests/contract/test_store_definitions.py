"""Workflow definitions: immutable versions, and which of them are listed."""

from __future__ import annotations

import msgspec
import pytest
from support.stores import OpenStore, Owner, moment, row, segment

from sessiond.actors.core.ports import Commit, Definition, Store
from sessiond.actors.core.tenancy import workflow_key


def definition(version: str, workflow_id: str = "w", at: int = 0, *, listed: bool = True) -> Definition:
    return Definition(workflow_id, version, b'{"v":"%s"}' % version.encode(), moment(at), listed)


def test_a_definition_is_kept_whole(store: Store) -> None:
    kept = Definition("wörk flow/1", "sha-1", b"\x00\xff{}", moment(3))
    store.put_definition(kept)
    assert store.definition("wörk flow/1", "sha-1") == kept
    assert store.definition("wörk flow/1", None) == kept
    assert store.definitions() == [kept]


def test_what_nobody_put_is_not_there(store: Store) -> None:
    store.put_definition(definition("v1"))
    assert store.definition("w", "v2") is None
    assert store.definition("other", None) is None
    assert store.definition("other", "v1") is None
    assert not store.unlist_definition("other")


def test_the_newest_listed_version_stands_for_the_workflow(store: Store) -> None:
    for number in range(1, 12):
        store.put_definition(definition(f"v{number}", at=number))
    store.put_definition(definition("inline", at=99, listed=False))
    store.put_definition(definition("a1", "a"))
    assert store.definition("w", None) == definition("v11", at=11)
    assert store.definition("w", "v3") == definition("v3", at=3)
    assert store.definition("w", "inline") == definition("inline", at=99, listed=False)
    assert store.definitions() == [definition("a1", "a"), definition("v11", at=11)]


def test_a_version_never_changes(store: Store) -> None:
    store.put_definition(definition("v1", at=1))
    store.put_definition(definition("v2", at=2))
    store.put_definition(Definition("w", "v1", b"other", moment(50)))
    store.put_definition(definition("v2", at=2, listed=False))
    assert store.definition("w", "v1") == definition("v1", at=1)
    assert store.definition("w", None) == definition("v2", at=2)


def test_an_inline_version_may_become_listed(store: Store) -> None:
    store.put_definition(definition("v1", at=1, listed=False))
    assert store.definition("w", None) is None
    assert store.definitions() == []
    store.put_definition(definition("v1", at=5))
    assert store.definition("w", None) == definition("v1", at=1)


def test_unlisting_keeps_versions_for_their_sessions(store: Store) -> None:
    store.put_definition(definition("v1"))
    store.put_definition(definition("v2", at=1))
    store.put_definition(definition("x", "other"))
    assert store.unlist_definition("w")
    assert not store.unlist_definition("w")
    assert store.definition("w", None) is None
    assert store.definition("w", "v1") == definition("v1", listed=False)
    assert [kept.workflow_id for kept in store.definitions()] == ["other"]
    store.put_definition(definition("v1", at=9))
    assert store.definition("w", None) == definition("v1")


@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_a_definition_that_is_not_listed_goes_with_its_last_session(store: Store, owner: Owner, tenant: str) -> None:
    stored_id = workflow_key("w", tenant)
    for version in ("v1", "v2"):
        store.put_definition(definition(version, stored_id, listed=False))
    for name in ("a", "b"):
        owner.create(row(name, workflow_id="w", tenant=tenant))  # of version v1
    owner.create(row("c", workflow_id="w", tenant="another"))
    owner.create(msgspec.structs.replace(row("d", workflow_id="w", tenant=tenant), workflow_version="v2"))
    assert store.delete("a")
    assert store.definition(stored_id, "v1") is not None
    assert store.delete("b")
    assert store.definition(stored_id, "v1") is None
    assert store.definition(stored_id, "v2") is not None, "nobody was asked about that"
    store.put_definition(definition("v1", stored_id, listed=False))
    assert store.definition(stored_id, "v1") is not None


def test_a_definition_that_is_listed_or_spared_stays(store: Store, owner: Owner) -> None:
    store.put_definition(definition("v1"))
    for name in ("a", "b", "c"):
        owner.create(row(name, workflow_id="w"))
        if name == "c":
            store.unlist_definition("w")
        assert store.delete(name, with_definition=name != "b")
        assert (store.definition("w", "v1") is None) == (name == "c")


def test_a_session_that_changed_still_counts_once(store: Store, owner: Owner) -> None:
    store.put_definition(definition("v1", listed=False))
    owner.create(row("a", workflow_id="w"))
    owner.commit(Commit("a", segment(2), row("a", "completed", seq=2, workflow_id="w")))
    owner.create(row("b", workflow_id="w"))
    assert store.delete("a")
    assert store.definition("w", "v1") is not None
    assert store.delete("b")
    assert store.definition("w", "v1") is None


def test_definitions_outlive_the_store_object(open_store: OpenStore, durable_url: str) -> None:
    store = open_store(durable_url)
    store.put_definition(definition("v1"))
    store.close()
    assert open_store(durable_url).definitions() == [definition("v1")]
