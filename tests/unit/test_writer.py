"""Group commit over a store that the test holds: order, grouping, outages, fencing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest
from support.stores import row, segment

from sessiond.actors.core.errors import (
    Fenced,
    Overloaded,
    StoreBroken,
    StoreError,
    StoreFull,
    StoreUnavailable,
    Unavailable,
)
from sessiond.actors.core.ports import Batch, Commit, Snapshot, WriterHost
from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.persistence.memory import MemoryStore
from sessiond.persistence.writer import Writer, start


class Held(MemoryStore):
    """A store whose commits wait for the test, fail as it says, and are noted."""

    def __init__(self, inline: bool, shards: int = 1) -> None:
        super().__init__(shards)
        self.inline = inline
        self.others_write = False
        self.groups: list[list[str]] = []
        self.threads: set[str] = set()
        self.answers: list[StoreError | Unavailable | Exception] = []
        self.free = threading.Event()
        self.free.set()

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        self.free.wait(5)
        self.threads.add(threading.current_thread().name)
        self.groups.append([f"{c.session_id}{c.segment.last_seq}" for batch in batches for c in batch.commits])
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, (StoreError, Unavailable)):
                return [answer for _ in batches]
            raise answer
        return super().commit(batches)

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        return self.commit(batches) if self.inline and not self.others_write else None


class Told:
    """Notes what its commits came to."""

    def __init__(self) -> None:
        self.settlements: list[tuple[str, StoreError | None]] = []
        self.more = asyncio.Condition()

    def ticket(self, name: str) -> Noted:
        return Noted(self, name)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.settlements]


class Noted:
    def __init__(self, told: Told, name: str) -> None:
        self.told = told
        self.name = name

    def settled(self, error: StoreError | None) -> None:
        self.told.settlements.append((self.name, error))


class Desk:
    """A writer on a held store."""

    def __init__(self, store: Held, writer: Writer) -> None:
        self.store = store
        self.writer = writer
        self.told = Told()
        self.heads: dict[str, int] = {}

    def submit(self, session: str, shard: int = 0) -> None:
        seq = self.heads[session] = self.heads.get(session, 0) + 1
        commit = Commit(session, segment(seq), row(session) if seq == 1 else None)
        self.writer.submit(shard, commit, self.told.ticket(f"{session}{seq}"))

    def away(self) -> bool:
        return self.writer.trouble is not None

    async def drained(self) -> list[str]:
        await self.writer.drain()
        return self.told.names


@pytest.fixture(params=[True, False], ids=["inline", "thread"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    store = Held(inline=request.param)
    dispatcher = LoopDispatcher(asyncio.get_running_loop())
    writer = start(WriterHost(dispatcher, {0: store.claim(0, "me")}), store)
    yield Desk(store, writer)
    store.free.set()
    await dispatcher.stop_all()


async def test_what_comes_in_one_turn_is_one_group(desk: Desk) -> None:
    for session in "abc":
        desk.submit(session)
    assert await desk.drained() == ["a1", "b1", "c1"]
    assert desk.store.groups == [["a1", "b1", "c1"]]
    on_loop = threading.current_thread().name
    assert desk.store.threads == {on_loop if desk.store.inline else "sessiond-writer"}


async def test_tickets_are_settled_in_the_order_of_submission(desk: Desk) -> None:
    for turn in range(30):
        for session in "abc"[: turn % 4]:
            desk.submit(session)
        await asyncio.sleep(0)
    names = await desk.drained()
    for session in "abc":
        own = [int(name[1:]) for name in names if name[0] == session]
        assert own == list(range(1, desk.heads[session] + 1))


async def test_while_a_group_is_written_the_next_ones_gather() -> None:
    store = Held(inline=False)
    dispatcher = LoopDispatcher(asyncio.get_running_loop())
    desk = Desk(store, start(WriterHost(dispatcher, {0: store.claim(0, "me")}), store))
    store.free.clear()
    for session in "abcdef":
        desk.submit(session)
        for _ in range(3):
            await asyncio.sleep(0)
    assert desk.told.names == []
    store.free.set()
    await desk.drained()
    assert store.groups == [["a1"], ["b1"], ["c1", "d1", "e1", "f1"]]
    await dispatcher.stop_all()


@pytest.mark.parametrize("trouble", [StoreUnavailable("gone"), StoreFull("no room")])
async def test_an_outage_is_announced_outlasted_and_nothing_is_lost(desk: Desk, trouble: Unavailable) -> None:
    desk.store.answers += [trouble, trouble]
    desk.submit("a")
    while not desk.away():
        await asyncio.sleep(0)
    assert desk.writer.trouble is trouble
    desk.submit("b")
    desk.submit("a")
    while desk.away() or len(desk.told.names) < 3:
        await asyncio.sleep(0)
    assert desk.told.names == ["a1", "b1", "a2"]
    assert desk.store.groups[:3] == [["a1"], ["a1"], ["a1"]], "the same group again, before any other"
    assert [s.last_seq for s in desk.store.read("a", 0, 1_000)] == [1, 2]


async def test_nobody_waits_for_the_end_of_an_outage(desk: Desk) -> None:
    desk.store.answers += [StoreUnavailable("gone")] * 100
    desk.submit("a")
    async with asyncio.timeout(10):
        await desk.writer.drain()
        while not desk.away():
            await asyncio.sleep(0)
        await desk.writer.drain()
    assert desk.told.names == []
    desk.store.answers.clear()
    while not desk.told.names:
        await asyncio.sleep(0)


async def test_a_fenced_shard_tells_every_ticket(desk: Desk) -> None:
    desk.store.claim(0, "somebody else")
    desk.submit("a")
    desk.submit("b")
    await desk.drained()
    assert [type(error) for _, error in desk.told.settlements] == [Fenced, Fenced]


async def test_a_bug_in_an_adapter_leaves_nobody_waiting(desk: Desk) -> None:
    desk.store.answers.append(ZeroDivisionError("a bug"))
    desk.submit("a")
    await desk.drained()
    [(name, error)] = desk.told.settlements
    assert (name, type(error)) == ("a1", StoreBroken)


async def test_one_session_at_a_wrong_place_hurts_no_other(desk: Desk) -> None:
    desk.heads["b"] = 7
    for session in "abc":
        desk.submit(session)
    await desk.drained()
    assert [(name, error is None) for name, error in desk.told.settlements] == [
        ("a1", True),
        ("b8", False),
        ("c1", True),
    ]


async def test_snapshots_go_along_and_nobody_waits_for_them(desk: Desk) -> None:
    desk.submit("a")
    await desk.drained()
    desk.writer.keep(0, Snapshot("a", 1, b"state"))
    desk.submit("a")
    await desk.drained()
    stored = desk.store.load("a")
    assert stored is not None
    assert stored.snapshot is not None
    assert stored.snapshot.data == b"state"
    assert [s.last_seq for s in stored.segments] == [2]


async def test_a_snapshot_alone_is_kept_and_costs_its_shard_nothing(desk: Desk) -> None:
    desk.submit("a")
    await desk.drained()
    desk.writer.keep(0, Snapshot("a", 1, b"state"))
    await desk.drained()
    stored = desk.store.load("a")
    assert stored is not None
    assert stored.snapshot == Snapshot("a", 1, b"state")
    assert desk.writer.fenced == set()


async def test_a_snapshot_that_does_not_fit_costs_no_commit(desk: Desk) -> None:
    desk.writer.keep(0, Snapshot("a", 9, b"state"))
    desk.submit("a")
    await desk.drained()
    assert desk.told.settlements == [("a1", None)]


async def test_trouble_that_is_over_before_the_thread_tries_is_forgotten() -> None:
    store = Held(inline=True)
    dispatcher = LoopDispatcher(asyncio.get_running_loop())
    desk = Desk(store, start(WriterHost(dispatcher, {0: store.claim(0, "me")}), store))
    store.answers.append(StoreUnavailable("busy for a moment"))
    desk.submit("a")
    while not desk.told.names:
        await asyncio.sleep(0)
    assert not desk.away()
    await dispatcher.stop_all()


async def test_while_others_write_the_thread_commits_and_nobody_is_told_of_trouble() -> None:
    store = Held(inline=True)
    dispatcher = LoopDispatcher(asyncio.get_running_loop())
    desk = Desk(store, start(WriterHost(dispatcher, {0: store.claim(0, "me")}), store))
    store.others_write = True
    desk.submit("a")
    assert await desk.drained() == ["a1"]
    assert store.threads == {"sessiond-writer"}
    assert desk.writer.standing.meters.errors == 0
    await dispatcher.stop_all()


async def test_a_broken_store_stays_so(desk: Desk) -> None:
    desk.store.answers.append(StoreBroken("the disk said EIO"))
    desk.submit("a")
    await desk.drained()
    assert isinstance(desk.writer.trouble, StoreBroken)
    desk.submit("b")
    await desk.drained()
    assert isinstance(desk.writer.trouble, StoreBroken)


async def test_over_the_bound_nothing_more_is_welcome_until_the_store_has_caught_up() -> None:
    store = Held(inline=False)
    dispatcher = LoopDispatcher(asyncio.get_running_loop())
    host = WriterHost(dispatcher, {0: store.claim(0, "me")})
    desk = Desk(store, start(host, store, most_waiting=3_000))
    store.free.clear()
    while not desk.away():
        assert len(desk.heads) < 10
        desk.submit(f"s{len(desk.heads)}")
    assert isinstance(desk.writer.trouble, Overloaded)
    store.free.set()
    await desk.drained()
    assert not desk.away()
    assert desk.writer.standing.waiting == 0
    await dispatcher.stop_all()


async def test_an_outage_that_is_over_at_the_second_try_is_over_for_all(desk: Desk) -> None:
    """The loop met it, the thread's first try went through: nobody said that the store was back."""
    desk.store.answers.append(StoreUnavailable("gone"))
    desk.submit("a")
    assert await desk.drained() in ([], ["a1"])
    while not desk.told.names:
        await asyncio.sleep(0)
    assert not desk.away()


class Broken:
    def settled(self, error: StoreError | None) -> None:
        raise ZeroDivisionError("a bug in one session")


async def test_a_session_that_cant_take_its_outcome_keeps_no_other_from_its_own(desk: Desk) -> None:
    desk.submit("a")
    desk.writer.submit(0, Commit("b", segment(1), row("b")), Broken())
    desk.submit("c")
    assert await desk.drained() == ["a1", "c1"]
    assert desk.writer.standing.waiting == 0
    desk.submit("a")
    assert await desk.drained() == ["a1", "c1", "a2"]
