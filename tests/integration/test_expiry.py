"""Sessions that are out of date are deleted, whatever is wrong with one, and none that somebody still needs."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.clockwork import Clockwork
from support.graphs import graph, registry
from support.held_store import HeldStore
from support.watching import until

from sessiond import Options, Runtime
from sessiond.actors.core.errors import CorruptLog, NotFound, Quarantined
from sessiond.actors.presence import AT_ONCE

RETAIN = Options(retain_s=3600.0)


async def test_one_that_cant_be_read_holds_up_no_other(tmp_path: Path) -> None:
    clock, url = Clockwork(), f"sqlite:///{tmp_path}/s.db"
    async with Runtime.open(url, registry=registry(), clock=clock, options=RETAIN) as runtime:
        for name in ("damaged", "b", "c"):
            await (await runtime.start(graph({"s": []}), session_id=name)).result()
        with closing(sqlite3.connect(tmp_path / "s.db")) as file:
            file.execute(
                "UPDATE log SET data = x'00' WHERE session = (SELECT number FROM sessions WHERE id = 'damaged')"
            )
            file.commit()
        clock.ahead = 3700.0
        assert await runtime.presence.expire() == 2
        assert (await runtime.row("damaged")).status == "completed"
        for name in ("b", "c"):
            with pytest.raises(NotFound):
                await runtime.row(name)


async def test_a_child_stays_as_long_as_its_family(store_url: str) -> None:
    clock = Clockwork()
    inner = graph(
        {
            "s": ["q"],
            "q": {
                "type": "switch",
                "properties": {"cases": [{"when": "input == 1", "to": "r"}], "default": "e"},
                "next_ids": ["r", "e"],
            },
            "r": {"type": "human_review", "properties": {"prompt": "?"}},
            "e": [],
        }
    )
    mapped = graph(
        {"s": {"type": "map", "properties": {"items": [0, 1], "workflow": inner | {"workflow_id": "inner"}}}}
    )
    async with Runtime.open(store_url, registry=registry(), clock=clock, options=RETAIN) as runtime:
        session = await runtime.start(mapped, session_id="family")
        await until(session, "child:ended")
        await until(runtime.session("family~s~1"), "human_interaction_required")
        clock.ahead = 3700.0
        await runtime.presence.expire()
        assert (await runtime.row("family~s~0")).status == "completed"
        await runtime.session("family~s~1").review("r", "approve")
        await session.result()
        clock.ahead = 7500.0
        assert await runtime.presence.expire() == 1
        for name in ("family", "family~s~0", "family~s~1"):
            with pytest.raises(NotFound):
                await runtime.row(name)


async def test_those_that_stay_hide_no_other() -> None:
    """A large family that goes on ends with more children than are looked up at once, before anybody else."""
    clock = Clockwork()
    inner = graph({"e": {"type": "end"}}, workflow_id="inner")
    family = graph(
        {
            "s": {"type": "map", "next_ids": ["r"], "properties": {"items": [*range(AT_ONCE)], "workflow": inner}},
            "r": {"type": "human_review", "properties": {"prompt": "?"}},
        }
    )
    async with Runtime.open("memory://", registry=registry(), clock=clock, options=RETAIN) as runtime:
        session = await runtime.start(family, session_id="family")
        await until(session, "human_interaction_required")
        await (await runtime.start(graph({"s": []}), session_id="other")).result()
        clock.ahead = 3700.0
        assert await runtime.presence.expire() == 1
        with pytest.raises(NotFound):
            await runtime.row("other")
        await session.stop()


async def test_what_is_deleted_while_it_is_brought_back_is_gone() -> None:
    store = HeldStore()
    clock = Clockwork()
    async with Runtime.open(store, registry=registry(), clock=clock) as runtime:
        first = await runtime.start(graph({"s": []}), session_id="s")
        await first.result()
        while runtime.awake("s"):
            await asyncio.sleep(0)
        read, go = asyncio.Event(), asyncio.Event()
        restore = runtime.restorer.restore

        async def slow(session_id: str) -> Any:
            found = await restore(session_id)
            read.set()
            await go.wait()
            return found

        runtime.restorer.restore = slow  # type: ignore[method-assign]
        asked = asyncio.create_task(first.cancel())
        await read.wait()
        await runtime.delete("s")
        go.set()
        with pytest.raises(NotFound):
            await asked
        assert not runtime.awake("s")
        again = await runtime.start(graph({"s": ["t"], "t": []}), session_id="s")
        await again.result()
        assert set((await again.detail()).nodes) == {"s", "t"}


async def test_nothing_is_held_against_a_session_that_was_deleted() -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        await (await runtime.start(graph({"s": []}), session_id="s")).result()
        runtime.restorer.distrust("s", CorruptLog("for the test"))
        with pytest.raises(Quarantined):
            await runtime.detail("s")
        await runtime.delete("s")
        assert not runtime.restorer.quarantined
        assert await (await runtime.start(graph({"s": []}), session_id="s")).result() is not ...


async def test_a_deletion_leaves_the_next_session_of_its_id_alone() -> None:
    never = asyncio.Event()
    types = registry()

    @types.node("waits")
    async def waits(context: Any) -> None:
        await never.wait()

    async with Runtime.open("memory://", registry=types) as runtime:
        old = await runtime.start(graph({"s": []}), session_id="s")
        await old.result()
        forget = runtime.placement.forget

        async def late(session_id: str) -> None:
            await runtime.start(graph({"s": {"type": "waits"}}), session_id=session_id)
            await forget(session_id)

        runtime.placement.forget = late  # type: ignore[method-assign]
        await runtime.delete("s")
        assert runtime.awake("s")
        assert (await old.detail()).status == "running"
        assert (await old.stop()).in_flight == ("s",)
