"""Orders to child sessions: begun in their order, so many at once, of each tenant."""

from __future__ import annotations

import asyncio

from sessiond.actors.core.messages import Command, Stop
from sessiond.actors.orders import Orders


class Sessions:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.open = asyncio.Event()

    async def tell(self, session_id: str, command: Command) -> None:
        self.begun.append(session_id)
        await self.open.wait()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_so_many_are_under_way_and_another_tenants_do_not_wait_for_them() -> None:
    sessions = Sessions()
    orders = Orders(sessions.tell, 2)
    for name in ("a", "b", "c", "d", "x@other"):
        orders.give(name, Stop())
    await _settle()
    assert sessions.begun == ["a", "b", "x@other"]
    sessions.open.set()
    await _settle()
    assert sessions.begun == ["a", "b", "x@other", "c", "d"]
    orders.give("e", Stop())
    await _settle()
    assert sessions.begun[-1] == "e"


async def test_what_waits_is_dropped_at_the_close() -> None:
    sessions = Sessions()
    orders = Orders(sessions.tell, 1)
    orders.give("a", Stop())
    orders.give("b", Stop())
    await _settle()
    await orders.close()
    orders.give("c", Stop())
    await _settle()
    assert sessions.begun == ["a"]


async def test_one_that_is_given_between_the_end_of_the_last_and_its_being_noticed_is_carried_out() -> None:
    begun: list[str] = []

    async def tell(session_id: str, command: Command) -> None:
        begun.append(session_id)
        if session_id == "a":
            asyncio.get_running_loop().call_soon(orders.give, "b", command)

    orders = Orders(tell, 1)
    orders.give("a", Stop())
    await _settle()
    assert begun == ["a", "b"]
