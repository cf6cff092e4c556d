"""The end of a runtime: whoever waits for something is told that it won't come."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final

import pytest
from support.graphs import chain, graph, registry
from support.held_store import HeldStore
from support.watching import collect, until

from sessiond import Runtime
from sessiond.actors.core.errors import Draining
from sessiond.actors.core.messages import Pause
from sessiond.actors.queries import Describe

REVIEW: Final = {"type": "human_review", "properties": {"prompt": "?"}}


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


async def test_who_follows_a_session_is_told() -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        session = await runtime.start(graph({"r": REVIEW}))
        await until(session, "human_interaction_required")
        following = asyncio.create_task(collect(session))
        while not runtime.hub.watched(session.id):
            await asyncio.sleep(0)
    with pytest.raises(Draining):
        await following
    assert not runtime.hub.watched(session.id)


async def test_who_follows_a_session_too_late_is_told_as_well() -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        session = await runtime.start(graph({"r": REVIEW}))
    with pytest.raises(Draining):
        await collect(session)
    assert not runtime.hub.watched(session.id)


async def test_a_thread_that_is_parked_gets_away() -> None:
    types = registry()
    begun, paused, ended = threading.Event(), threading.Event(), threading.Event()

    @types.node("parks")
    def parks(context: Any) -> None:
        begun.set()
        paused.wait(10)
        try:
            context.checkpoint()
        finally:
            ended.set()

    async with Runtime.open("memory://", registry=types) as runtime:
        session = await runtime.start(graph({"s": {"type": "parks"}}))
        await asyncio.to_thread(begun.wait, 10)
        await session.pause()
        paused.set()
        await until(session, "execution:quiesced")
    assert await asyncio.to_thread(ended.wait, 10)


async def test_nothing_is_told_to_child_sessions_for_ever() -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        children = runtime.resources.children
        assert children is not None
    children.order("s~n~0", Pause())
    assert asyncio.all_tasks() == {asyncio.current_task()}
