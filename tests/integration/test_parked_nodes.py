"""Nodes that stand at a checkpoint of a paused session go on when its resume is stored, and never otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.graphs import graph, registry
from support.held_store import HeldStore
from support.watching import until

from sessiond import Runtime, Session

PARKING = graph({"a": {"type": "parking"}})


class Lot:
    """A paused session whose only node is parked, on a store that the test holds."""

    def __init__(self, store: HeldStore, session: Session, passed: asyncio.Event, end: asyncio.Event) -> None:
        self.store = store
        self.session = session
        self.passed = passed
        self.end = end


@pytest.fixture
async def lot() -> AsyncIterator[Lot]:
    types, store = registry(), HeldStore()
    go, begun, passed, end = asyncio.Event(), asyncio.Event(), asyncio.Event(), asyncio.Event()
    end.set()

    @types.node("parking")
    async def parking(context: Any) -> Any:
        begun.set()
        await go.wait()
        await context.checkpoint()
        passed.set()
        await end.wait()
        return "through"

    async with Runtime.open(store, registry=types) as runtime:
        session = await runtime.start(PARKING)
        await begun.wait()
        await session.pause()
        go.set()
        await until(session, "execution:quiesced")
        yield Lot(store, session, passed, end)
        store.commits.open()


@pytest.mark.parametrize("end", ["stop", "cancel"])
async def test_the_end_of_a_paused_session_lets_no_parked_node_through(lot: Lot, end: str) -> None:
    lot.store.commits.shut()
    ending = asyncio.create_task(getattr(lot.session, end)())
    await lot.store.commits.met()
    assert not lot.passed.is_set()
    lot.store.commits.open()
    await ending
    await lot.session.wait()
    assert not lot.passed.is_set()


async def test_parked_nodes_wait_until_the_resume_is_stored(lot: Lot) -> None:
    lot.store.commits.shut()
    resuming = asyncio.create_task(lot.session.resume())
    await lot.store.commits.met()
    assert not lot.passed.is_set()
    lot.store.commits.open()
    await resuming
    await lot.passed.wait()
    assert await lot.session.result() == "through"


async def test_a_pause_behind_the_resume_keeps_them_parked(lot: Lot) -> None:
    lot.store.commits.shut()
    resuming = asyncio.create_task(lot.session.resume())
    await lot.store.commits.met()
    pausing = asyncio.create_task(lot.session.pause())
    await asyncio.sleep(0)  # the pause is on its way: it was sent before the store answers the resume
    lot.store.commits.open()
    await asyncio.gather(resuming, pausing)
    assert not lot.passed.is_set()


async def test_one_that_went_on_is_at_work_until_it_ends_or_parks_again(lot: Lot) -> None:
    lot.end.clear()
    await lot.session.resume()
    await lot.passed.wait()
    receipt = await lot.session.pause()
    assert (receipt.in_flight, (await lot.session.detail()).quiesced) == (("a",), False)
    lot.end.set()
    quiet = await until(lot.session, "execution:quiesced", after=receipt.seq)
    assert [record.data["status"] for record in quiet if record.node_id == "a"] == ["completed"]
