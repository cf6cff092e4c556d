"""Logs that are trimmed: what is left begins with a snapshot, and nobody meets a gap without being told."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.graphs import graph
from support.trimmed import LIMIT, LOOP, TALKS, WORDS, asks, folded, plain, talkers, trimmed
from support.watching import collect, contiguous

from sessiond import Options, Runtime, Session
from sessiond.actors.core.errors import CommandRefused, CorruptLog, ForkTrimmed, NotFound, Quarantined, SessionExists
from sessiond.actors.core.events import Record
from sessiond.actors.core.reset import StreamReset
from sessiond.actors.core.segment import payloads
from sessiond.actors.streams import unpack_plain


def opened(url: str, **options: Any) -> Any:
    return Runtime.open(url, registry=talkers(), options=Options(**{"log_limit_events": LIMIT, **options}))


async def asked(runtime: Runtime, definition: Any = TALKS, session_id: str = "s") -> Session:
    """A session that has talked and now asks, its log trimmed."""
    session = await runtime.start(definition, session_id=session_id)
    await asks(session)
    await trimmed(runtime, session_id)
    return session


def joined(records: list[Record]) -> tuple[StreamReset, list[Record]]:
    """The last reset, and behind it every event to the end; one who is overtaken by a trim is reset again."""
    slices: list[tuple[StreamReset, list[Record]]] = []
    for record in records:
        if isinstance(record, StreamReset):
            slices.append((record, []))
        else:
            slices[-1][1].append(record)
    for reset, rest in slices:
        contiguous(rest, reset.first_seq)
    assert [reset.seq for reset, _ in slices] == sorted({reset.seq for reset, _ in slices})
    assert slices[-1][1][-1].event == "execution:completed"
    return slices[-1]


async def test_a_late_watcher_gets_a_snapshot_and_the_rest(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await asked(runtime)
        seen = asyncio.create_task(collect(session))
        await session.review("r", "approve")
        await session.wait()
        for records in (await seen, await collect(session)):
            reset, rest = joined(records)
            shown = plain(await session.detail())
            assert folded(reset.data["snapshot"], rest) == folded(shown, [])
            assert reset.snapshot.seq == reset.first_seq - 1


async def test_the_log_stays_near_its_limit(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await asked(runtime)
        await session.review("r", "approve")
        head = (await session.wait()).seq
        assert head > 2 * WORDS
        assert head - await trimmed(runtime, "s") < 3 * LIMIT, "groups of words are commits too"


async def test_a_watcher_who_was_away_for_less_than_the_limit_misses_nothing(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await asked(runtime)
        first = await trimmed(runtime, "s")
        await session.cancel()
        await session.wait()
        contiguous(await collect(session, first - 1), first)


async def test_a_slow_watcher_is_told_when_trimming_overtakes_it(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await runtime.start(TALKS, session_id="s")
        slow = runtime.hub.subscribe("s", bound=0)
        seen = 0
        while (chunk := await slow.pull()) is not None and not chunk.data:
            pass
        assert chunk is not None
        seen = chunk.last_seq
        await asks(session, seen)
        assert await trimmed(runtime, "s") > seen + 1 or seen > WORDS
        await session.review("r", "approve")
        await session.wait()
        resets, records = 0, list[Record]()
        while not records or records[-1].event != "execution:completed":
            chunk = await slow.pull()
            assert chunk is not None
            if chunk.reset is not None:
                assert chunk.reset.snapshot.seq == chunk.last_seq > seen
                resets, seen, records = resets + 1, chunk.last_seq, []
                snapshot = plain(chunk.reset.snapshot)
            for record in unpack_plain(chunk):
                assert record.seq == seen + 1
                seen = record.seq
                records.append(record)
        slow.close()
        assert resets
        assert folded(snapshot, records) == folded(plain(await session.detail()), [])


async def test_a_trimmed_session_goes_on_after_a_restart(durable_url: str) -> None:
    async with opened(durable_url) as runtime:
        await asked(runtime)
    for limit in (None, LIMIT):
        async with opened(durable_url, log_limit_events=limit) as runtime:
            assert await runtime.recovered == []
            assert (await runtime.session("s").detail()).nodes["r"].status == "suspended"
            assert await trimmed(runtime, "s") > 1
    async with opened(durable_url) as runtime:
        session = runtime.session("s")
        await session.review("r", "approve")
        assert await session.result() == {"node": "b", "round": 1}
        joined(await collect(session))


async def test_who_comes_after_the_end_gets_it_though_the_session_was_asked_again(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await asked(runtime)
        await session.stop()
        with pytest.raises(CommandRefused):
            await session.resume()
        for _ in range(3):
            await runtime.presence.passivate()
        joined(await collect(session))


async def test_bytes_may_be_the_limit_and_passivation_counts(store_url: str) -> None:
    async with opened(store_url, log_limit_events=None, log_limit_bytes=8_000) as runtime:
        session = await asked(runtime)
        for _ in range(3):
            await runtime.presence.passivate()
        await session.review("r", "approve")
        await session.wait()
        first = await trimmed(runtime, "s")
        kept = await runtime.events("s", first - 1)
        assert sum(len(segment.data) for segment in kept) < 24_000
        joined(await collect(session))


async def test_a_fork_goes_on_from_the_snapshot_or_says_from_where_it_could(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await asked(runtime)
        base = (await runtime.reset_of("s")).snapshot.seq
        with pytest.raises(ForkTrimmed, match=f"after seq {base} at the earliest") as refused:
            await session.fork(after_seq=base - 1)
        assert refused.value.first_seq == base
        seq = (await session.detail()).seq
        for request in ({"after_seq": seq}, {"from_node": "r"}):
            fork = await session.fork(**request)
            await asks(fork)
            await fork.review("r", "approve")
            ended = await fork.wait()
            assert (ended.status, ended.nodes["t"].started_at) == ("completed", None), "it is reused"
        fork = await session.fork(from_node="t", session_id="again")
        await asks(fork)
        await trimmed(runtime, "again")
        assert (await fork.detail()).nodes["t"].started_at is not None, "it ran again"
        assert (await session.fork(from_node="t", session_id="again")).id == "again", "the same request"
        with pytest.raises(SessionExists):
            await session.fork(from_node="r", session_id="again")


async def test_a_fork_that_needs_earlier_rounds_is_refused(store_url: str) -> None:
    async with opened(store_url) as runtime:
        session = await asked(runtime, LOOP)
        with pytest.raises(ForkTrimmed, match="how its loops entered their rounds") as refused:
            await session.fork(from_node="r")
        assert refused.value.first_seq == 0


async def test_deletion_finds_every_child_though_the_parent_talks(store_url: str) -> None:
    inner = graph({"a": []}, workflow_id="inner")
    family = graph(
        {
            "s": {"type": "talks", "next_ids": ["m"]},
            "m": {"type": "map", "next_ids": ["t"], "properties": {"items": [1, 2], "workflow": inner}},
            "t": {"type": "talks"},
        }
    )
    async with opened(store_url) as runtime:
        session = await runtime.start(family, session_id="s")
        await session.result()
        await trimmed(runtime, "s")
        await runtime.delete("s")
        for name in ("s", "s~m~0", "s~m~1"):
            with pytest.raises(NotFound):
                await runtime.row(name)


async def test_without_a_limit_nothing_is_trimmed(store_url: str) -> None:
    async with opened(store_url, log_limit_events=None, snapshot_bytes=1_000) as runtime:
        session = await runtime.start(TALKS, session_id="s")
        await asks(session)
        await session.review("r", "approve")
        await session.wait()
        contiguous(await collect(session))
        assert sum(len(list(payloads(part.data))) for part in await runtime.events("s")) > 2 * WORDS


async def test_a_damaged_snapshot_of_a_trimmed_log_is_quarantined(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    async with opened(url) as runtime:
        await asked(runtime)
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection, connection:
        connection.execute("UPDATE snapshots SET record = substr(record, 1, 40)")
    async with opened(url) as runtime:
        with pytest.raises(Quarantined):
            await runtime.session("s").detail()
        with pytest.raises(CorruptLog):
            await collect(runtime.session("s"))
