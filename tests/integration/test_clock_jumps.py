"""The machine's clock jumps, by an hour, either way: the order of a log doesn't depend on it, nor does its end."""

from __future__ import annotations

import pytest
from support.clockwork import Clockwork
from support.graphs import graph, registry
from support.watching import collect, contiguous, until

from sessiond import Runtime

REVIEW = {"type": "human_review", "properties": {"prompt": "?"}}
PASSED = graph({"a": ["r"], "r": REVIEW | {"next_ids": ["b"]}, "b": []})
WAITING = graph({"p": ["d", "r"], "d": {"type": "delay", "properties": {"seconds": 0.3}}, "r": REVIEW})
HOUR = 3600.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_log_is_in_order_though_its_times_arent(store_url: str, jump: float) -> None:
    clock = Clockwork()
    async with Runtime.open(store_url, registry=registry(), clock=clock) as runtime:
        session = await runtime.start(PASSED)
        await until(session, "human_interaction_required")
        clock.ahead = jump
        await session.pause()
        await session.resume()
        clock.ahead = 0.0
        await session.review("r", "approve")
        assert await session.result() == {"node": "b", "round": 1}
        records = await collect(session)
        contiguous(records)
        assert [record.timestamp for record in records] != sorted(record.timestamp for record in records)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_delay_under_way_takes_its_time(store_url: str, jump: float) -> None:
    clock = Clockwork()
    async with Runtime.open(store_url, registry=registry(), clock=clock) as runtime:
        session = await runtime.start(WAITING)
        await until(session, "timer:set")
        clock.ahead = jump
        async for record in session.events():
            if record.node_id == "d" and record.data.get("status") == "completed":
                break
        assert (await session.detail()).nodes["r"].status == "suspended"
