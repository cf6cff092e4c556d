"""Forks on a real runtime and every store: durable, watched plainly, and brought back after a restart."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.graphs import graph, registry
from support.watching import collect, contiguous, until

from sessiond import NodeRegistry, Runtime, Session, ThreadRuntime
from sessiond.actors.core.errors import Draining, InvalidInput, NotBegun, NotFound, SessionExists

ECHO = {"a": "${nodes.a.output}", "b": "${nodes.b.output}"}
GRAPH = graph(
    {
        "a": {"type": "count", "next_ids": ["b"]},
        "b": {"type": "held", "next_ids": ["e"]},
        "e": {"type": "end", "properties": {"output": ECHO}},
    },
    input_schema={"type": "integer"},
)


class World:
    """What survives a restart outside of the store."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.keys: list[str] = []
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.go = asyncio.Event()

    def registry(self) -> NodeRegistry:
        types = registry()

        @types.node("count")
        async def count(context: Any) -> Any:
            self.runs[context.node_id] += 1
            return context.input

        @types.node("held")
        async def held(context: Any) -> Any:
            self.runs[context.node_id] += 1
            self.keys.append(context.idempotency_key)
            self.begun.put_nowait(context.session_id)
            await self.go.wait()
            return context.input

        return types

    def open(self, url: str) -> Any:
        return Runtime.open(url, registry=self.registry())


async def waiting_at_b(world: World, runtime: Runtime) -> Session:
    session = await runtime.start(GRAPH, input=1, labels={"team": "x"}, context={"by": "ada"})
    await world.begun.get()
    return session


async def test_a_fork_reuses_what_is_complete_and_leaves_its_original_alone(store_url: str) -> None:
    world = World()
    async with world.open(store_url) as runtime:
        session = await waiting_at_b(world, runtime)
        before = await session.detail()
        fork = await session.fork(after_seq=before.seq, input=2)
        assert await world.begun.get() == fork.id
        assert (await session.detail()).seq == before.seq
        world.go.set()
        assert await fork.result() == {"a": 1, "b": 2}
        assert await session.result() == {"a": 1, "b": 1}
        assert world.runs == {"a": 1, "b": 2}
        assert len(set(world.keys)) == 2
        detail = await fork.detail()
        assert detail.forked_from is not None
        assert (detail.forked_from.session_id, detail.forked_from.seq) == (session.id, before.seq)
        assert (detail.labels, bytes(detail.context), detail.parent_id) == ({"team": "x"}, b'{"by":"ada"}', None)
        assert detail.workflow_version == before.workflow_version
        events = await collect(fork)
        contiguous(events)
        assert [event.event for event in events[:3]] == [
            "execution:created",
            "node_state_change",
            "execution:started",
        ]
        assert (events[1].node_id, events[1].data["status"], events[1].data["output"]) == ("a", "completed", 1)


async def test_an_ended_session_is_forked_from_a_node(store_url: str) -> None:
    world = World()
    world.go.set()
    async with world.open(store_url) as runtime:
        session = await runtime.start(GRAPH, input=1)
        await session.result()
        fork = await session.fork(from_node="b", input=3)
        assert await fork.result() == {"a": 1, "b": 3}
        whole = await session.fork(from_node="a", input=4)
        assert await whole.result() == {"a": 4, "b": 4}
        again = await fork.fork(from_node="e")
        assert await again.result() == {"a": 1, "b": 3}
        assert world.runs == {"a": 2, "b": 3}


async def test_a_stopped_session_goes_on_in_its_fork(store_url: str) -> None:
    world = World()
    async with world.open(store_url) as runtime:
        session = await waiting_at_b(world, runtime)
        await session.pause()
        receipt = await session.stop()
        fork = await session.fork(after_seq=receipt.seq)
        assert await world.begun.get() == fork.id
        world.go.set()
        assert await fork.result() == {"a": 1, "b": 1}
        assert (await session.detail()).status == "failed"


async def test_a_fork_that_was_interrupted_goes_on_where_it_was(durable_url: str) -> None:
    world = World()
    async with world.open(durable_url) as runtime:
        session = await waiting_at_b(world, runtime)
        fork = await session.fork(from_node="b")
        assert await world.begun.get() == fork.id
        await session.stop()
    async with world.open(durable_url) as runtime:
        assert await world.begun.get() == fork.id
        world.go.set()
        back = runtime.session(fork.id)
        assert await back.result() == {"a": 1, "b": 1}
        assert world.runs["a"] == 1
        assert (await back.detail()).nodes["b"].attempt == 2


