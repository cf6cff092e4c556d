"""A session that is being created: what overtakes its creation finds nothing, and does no harm."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.graphs import chain, graph, registry
from support.held_store import HeldStore
from support.watching import collect, contiguous

from sessiond import Runtime
from sessiond.actors.core.errors import NotFound, StoreUnavailable
from sessiond.actors.core.messages import Cancel, Create, Start
from sessiond.actors.queries import AwaitEnd, Describe
from sessiond.actors.supervisor import Open


@pytest.mark.parametrize("hasty", [Cancel(), Start(), Describe(), AwaitEnd()], ids=lambda m: type(m).__name__)
async def test_control_that_overtakes_the_creation_finds_no_session(store_url: str, hasty: Any) -> None:
    async with Runtime.open(store_url, registry=registry()) as runtime:
        workflow = await runtime.definitions.keep(runtime.definitions.compile(chain(2)), listed=False)
        compiled = await runtime.definitions.find(workflow.workflow_id, workflow.version)
        supervisor = runtime.placement.shard("s1").supervisor
        session = await supervisor.ask(Open("s1", compiled, False), block=False)
        creation = session.ask(Create(session_id="s1"), block=False)
        overtaking = session.ask(hasty, block=False)
        with pytest.raises(NotFound):
            await overtaking
        assert (await creation).session_id == "s1"
        await runtime.session("s1").result()
        records = await collect(runtime.session("s1"))
        contiguous(records)
        assert [record.event for record in records[:2]] == ["execution:created", "execution:started"]


@pytest.mark.parametrize("waits", [True, False], ids=["joins", "comes_later"])
async def test_a_creation_in_place_of_one_that_was_given_up_runs_its_own_workflow(waits: bool) -> None:
    store = HeldStore()
    async with Runtime.open(store, registry=registry()) as runtime:
        store.loads.shut()
        given_up = asyncio.create_task(runtime.create(chain(2), session_id="s"))
        await store.loads.met()
        given_up.cancel()
        await asyncio.wait([given_up])
        if not waits:
            store.loads.open()
            while not runtime.awake("s"):
                await asyncio.sleep(0)
        wanted = asyncio.create_task(runtime.create(graph({"s": ["only"], "only": []}), session_id="s"))
        await asyncio.sleep(0)
        store.loads.open()
        created = await wanted
        await runtime.ended("s")
        detail = await runtime.detail("s")
        assert created.session_id == "s"
        assert set(detail.nodes) == {"s", "only"}
        assert (await runtime.row("s")).workflow_version == detail.workflow_version
        assert set((await runtime.workflow_of("s")).nodes) == {"s", "only"}


async def test_who_was_told_of_a_session_wants_no_other_once_that_is_deleted() -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        for _ in range(2):
            await runtime.create(chain(1), session_id="s", start=False)
        await runtime.session("s").cancel()
        await runtime.delete("s")
        with pytest.raises(NotFound):
            await runtime.session("s").start()
        assert not runtime.awake("s")


async def test_a_creation_that_failed_makes_nothing_of_a_command_that_comes_later() -> None:
    store = HeldStore()
    async with Runtime.open(store, registry=registry()) as runtime:
        await runtime.recovered
        store.away["load"] = 1
        with pytest.raises(StoreUnavailable):
            await runtime.create(chain(1), session_id="s")
        with pytest.raises(NotFound):
            await runtime.session("s").start()
        assert not runtime.awake("s")
