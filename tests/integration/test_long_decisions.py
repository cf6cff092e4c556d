"""A session that only computes, for as long as it likes: it is commanded as any other, and goes on after a restart."""

from __future__ import annotations

from typing import Any

from support.graphs import graph, loop, registry
from support.watching import until

from sessiond import Runtime


def nothing(*next_ids: str) -> dict[str, Any]:
    return {"type": "parallel", "next_ids": list(next_ids)}


FOR_EVER = graph(
    {"s": nothing("p"), "p": nothing("i"), "i": loop("p", "o", 10_000), "o": loop("p", "e", 10_000), "e": []}
)
"""A hundred million rounds."""


async def test_it_is_paused_resumed_and_stopped_while_it_goes_round() -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        session = await runtime.start(FOR_EVER)
        paused = await session.pause()
        assert paused.changed
        await until(session, "execution:quiesced")
        assert (await session.detail()).seq == paused.seq + 1, "nothing goes on behind the pause"
        resumed = await session.resume()
        await anext(aiter(session.events(after=resumed.seq + 5_000)))
        assert (await session.stop()).changed
        assert (await runtime.ended(session.id)).status == "failed"


async def test_it_goes_on_after_a_restart(durable_url: str) -> None:
    async with Runtime.open(durable_url, registry=registry()) as runtime:
        session = await runtime.start(FOR_EVER)
        await anext(aiter(session.events(after=3_000)))
    async with Runtime.open(durable_url, registry=registry()) as runtime:
        session = runtime.session(session.id)
        await runtime.recovered
        assert runtime.awake(session.id), "nobody has to ask for it"
        row = await runtime.row(session.id)
        await anext(aiter(session.events(after=row.seq + 3_000)))
        await session.cancel()
