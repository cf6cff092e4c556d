"""The end of a runtime: whoever waits for something is told that it won't come."""

from __future__ import annotations

import asyncio

import pytest
from support.graphs import chain, registry
from support.held_store import HeldStore

from sessiond import Runtime
from sessiond.actors.core.errors import Draining
from sessiond.actors.queries import Describe


async def test_who_waits_for_a_session_to_be_brought_back_is_told() -> None:
    store = HeldStore()
    async with Runtime.open(store, registry=registry()) as runtime:
        created = await runtime.create(chain(1), start=False)
    runtime = Runtime(store, registry=registry())
    await runtime.start_up()
    store.loads.shut()
    waiting = asyncio.create_task(runtime.session(created.session_id).start())
    await store.loads.met()
    closing = asyncio.create_task(runtime.close())
    with pytest.raises(Draining):
        await waiting
    store.loads.open()
    await closing


async def test_a_command_that_comes_too_late_is_refused_as_any_other() -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        pass
    with pytest.raises(Draining):
        await runtime.placement.command("s1", Describe())
