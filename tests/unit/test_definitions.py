"""Workflows are compiled once while anybody uses them, and graphs of a day don't stay for ever."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.graphs import chain, registry

from sessiond.actors import definitions
from sessiond.actors.core.errors import NotFound
from sessiond.actors.core.ports import Definition, SessionRow
from sessiond.actors.definitions import Definitions
from sessiond.actors.environment import SystemClock
from sessiond.persistence.memory import MemoryStore


class Counting(MemoryStore):
    """Counts, and may have something else happen between its look and its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.puts = self.asked = 0
        self.before_answer: Callable[[], Awaitable[object]] | None = None

    def definition(self, workflow_id: str, version: str | None) -> Definition | None:
        self.asked += 1
        return super().definition(workflow_id, version)

    def put_definition(self, definition: Definition) -> None:
        self.puts += 1
        super().put_definition(definition)


def numbered(number: int) -> dict[str, Any]:
    return {**chain(1), "name": f"number {number}"}


def kept() -> tuple[Definitions, Counting]:
    store = Counting()

    async def read(call: Callable[..., Any], *arguments: Any) -> Any:
        found = call(*arguments)
        if (meanwhile := store.before_answer) is not None:
            store.before_answer = None
            await meanwhile()
        return found

    return Definitions(store, registry(), SystemClock(), read), store


async def test_an_equal_graph_is_the_same_workflow_and_stored_once() -> None:
    known, store = kept()
    one, two = known.compile(numbered(1)), known.compile(numbered(1))
    assert one is two
    for _ in range(3):
        await known.keep(one, listed=False)
    assert store.puts == 1
    assert await known.find(one.workflow_id, one.version) is one


async def test_what_is_in_use_stays_and_of_the_others_the_last_ones() -> None:
    known, _ = kept()
    used = known.compile(numbered(0))
    await known.keep(used, listed=True)
    for number in range(1, 2 * definitions.MOST_KEPT):
        await known.keep(known.compile(numbered(number)), listed=False)
    gc.collect()
    assert len(known._in_use) == definitions.MOST_KEPT + 1
    assert await known.find(used.workflow_id, used.version) is used
    again = await known.find(used.workflow_id, known.compile(numbered(1)).version)
    assert again.name == "number 1"


async def test_who_comes_back_after_it_was_let_go_is_read_from_the_store() -> None:
    known, _ = kept()
    version = known.compile(numbered(0)).version
    await known.keep(known.compile(numbered(0)), listed=False)
    for number in range(1, definitions.MOST_KEPT + 1):
        known.compile(numbered(number))
    gc.collect()
    assert len(known._in_use) == definitions.MOST_KEPT
    assert (await known.find(chain(1)["workflow_id"], version)).name == "number 0"


async def test_the_newest_version_is_asked_for_once_a_second_and_a_change_here_counts_at_once() -> None:
    known, store = kept()
    for number in (1, 2):
        await known.keep(known.compile(numbered(number)), listed=True)
        for _ in range(3):
            assert (await known.find(chain(1)["workflow_id"])).name == f"number {number}"
    assert store.asked == 2
    await known.unlist(chain(1)["workflow_id"])
    with pytest.raises(NotFound):
        await known.find(chain(1)["workflow_id"])


async def test_what_was_taken_off_the_list_can_be_listed_again_and_no_other_is_stored_anew() -> None:
    known, store = kept()
    one, other = known.compile(numbered(1)), known.compile({**chain(1), "workflow_id": "other"})
    for workflow in (one, other):
        await known.keep(workflow, listed=True)
    await known.unlist(one.workflow_id)
    for workflow in (one, other):
        await known.keep(workflow, listed=True)
    assert {found.workflow_id for found in await known.listed()} == {one.workflow_id, "other"}
    assert store.puts == 3


async def test_what_was_taken_off_the_list_while_it_was_put_there_can_be_listed_again() -> None:
    known, store = kept()
    workflow = known.compile(numbered(1))
    store.before_answer = lambda: known.unlist(workflow.workflow_id)
    await known.keep(workflow, listed=True)
    assert await known.listed() == []
    await known.keep(workflow, listed=True)
    assert [found.version for found in await known.listed()] == [workflow.version]


async def test_who_leaves_while_a_workflow_is_taken_off_the_list_keeps_it_off_for_nobody_else() -> None:
    known, store = kept()
    workflow = known.compile(numbered(1))
    await known.keep(workflow, listed=True)
    unlisting = asyncio.ensure_future(known.unlist(workflow.workflow_id))

    async def leave() -> None:
        unlisting.cancel()
        await asyncio.sleep(0)

    store.before_answer = leave
    await asyncio.wait([unlisting])
    assert unlisting.cancelled()
    await known.keep(workflow, listed=True)
    assert [found.version for found in await known.listed()] == [workflow.version]


async def test_an_answer_that_was_overtaken_by_a_change_is_not_kept() -> None:
    known, store = kept()
    await known.keep(known.compile(numbered(1)), listed=True)
    store.before_answer = lambda: known.keep(known.compile(numbered(2)), listed=True)
    assert (await known.find(chain(1)["workflow_id"])).name == "number 1"
    assert (await known.find(chain(1)["workflow_id"])).name == "number 2"


async def test_a_deletion_spares_what_is_just_being_listed() -> None:
    known, store = kept()
    workflow = known.compile(numbered(1))
    spared: list[bool] = []

    async def delete_the_last_session() -> None:
        row = SessionRow("s", "completed", workflow.workflow_id, workflow.version, 1, "", "")
        with known.leaving(row) as whole:
            spared.append(not whole)

    store.before_answer = delete_the_last_session
    await known.keep(workflow, listed=True)
    await delete_the_last_session()
    assert spared == [True, False]
