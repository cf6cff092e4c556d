"""Workflows are compiled once while anybody uses them, and graphs of a day don't stay for ever."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from support.graphs import chain, registry

from sessiond.actors import definitions
from sessiond.actors.core.ports import Definition
from sessiond.actors.definitions import Definitions
from sessiond.actors.environment import SystemClock
from sessiond.persistence.memory import MemoryStore


class Counting(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.puts = 0

    def put_definition(self, definition: Definition) -> None:
        self.puts += 1
        super().put_definition(definition)


async def read(call: Callable[..., Any], *arguments: Any) -> Any:
    return call(*arguments)


def numbered(number: int) -> dict[str, Any]:
    return {**chain(1), "name": f"number {number}"}


def kept() -> tuple[Definitions, Counting]:
    store = Counting()
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
