"""Shared reads: one for all who ask meanwhile, and never one that began before the asking."""

from __future__ import annotations

import asyncio

import pytest

from sessiond.actors.shared_reads import SharedReads


class Source:
    """Something to read, which the test changes, and whose reads it holds."""

    def __init__(self) -> None:
        self.value = 0
        self.reads: list[str] = []
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.shared = SharedReads(self.read)

    async def read(self, name: str) -> int:
        self.reads.append(name)
        value = self.value
        self.begun.set()
        await self.go.wait()
        if value < 0:
            raise ValueError(name)
        return value


async def test_who_asks_at_the_same_time_shares_one_read() -> None:
    source = Source()
    source.go.set()
    assert await asyncio.gather(*(source.shared("a") for _ in range(100))) == [0] * 100
    assert source.reads == ["a"]


async def test_who_asks_later_gets_what_a_later_read_finds() -> None:
    source = Source()
    first = asyncio.ensure_future(source.shared("a"))
    await source.begun.wait()
    source.value = 1
    later = [asyncio.ensure_future(source.shared("a")) for _ in range(100)]
    await asyncio.sleep(0)
    assert source.reads == ["a"]
    source.go.set()
    assert await first == 0
    assert await asyncio.gather(*later) == [1] * 100
    assert source.reads == ["a", "a"]


async def test_other_arguments_are_another_read() -> None:
    source = Source()
    source.go.set()
    await asyncio.gather(source.shared("a"), source.shared("b"))
    assert sorted(source.reads) == ["a", "b"]


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    source = Source()
    leaver, stayer = asyncio.ensure_future(source.shared("a")), asyncio.ensure_future(source.shared("a"))
    await source.begun.wait()
    leaver.cancel()
    source.go.set()
    assert await stayer == 0
    with pytest.raises(asyncio.CancelledError):
        await leaver


async def test_a_failure_is_everybodys_and_is_not_remembered() -> None:
    source = Source()
    source.value = -1
    source.go.set()
    found = await asyncio.gather(source.shared("a"), source.shared("a"), return_exceptions=True)
    assert [type(error) for error in found] == [ValueError, ValueError]
    source.value = 5
    assert await source.shared("a") == 5


async def test_a_failure_of_a_read_that_nobody_awaits_any_more_is_nobodys() -> None:
    source = Source()
    source.value = -1
    leaver = asyncio.ensure_future(source.shared("a"))
    await source.begun.wait()
    leaver.cancel()
    source.go.set()
    await asyncio.wait((leaver,))
    source.value = 1
    assert await source.shared("a") == 1
