"""Attempts that are ended or overtaken, before their first step or amid one, leave nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.desk import Desk
from support.graphs import graph, loop, registry

from sessiond import Options, Runtime
from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.mailbox import Kill
from sessiond.actors.executor import NodeExecutor
from sessiond.actors.queries import Passivate


class KillsAtBirth(LoopDispatcher):
    """Ends executors before their first turn, as a stop does on a loop that has much else to do."""

    def launch(self, actor_class: Any, parent: Any, args: Any, kwargs: Any) -> Any:
        """Start an actor."""
        ref = super().launch(actor_class, parent, args, kwargs)
        if actor_class is NodeExecutor:
            args[1].cancelled = True
            self.loop.call_soon(ref.tell, Kill())
        return ref


async def test_a_session_leaves_memory_whose_node_was_killed_before_it_began() -> None:
    types = registry()

    @types.node("work")
    async def work(context: Any) -> str:
        return "it ran"

    async with Runtime.open("memory://", registry=types, dispatcher=KillsAtBirth) as runtime:
        session = await runtime.start(graph({"s": {"type": "work"}}), session_id="s")
        ref = runtime.placement.shard("s").sessions["s"]
        receipt = await session.stop()
        assert receipt.status == "failed"
        await asyncio.wait_for(asyncio.to_thread(ref.actor_stopped.wait), 10)
        assert not runtime.placement.shard("s").sessions


@pytest.mark.parametrize("end", ["stop", "cancel"])
async def test_a_session_leaves_memory_as_soon_as_what_ran_at_its_end_is_through(end: str) -> None:
    types, begun = registry(), asyncio.Event()

    @types.node("work")
    async def work(context: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with Runtime.open("memory://", registry=types, options=Options(grace_s=0.0)) as runtime:
        session = await runtime.start(graph({"s": {"type": "work"}}), session_id="s")
        await begun.wait()
        ref = runtime.placement.shard("s").sessions["s"]
        assert (await getattr(session, end)()).in_flight == ("s",)
        await asyncio.wait_for(asyncio.to_thread(ref.actor_stopped.wait), 10)
        assert not runtime.placement.shard("s").sessions


async def test_what_a_loop_left_behind_before_its_start_was_stored_never_begins() -> None:
    types, go, ran = registry(), asyncio.Event(), list[int]()

    @types.node("quick")
    async def quick(context: Any) -> None:
        await go.wait()
        go.clear()

    @types.node("slow")
    async def slow(context: Any) -> None:
        ran.append(context.round)
        go.set()
        await asyncio.Event().wait()

    way = {"cases": [{"when": "round == 1", "to": "before"}], "default": "slow"}
    nodes = {
        "p": {"type": "parallel", "next_ids": ["quick", "way"]},
        "quick": {"type": "quick", "next_ids": ["l"]},
        "way": {"type": "switch", "next_ids": ["before", "slow"], "properties": way},
        "before": ["slow"],
        "slow": {"type": "slow", "join": "any", "next_ids": ["l"]},
        "l": {**loop("p", "e", 2), "join": "any"},
        "e": {"type": "end"},
    }
    async with Runtime.open("memory://", registry=types, writer=Desk) as runtime:
        tickets = runtime.writer.tickets
        starting = asyncio.create_task(runtime.create(graph({"s": ["p"], **nodes}), session_id="s"))
        (await tickets.get()).settled(None)
        await starting
        (await tickets.get()).settled(None)
        starts_slow = await tickets.get()
        go.set()
        goes_round = await tickets.get()
        starts_slow.settled(None)
        ref = runtime.placement.shard("s").sessions["s"]
        await ref.ask(Passivate(), block=False)  # what has begun has had its turn by then
        assert ran == []
        goes_round.settled(None)
        await tickets.get()  # of what waits for the slow one of the next round
        assert ran == [2]
