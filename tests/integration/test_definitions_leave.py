"""A graph that came with its session is deleted with the last one that runs it, and never under anybody's feet."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest
from support.graphs import chain, graph, registry
from support.held_store import HeldStore

from sessiond import Runtime
from sessiond.actors.core.errors import NotFound
from sessiond.actors.core.fork import Fork

GRAPH = chain(1)
WAIT = graph({"ask": {"type": "human_review", "properties": {"prompt": "secret?"}}}, workflow_id="waiting")


def stored(runtime: Runtime, session_graph: dict[str, object]) -> bool:
    workflow = runtime.definitions.compile(session_graph)
    return runtime.store.definition(workflow.workflow_id, workflow.version) is not None


async def ended(runtime: Runtime, session_id: str) -> None:
    await (await runtime.start(GRAPH, session_id=session_id)).wait()


async def test_what_a_deleted_session_was_to_do_is_deleted_too(store_url: str) -> None:
    async with Runtime.open(store_url, registry=registry()) as runtime:
        await ended(runtime, "one")
        await ended(runtime, "two")
        await runtime.fork("one", Fork(after_seq=1, session_id="three"))
        await runtime.session("three").wait()
        for name in ("one", "two", "three"):
            assert stored(runtime, GRAPH)
            await runtime.delete(name)
        assert not stored(runtime, GRAPH)
        await ended(runtime, "four")
        assert stored(runtime, GRAPH), "it can come back"


async def test_what_is_listed_stays(store_url: str) -> None:
    async with Runtime.open(store_url, registry=registry()) as runtime:
        await runtime.register(GRAPH)
        await ended(runtime, "one")
        await runtime.delete("one")
        assert stored(runtime, GRAPH)
        await runtime.definitions.unlist(GRAPH["workflow_id"])
        await ended(runtime, "two")
        await runtime.delete("two")
        assert not stored(runtime, GRAPH)
        await runtime.register(GRAPH)
        assert stored(runtime, GRAPH)


async def test_children_take_theirs_with_them(store_url: str) -> None:
    parent = graph({"m": {"type": "map", "properties": {"items": [1, 2], "workflow": GRAPH}}}, workflow_id="parent")
    async with Runtime.open(store_url, registry=registry()) as runtime:
        session = await runtime.start(parent, session_id="p")
        assert (await session.wait()).status == "completed"
        assert stored(runtime, GRAPH)
        await runtime.delete("p")
        assert not stored(runtime, GRAPH)
        assert not stored(runtime, parent)


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
async def test_who_creates_a_session_during_the_deletion_of_the_last_one_waits_for_that(leaves: bool) -> None:
    store = HeldStore()
    async with Runtime.open(store, registry=registry()) as runtime:
        await ended(runtime, "one")
        store.deletions.shut()
        deleting = asyncio.ensure_future(runtime.delete("one"))
        await store.deletions.met()
        if leaves:  # whoever wanted it deleted has left; the deletion goes on
            deleting.cancel()
            await asyncio.wait({deleting})
        await runtime.create(WAIT, session_id="bystander")
        store.commits.shut()
        creating = asyncio.ensure_future(ended(runtime, "two"))
        for number in range(10):  # who stores another graph needn't wait
            await runtime.register({**GRAPH, "name": f"bystander {number}"})
        store.deletions.open()
        while runtime.store.row("one") is not None:
            await asyncio.sleep(0)
        with suppress(asyncio.CancelledError):
            await deleting
        store.commits.open()
        await creating
        assert stored(runtime, GRAPH)
        assert await runtime.restorer.restore("two") is not None
        with pytest.raises(NotFound):
            await runtime.detail("one")


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
async def test_a_deletion_during_a_creation_spares_what_that_needs(leaves: bool) -> None:
    store = HeldStore()
    async with Runtime.open(store, registry=registry()) as runtime:
        await ended(runtime, "one")
        store.commits.shut()
        creating = asyncio.ensure_future(runtime.create(GRAPH, session_id="two"))
        await store.commits.met()
        if leaves:  # whoever asked for it never hears what became of it
            creating.cancel()
            await asyncio.wait({creating})
        await runtime.delete("one")
        assert stored(runtime, GRAPH)
        store.commits.open()
        if not leaves:
            await creating
        assert (await runtime.ended("two")).status == "completed"
        assert stored(runtime, GRAPH)
        await ended(runtime, "three")
        for name in ("two", "three"):
            await runtime.delete(name)
        assert stored(runtime, GRAPH) == leaves, "it isn't known whether anything is still to come"


async def test_no_session_ever_loses_its_graph(tmp_path: Path) -> None:
    chance = random.Random(5)
    async with Runtime.open(f"sqlite:///{tmp_path}/s.db", registry=registry()) as runtime:

        async def life(name: str) -> None:
            for _ in range(12):
                await ended(runtime, name)
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
                restored = await runtime.restorer.restore(name)
                assert restored is not None
                with suppress(NotFound):
                    await runtime.delete(name)

        await asyncio.gather(*[life(f"s{number}") for number in range(12)])
        assert not stored(runtime, GRAPH)
        assert runtime.definitions._pins == {}
        assert runtime.definitions._leaving == {}
