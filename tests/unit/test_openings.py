"""Turns to start a child session: so many at once, for each tenant by itself, in the order of asking."""

from __future__ import annotations

import asyncio

from sessiond.actors.openings import Openings


async def test_so_many_have_a_turn_and_the_next_in_the_order_of_asking() -> None:
    openings = Openings(2)
    begun: list[str] = []
    let_go = {name: asyncio.Event() for name in "abcdx"}

    async def opens(name: str, tenant: str) -> None:
        async with openings.turn(tenant):
            begun.append(name)
            await let_go[name].wait()

    async with asyncio.TaskGroup() as group:
        for name in "abcd":
            group.create_task(opens(name, "acme"))
        group.create_task(opens("x", "other"))
        while len(begun) < 3:
            await asyncio.sleep(0)
        assert begun == ["a", "b", "x"]
        let_go["b"].set()
        while len(begun) < 4:
            await asyncio.sleep(0)
        assert begun[-1] == "c"
        for event in let_go.values():
            event.set()
    assert begun[-1] == "d"
    assert len(openings) == 0


async def test_whoever_leaves_gives_the_turn_back() -> None:
    openings = Openings(1)

    async def opens() -> None:
        async with openings.turn("acme"):
            await asyncio.Event().wait()

    first, second = asyncio.create_task(opens()), asyncio.create_task(opens())
    await asyncio.sleep(0)
    for task in (second, first):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    async with openings.turn("acme"):
        assert len(openings) == 1
    assert len(openings) == 0
