"""Sessions in which nothing happens leave memory, and come back when somebody wants them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.clockwork import Clockwork
from support.graphs import graph, registry
from support.held_store import HeldStore
from support.watching import collect, contiguous, until

from sessiond import NodeError, Options, Runtime
from sessiond.actors.core.errors import Fenced, NotFound

REVIEW = graph({"a": ["r"], "r": {"type": "human_review", "next_ids": ["b"], "properties": {"prompt": "?"}}, "b": []})


def opened(url: str, **options: Any) -> Any:
    return Runtime.open(url, registry=registry(), options=Options(**options))


async def asleep(runtime: Runtime) -> list[str]:
    """Who leaves memory first when nothing happens any more; what was under way may take some rounds to end."""
    while not (left := await runtime.presence.passivate()):
        await asyncio.sleep(0)
    return left


async def test_one_whose_end_nobody_awaits_any_more_leaves_memory() -> None:
    async with opened("memory://") as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        await until(session, "human_interaction_required")
        waiting = [asyncio.create_task(session.wait()) for _ in range(10)]
        await session.detail()  # by then they all have asked
        assert not await runtime.presence.passivate()
        assert not await runtime.presence.passivate(), "somebody awaits its end"
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert await asyncio.wait_for(asleep(runtime), 5) == ["s"]


async def test_one_that_waits_leaves_memory_and_an_answer_brings_it_back(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        await until(session, "human_interaction_required")
        assert await runtime.presence.passivate() == [], "it has only just done something"
        assert await asleep(runtime) == ["s"]
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
        while runtime.awake("s") or runtime.awake("p"):
            await runtime.presence.passivate()
        if command == "pause":
            await session.resume()
            assert (await session.detail()).status == "running"
        await runtime.session(pending.session_id).start()


async def test_who_works_has_a_timer_soon_or_is_waited_for_stays() -> None:
    types = registry()
    go = asyncio.Event()

    @types.node("hold")
    async def hold(context: Any) -> Any:
        await go.wait()

    async with Runtime.open("memory://", registry=types) as runtime:
        await runtime.start(graph({"h": {"type": "hold"}}), session_id="works")
        await runtime.start(graph({"d": {"type": "delay", "properties": {"seconds": 60}}}), session_id="timer")
        waited = await runtime.start(REVIEW, session_id="waited")
        await until(waited, "human_interaction_required")
        waiting = asyncio.create_task(waited.wait())
        await runtime.start(REVIEW, session_id="rests")
        await until(runtime.session("rests"), "human_interaction_required")
        assert await asleep(runtime) == ["rests"]
        await waited.stop()
        await waiting
        go.set()


async def test_one_that_is_paused_over_a_node_at_work_stays_until_that_is_through() -> None:
    types, begun, go, runs = registry(), asyncio.Event(), asyncio.Event(), list[int]()

    @types.node("hold")
    async def hold(context: Any) -> Any:
        runs.append(context.attempt)
        begun.set()
        await go.wait()
        return "held"

    async with Runtime.open("memory://", registry=types) as runtime:
        session = await runtime.start(graph({"h": {"type": "hold"}}), session_id="s")
        await begun.wait()
        assert (await session.pause()).in_flight == ("h",)
        assert [await runtime.presence.passivate() for _ in range(3)] == [[], [], []]
        go.set()
        await until(session, "execution:quiesced")
        assert await asyncio.wait_for(asleep(runtime), 5) == ["s"]
        await session.resume()
        assert await session.result() == "held"
        assert runs == [1]


async def test_one_that_waits_for_its_commit_stays() -> None:
    store = HeldStore()
    async with Runtime.open(store, registry=registry()) as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        await until(session, "human_interaction_required")
        store.commits.shut()
        pausing = asyncio.create_task(session.pause())
        await store.commits.met()
        left = [await runtime.presence.passivate() for _ in range(3)]
        store.commits.open()
        assert left == [[], [], []]
        assert (await pausing).status == "paused"
        assert await asyncio.wait_for(asleep(runtime), 5) == ["s"]


async def test_it_happens_by_itself() -> None:
    async with opened("memory://", passivate_s=0.01) as runtime:
        session = await runtime.start(REVIEW, session_id="s")
        ref = runtime.placement.shard("s").sessions["s"]
        await asyncio.to_thread(ref.actor_stopped.wait, 10)
        assert not runtime.awake("s")
        await session.review("r", "approve")
        await session.result()


def delayed(seconds: float) -> dict[str, Any]:
    return graph({"d": {"type": "delay", "properties": {"seconds": seconds}, "next_ids": ["b"]}, "b": []})


async def test_a_timer_wakes_one_that_left(store_url: str) -> None:
    """It leaves while its timer is far away, and is back before the timer is due."""
    clock = Clockwork()
    async with Runtime.open(store_url, registry=registry(), clock=clock, options=Options(passivate_s=100.0)) as runtime:
        session = await runtime.start(delayed(500), session_id="s")
        await until(session, "timer:set")
        assert await asleep(runtime) == ["s"]
        clock.ahead = 250.0
        await runtime.presence.wake()
        assert not runtime.awake("s")
        clock.ahead = 350.0
        await runtime.presence.wake()
        assert runtime.awake("s")
        assert [await runtime.presence.passivate() for _ in range(3)] == [[], [], []], "its timer comes near"
        await session.stop()


async def test_a_timer_that_was_due_while_nobody_ran_fires_at_the_start(durable_url: str) -> None:
    clock = Clockwork()
    async with Runtime.open(durable_url, registry=registry(), clock=clock) as runtime:
        session = await runtime.start(delayed(5000), session_id="s")
        await until(session, "timer:set")
    clock.ahead = 6000.0
    async with Runtime.open(durable_url, registry=registry(), clock=clock) as runtime:
        assert await runtime.session("s").result() == {"node": "b", "round": 1}


async def test_a_start_brings_back_only_who_was_at_work(durable_url: str) -> None:
    types = registry()
    begun = asyncio.Event()

    @types.node("hold")
    async def hold(_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    both = graph({"p": {"type": "parallel", "next_ids": ["r", "h"]}, "h": {"type": "hold"},
                  "r": {"type": "human_review", "properties": {"prompt": "?"}}})  # fmt: skip
    async with Runtime.open(durable_url, registry=types) as runtime:
        waits = await runtime.start(REVIEW, session_id="waits")
        await until(waits, "human_interaction_required")
        await runtime.start(delayed(86_400), session_id="sleeps")
        await until(runtime.session("sleeps"), "timer:set")
        await runtime.start(both, session_id="works")
        await begun.wait()
        rows = {name: (await runtime.row(name)).idle for name in ("waits", "sleeps", "works")}
        assert rows == {"waits": True, "sleeps": True, "works": False}
    async with Runtime.open(durable_url, registry=types) as runtime:
        await runtime.recovered
        assert [runtime.awake(name) for name in rows] == [False, False, True]
        await runtime.session("waits").review("r", "approve")
        assert await runtime.session("waits").result() == {"node": "b", "round": 1}


async def test_an_idle_one_that_works_again_is_known_to_a_restart(durable_url: str) -> None:
    """A retry's timer starts the node, and no event but that of the node tells of it."""
    types = registry()
    begun = asyncio.Event()
    tried: list[int] = []

    @types.node("second")
    async def second(context: Any) -> str:
        tried.append(context.attempt)
        if context.attempt == 1:
            raise NodeError("not yet")
        if context.attempt == 2:
            begun.set()
            await asyncio.Event().wait()
        return "done"

    node = {"type": "second", "retry": {"max_attempts": 5, "initial_s": 0.01}}
    async with Runtime.open(durable_url, registry=types) as runtime:
        await runtime.start(graph({"n": node}), session_id="s")
        await begun.wait()
        assert not (await runtime.row("s")).idle
    async with Runtime.open(durable_url, registry=types) as runtime:
        assert await runtime.session("s").result() == "done"
    assert tried == [1, 2, 3]


