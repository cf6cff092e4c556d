"""A runtime that went away and the next one on the same store: nothing completed runs again."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from support.graphs import graph, registry
from support.held_store import HeldStore
from support.watching import collect, contiguous, until

from sessiond import NodeRegistry, Runtime
from sessiond.actors.core.errors import Fenced, SessiondError
from sessiond.actors.core.ports import Store
from sessiond.actors.queries import AwaitQuiet


class World:
    """What survives a restart outside of the store: a count of the runs of each node."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.keys: list[str] = []
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.go = asyncio.Event()

    def registry(self) -> NodeRegistry:
        types = registry()

        @types.node("held")
        async def held(context: Any) -> Any:
            self.runs[context.node_id] += 1
            self.keys.append(context.idempotency_key)
            self.begun.put_nowait(context.node_id)
            await self.go.wait()
            return context.attempt

        @types.node("count")
        async def count(context: Any) -> Any:
            self.runs[context.node_id] += 1
            return context.attempt

        return types

    def open(self, store: str | Store) -> Any:
        return Runtime.open(store, registry=self.registry())


@pytest.fixture
async def world() -> World:
    return World()


GRAPH = graph(
    {
        "a": {"type": "count", "next_ids": ["b", "c"]},
        "b": {"type": "held", "next_ids": ["d"]},
        "c": {"type": "count", "next_ids": ["d"]},
        "d": {"type": "count", "next_ids": ["e"]},
        "e": {"type": "end", "properties": {"output": {"b": "${nodes.b.output}", "d": "${nodes.d.output}"}}},
    }
)


async def test_an_interrupted_session_goes_on_and_completed_nodes_do_not_run_again(
    durable_url: str, world: World
) -> None:
    async with world.open(durable_url) as runtime:
        session = await runtime.start(GRAPH)
        await world.begun.get()
        async for record in session.events():
            if record.node_id == "c" and record.data.get("status") == "completed":
                break
    world.go.set()
    async with world.open(durable_url) as runtime:
        again = runtime.session(session.id)
        assert await again.result() == {"b": 2, "d": 1}
        records = await collect(again)
    contiguous(records)
    assert world.runs == {"a": 1, "b": 2, "c": 1, "d": 1}
    assert len(set(world.keys)) == 1, "the key of a call that must happen once is the same in both attempts"
    recovered = [r for r in records if r.event == "execution:recovered"]
    assert [r.data for r in recovered] == [{"interrupted": ["b"]}]


async def test_a_paused_session_stays_paused_until_resume(durable_url: str, world: World) -> None:
    async with world.open(durable_url) as runtime:
        session = await runtime.start(GRAPH)
        await world.begun.get()
        await session.pause()
    async with world.open(durable_url) as runtime:
        await runtime.recovered
        again = runtime.session(session.id)
        assert (await again.detail()).status == "paused"
        assert world.runs["b"] == 1
        async with asyncio.timeout(10):  # nothing of it works any more
            await runtime.placement.command(session.id, AwaitQuiet())
            seen = await until(again, "execution:quiesced")
        assert [r.data for r in seen if r.event == "execution:recovered"] == [{"interrupted": ["b"]}]
        world.go.set()
        assert (await again.resume()).status == "running"
        await again.result()
        contiguous(await collect(again))
    assert world.runs == {"a": 1, "b": 2, "c": 1, "d": 1}


async def test_an_open_review_still_waits(durable_url: str, world: World) -> None:
    review = {"type": "human_review", "next_ids": ["e"], "properties": {"prompt": "?"}}
    async with world.open(durable_url) as runtime:
        session = await runtime.start(graph({"a": ["r"], "r": review, "e": {"type": "end"}}))
        await until(session, "human_interaction_required")
    async with world.open(durable_url) as runtime:
        again = runtime.session(session.id)
        await again.review("r", "approve", reviewer="ann")
        assert (await again.result())["reviewer"] == "ann"
        contiguous(await collect(again))


async def test_a_delay_goes_on_where_it_was(durable_url: str, world: World) -> None:
    async with world.open(durable_url) as runtime:
        session = await runtime.start(graph({"d": {"type": "delay", "properties": {"seconds": 0.2}}}))
    async with world.open(durable_url) as runtime:
        assert await runtime.session(session.id).result() == {"ended_by": "timer"}
        contiguous(await collect(runtime.session(session.id)))


async def test_ended_and_pending_sessions_are_left_alone(durable_url: str, world: World) -> None:
    async with world.open(durable_url) as runtime:
        done = await runtime.start(graph({"s": []}))
        await done.result()
        pending = await runtime.create(graph({"s": []}), start=False)
        before = [r.seq for r in await collect(done)]
    async with world.open(durable_url) as runtime:
        await runtime.recovered
        assert all(not shard.sessions for shard in runtime.placement.shards)
        assert [r.seq for r in await collect(runtime.session(done.id))] == before
        assert (await runtime.session(pending.session_id).start()).status == "running"
        await runtime.session(pending.session_id).result()


async def test_a_second_owner_fences_the_first(durable_url: str, world: World) -> None:
    async with world.open(durable_url) as first:
        session = await first.start(GRAPH)
        await world.begun.get()
        async with world.open(durable_url) as second:
            world.go.set()
            with pytest.raises(Fenced):
                await session.pause()
            with pytest.raises(SessiondError):
                await first.start(GRAPH)
            again = second.session(session.id)
            await again.result()
            contiguous(await collect(again))


async def test_many_restarts_come_to_the_same_end(durable_url: str, world: World) -> None:
    async with world.open(durable_url) as runtime:
        session = await runtime.start(GRAPH)
        await world.begun.get()
    for _ in range(4):
        async with world.open(durable_url) as runtime:
            await world.begun.get()
    world.go.set()
    async with world.open(durable_url) as runtime:
        assert await runtime.session(session.id).result() == {"b": 6, "d": 1}
        records = await collect(runtime.session(session.id))
    contiguous(records)
    assert world.runs == {"a": 1, "b": 6, "c": 1, "d": 1}


@pytest.mark.parametrize("call", ["unfinished", "load"])
async def test_recovery_outlasts_a_store_that_is_away(world: World, call: str) -> None:
    """Sessions that ran were left lying until somebody asked for them."""
    store = HeldStore()
    async with world.open(store) as runtime:
        session = await runtime.start(GRAPH)
        await world.begun.get()
    world.go.set()
    store.away[call] = 2
    async with world.open(store) as runtime:
        assert await runtime.recovered == []
        assert store.away[call] == 0
        assert await runtime.session(session.id).result() == {"b": 2, "d": 1}
