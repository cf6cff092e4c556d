"""Sessions in which nothing happens leave memory, and come back when somebody wants them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.graphs import graph, registry
from support.watching import collect, contiguous, until

from sessiond import Options, Runtime

REVIEW = graph({"a": ["r"], "r": {"type": "human_review", "next_ids": ["b"], "properties": {"prompt": "?"}}, "b": []})


def opened(url: str, **options: Any) -> Any:
    return Runtime.open(url, registry=registry(), options=Options(**options))


async def asleep(runtime: Runtime) -> list[str]:
    """Who leaves memory when nothing happens any more."""
    await runtime.passivate()
    return await runtime.passivate()


async def test_one_that_waits_leaves_memory_and_an_answer_brings_it_back(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        await until(session, "human_interaction_required")
        assert await runtime.passivate() == [], "it has only just done something"
        assert await runtime.passivate() == ["s"]
        assert not runtime.awake("s")
        assert (await session.detail()).nodes["r"].status == "suspended"
        assert not runtime.awake("s"), "who only looks doesn't wake it"
        await session.review("r", "approve")
        assert await session.result() == {"node": "b", "round": 1}
        contiguous(await collect(session))


async def test_a_watcher_needs_no_session_in_memory(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        await until(session, "human_interaction_required")
        seen = asyncio.create_task(collect(session))
        assert await asleep(runtime) == ["s"]
        await session.review("r", "approve")
        contiguous(await asyncio.wait_for(seen, 10))


@pytest.mark.parametrize("command", ["pause", "stop", "cancel"])
async def test_paused_pending_and_ended_ones_leave_too(command: str) -> None:
    async with opened("memory://") as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        await until(session, "human_interaction_required")
        await getattr(session, command)()
        pending = await runtime.create(REVIEW, start=False, session_id="p")
        await asleep(runtime)
        assert not runtime.awake("s")
        assert not runtime.awake("p")
        if command == "pause":
            await session.resume()
            assert (await session.detail()).status == "running"
        await runtime.session(pending.session_id).start()


async def test_who_works_has_a_timer_or_is_waited_for_stays() -> None:
    types = registry()
    go = asyncio.Event()

    @types.node("hold")
    async def hold(context: Any) -> Any:
        await go.wait()

    async with Runtime.open("memory://", registry=types) as runtime:
        await runtime.start(graph({"h": {"type": "hold"}}), session_id="works")
        await runtime.start(graph({"d": {"type": "delay", "properties": {"seconds": 3600}}}), session_id="timer")
        waited = await runtime.start(REVIEW, session_id="waited")
        await until(waited, "human_interaction_required")
        waiting = asyncio.create_task(waited.wait())
        await runtime.start(REVIEW, session_id="rests")
        await until(runtime.session("rests"), "human_interaction_required")
        assert await asleep(runtime) == ["rests"]
        await waited.stop()
        await waiting
        go.set()


async def test_it_happens_by_itself() -> None:
    async with opened("memory://", passivate_s=0.01) as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        ref = runtime.placement.shard("s").sessions["s"]
        await asyncio.to_thread(ref.actor_stopped.wait, 10)
        assert not runtime.awake("s")
        await session.review("r", "approve")
        await session.result()