async def test_a_process_that_was_fenced_leaves_timers_to_the_new_owner(durable_url: str) -> None:
    async with opened(durable_url, passivate_s=1000.0) as old:
        session = await old.start(delayed(500), session_id="s")
        await until(session, "timer:set")
        await until(await old.start(REVIEW, session_id="other"), "human_interaction_required")
        async with opened(durable_url) as new:
            shard = old.placement.shard("s").number
            with pytest.raises(Fenced):
                await old.session("s").pause()
            assert shard in old.writer.fenced
            await old.presence.wake()
            assert not old.awake("s")
            with pytest.raises(Fenced):
                await old.session("s").pause()
            assert (await old.session("s").detail()).status == "running", "it may still be read"
            await new.session("s").stop()


async def test_ended_sessions_expire_with_their_children(store_url: str) -> None:
    clock = Clockwork()
    inner = graph({"a": []}) | {"workflow_id": "inner"}
    mapped = graph({"m": {"type": "map", "properties": {"items": [1, 2], "workflow": inner}}})
    options = Options(retain_s=3600.0)
    async with Runtime.open(store_url, registry=registry(), clock=clock, options=options) as runtime:
        await (await runtime.start(mapped, session_id="old")).result()
        waits = await runtime.start(REVIEW, session_id="waits")
        await until(waits, "human_interaction_required")
        assert await runtime.presence.expire() == 0
        clock.ahead = 3500.0
        await (await runtime.start(mapped, session_id="new")).result()
        clock.ahead = 3700.0
        assert await runtime.presence.expire() >= 1
        for name, there in (("old", False), ("old~m~1", False), ("new", True), ("new~m~1", True), ("waits", True)):
            if there:
                await runtime.row(name)
            else:
                with pytest.raises(NotFound):
                    await runtime.row(name)
