"""Signals, reviews with a time, delays until a time and routing, on a real runtime and every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.graphs import graph, registry
from support.watching import collect, contiguous, until

from sessiond import Runtime, SessionEnded
from sessiond.actors.core.errors import CommandRefused, InvalidInput, NotWaiting


def opened(url: str) -> Any:
    return Runtime.open(url, registry=registry())


def signal(**properties: Any) -> dict[str, Any]:
    return {"type": "signal", "properties": {"name": "go", **properties}}


async def test_a_signal_in_time(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await runtime.start(graph({"a": ["w"], "w": signal()}))
        await until(session, "signal_awaited")
        assert (await runtime.row(session.id)).waits == ("w",)
        answer = await session.signal("go", {"n": 1}, by="ann")
        assert answer.node_id == "w"
        assert await session.result() == {"n": 1}
        contiguous(await collect(session))
        with pytest.raises(CommandRefused):
            await session.signal("go")
        with pytest.raises(InvalidInput):
            await session.signal("go", node_id="w")


async def test_an_early_signal_survives_a_restart(durable_url: str) -> None:
    review = {"type": "human_review", "next_ids": ["w"], "properties": {"prompt": "?"}}
    async with opened(durable_url) as runtime:
        session = await runtime.start(graph({"r": review, "w": signal()}))
        assert (await session.signal(payload="first", node_id="w")).node_id is None
        await session.signal("go", "second")
    async with opened(durable_url) as runtime:
        again = runtime.session(session.id)
        await again.review("r", "approve")
        assert await again.result() == "first"
        contiguous(await collect(again))


async def test_a_wait_for_a_signal_survives_a_restart_with_its_time(durable_url: str) -> None:
    async with opened(durable_url) as runtime:
        session = await runtime.start(graph({"w": signal(timeout_s=0.2)}))
        await until(session, "signal_awaited")
    async with opened(durable_url) as runtime:
        with pytest.raises(SessionEnded) as ended:
            await runtime.session(session.id).result()
        assert ended.value.node_code == "timeout"
        contiguous(await collect(runtime.session(session.id)))


async def test_a_review_times_out_behind_a_task(store_url: str) -> None:
    """The timer is set by the decision on the task's result."""
    properties = {"prompt": "?", "timeout_s": 0.02, "on_timeout": "approve"}
    review = {"type": "human_review", "properties": properties}
    async with opened(store_url) as runtime:
        session = await runtime.start(graph({"a": ["r"], "r": review}))
        assert await session.result() == {"action": "approve", "data": None, "reviewer": None}
        with pytest.raises(NotWaiting):
            await session.review("r", "approve")


async def test_a_signal_times_out_behind_a_task(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await runtime.start(graph({"a": ["w"], "w": signal(timeout_s=0.02)}))
        with pytest.raises(SessionEnded, match="no signal 'go' within"):
            await session.result()


async def test_a_delay_until_a_time_survives_a_restart(durable_url: str) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.3)
    async with opened(durable_url) as runtime:
        delay = {"type": "delay", "properties": {"until": "${ input }"}}
        session = await runtime.start(graph({"d": delay}), input=due.isoformat())
        await until(session, "timer:set")
    async with opened(durable_url) as runtime:
        again = runtime.session(session.id)
        assert await again.result() == {"ended_by": "timer"}
        assert datetime.fromisoformat((await again.detail()).ended_at or "") >= due


async def test_a_council_votes_and_its_vote_is_routed(store_url: str) -> None:
    nodes = {
        "s": ["a", "b", "c"],
        **{voter: ["v"] for voter in "abc"},
        "v": {
            "type": "vote",
            "next_ids": ["x"],
            "properties": {"ballots": "[nodes.a, nodes.b, nodes.c].map(n, n.output.node != 'b')"},
        },
        "x": {
            "type": "switch",
            "next_ids": ["yes", "no"],
            "properties": {"cases": [{"when": "nodes.v.output.approved", "to": "yes"}], "default": "no"},
        },
        "yes": [],
        "no": [],
    }
    async with opened(store_url) as runtime:
        session = await runtime.start(graph(nodes))
        assert await session.result() == {"node": "yes", "round": 1}
        detail = await session.detail()
        assert (detail.nodes["yes"].status, detail.nodes["no"].status) == ("completed", "skipped")