async def test_a_pending_fork_waits_for_its_start(store_url: str) -> None:
    world = World()
    world.go.set()
    async with world.open(store_url) as runtime:
        session = await runtime.start(GRAPH, input=1)
        await session.result()
        fork = await session.fork(from_node="b", start=False)
        detail = await fork.detail()
        assert (detail.status, detail.nodes["a"].status, detail.nodes["b"].status) == (
            "pending",
            "completed",
            "pending",
        )
        await fork.start()
        assert await fork.result() == {"a": 1, "b": 1}


async def test_the_same_fork_is_made_once_though_its_original_goes_on(store_url: str) -> None:
    world = World()
    async with world.open(store_url) as runtime:
        session = await waiting_at_b(world, runtime)
        await session.fork(from_node="b", session_id="f")
        world.go.set()
        await session.result()
        assert (await session.fork(from_node="b", session_id="f")).id == "f"
        both = await asyncio.gather(*[session.fork(from_node="b", session_id="g") for _ in range(2)])
        assert [made.id for made in both] == ["g", "g"]
        for request in ({"from_node": "a"}, {"from_node": "b", "input": 1}, {"after_seq": 1}):
            with pytest.raises(SessionExists):
                await session.fork(session_id="f", **request)
        with pytest.raises(SessionExists):
            await session.fork(session_id=session.id, from_node="b")
        with pytest.raises(SessionExists):
            await runtime.start(GRAPH, input=1, session_id="f")
        await until(runtime.session("f"), "execution:completed")
        assert world.runs == {"a": 1, "b": 3}


async def test_what_cannot_be_forked_is_refused(store_url: str) -> None:
    world = World()
    async with world.open(store_url) as runtime:
        with pytest.raises(NotFound):
            await runtime.session("none").fork(after_seq=1)
        session = await waiting_at_b(world, runtime)
        seq = (await session.detail()).seq
        with pytest.raises(InvalidInput, match=rf"\$\.after_seq: is {seq + 1}, the session is at seq {seq}"):
            await session.fork(after_seq=seq + 1)
        with pytest.raises(NotBegun):
            await session.fork(from_node="e")
        with pytest.raises(InvalidInput, match=r"\$\.input: 'x' is not of type 'integer'"):
            await session.fork(after_seq=seq, input="x")
        assert (await session.detail()).seq == seq
        await session.stop()
    with pytest.raises(Draining):
        await session.fork(after_seq=1)


async def test_a_map_that_was_not_complete_starts_its_own_children_again(store_url: str) -> None:
    world = World()
    each = graph({"b": {"type": "held"}}, workflow_id="each")
    mapped = {"type": "map", "next_ids": ["e"], "properties": {"items": "${input}", "workflow": each}}
    ends = {"type": "end", "properties": {"output": {"all": "${nodes.m.output}"}}}
    async with world.open(store_url) as runtime:
        session = await runtime.start(graph({"m": mapped, "e": ends}), input=[1, 2])
        first = {await world.begun.get() for _ in range(2)}
        fork = await session.fork(after_seq=(await session.detail()).seq)
        second = {await world.begun.get() for _ in range(2)}
        assert first == {f"{session.id}~m~0", f"{session.id}~m~1"}
        assert second == {f"{fork.id}~m~0", f"{fork.id}~m~1"}
        world.go.set()
        assert await fork.result() == await session.result() == {"all": [1, 2]}
        reusing = await fork.fork(from_node="e")
        assert await reusing.result() == {"all": [1, 2]}
        assert world.runs["b"] == 4
        child = await runtime.session(f"{fork.id}~m~1").fork(from_node="b", input=7)
        assert await child.result() == 7
        assert (await child.detail()).parent_id is None


def test_threads_fork_too(tmp_path: Path) -> None:
    with ThreadRuntime(f"sqlite:///{tmp_path}/s.db", registry=World().registry()) as runtime:
        session = runtime.start(graph({"a": {"type": "count", "next_ids": ["b"]}, "b": {"type": "count"}}), input=1)
        session.result()
        assert session.fork(from_node="b", input=2).result() == 2
