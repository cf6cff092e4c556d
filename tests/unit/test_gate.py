from __future__ import annotations

import asyncio
from contextlib import suppress

from sessiond.actors.gate import Gate


async def test_an_open_gate_lets_everybody_through_at_once() -> None:
    await asyncio.wait_for(Gate().passage(), 1)


async def test_a_shut_gate_holds_until_it_opens() -> None:
    gate = Gate()
    gate.close()
    waiting = [asyncio.create_task(gate.passage()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    gate.open()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_a_gate_that_shuts_again_at_once_holds_those_it_woke() -> None:
    gate = Gate()
    gate.close()
    waiting = asyncio.create_task(gate.passage())
    await asyncio.sleep(0)
    gate.open()
    gate.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.open()
    await asyncio.wait_for(waiting, 1)


async def test_who_gives_up_waiting_hurts_nobody() -> None:
    gate = Gate()
    gate.close()
    first, second = (asyncio.create_task(gate.passage()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    gate.open()
    await asyncio.wait_for(second, 1)
    assert first.cancelled()


async def test_a_watcher_learns_that_the_gate_is_shut() -> None:
    gate = Gate()
    watching = [asyncio.create_task(gate.closure()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in watching)
    watching[0].cancel()
    gate.close()
    await asyncio.wait_for(watching[1], 1)
    await asyncio.wait_for(gate.closure(), 1)


async def test_who_gives_up_watching_is_not_kept() -> None:
    gate = Gate()
    staying = asyncio.create_task(gate.closure())
    for _ in range(100):
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await gate.closure()
    assert len(gate._watchers or ()) == 1
    gate.close()
    await asyncio.wait_for(staying, 1)
