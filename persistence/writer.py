"""The persistence actor: commits of all sessions, in groups, adaptively.

Sessions submit; whatever was submitted within one turn of the loop becomes one group. With nothing under
way and a store that is quick enough, a group is committed inline, on the loop: the hop to a thread costs
twenty times the commit. Under load, and always for slower stores, groups go to the writer's thread, at most two
at once, with one wake-up of the loop for each. Tickets are settled strictly in the order of submission; an
inline group is settled before the next is committed, or that one could be announced first.

While the store is away the thread repeats the same group: commits are idempotent by position, so a lost
reply does no harm. `trouble` says so, and sessions refuse commands until it is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from pykka import ActorRef

from ..actors.errors import Fenced, StoreError, Unavailable
from ..actors.loop_actor import LoopActor
from ..actors.ports import Batch, Commit, Snapshot, Store, Ticket, WriterHost
from .commit_thread import CommitThread, Group

logger = logging.getLogger("sessiond.writer")

UNDER_WAY: Final = 2
"""Groups at the thread at the same time: one being written, one ready."""
INLINE_BYTES: Final = 65_536
"""A larger group isn't committed on the loop."""


class Append:
    """A commit and whoever waits for it."""

    __slots__ = ("commit", "shard", "ticket")

    def __init__(self, shard: int, commit: Commit, ticket: Ticket) -> None:
        self.shard = shard
        self.commit = commit
        self.ticket = ticket


class PersistenceActor(LoopActor):
    """Groups commits and hands them to the store, on the loop or on a thread."""

    def __init__(self, store: Store, tokens: dict[int, str]) -> None:
        super().__init__()
        self._store = store
        self._tokens = tokens
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Append] = []
        self._snapshots: list[tuple[int, Snapshot]] = []
        self._scheduled = False
        self._under_way: deque[Group] = deque()
        self._thread = CommitThread(store, self._loop, self._stored, self._troubled)
        self._idle: list[asyncio.Future[None]] = []
        self._fenced: set[int] = set()
        self.trouble: Unavailable | None = None
        self.groups = 0
        self.commits = 0

    def on_receive(self, message: Any) -> None:
        """Queue a commit, or a snapshot to go with some later group."""
        if isinstance(message, Append):
            self._waiting.append(message)
            self._schedule()
        else:
            self._snapshots.append(message)
            self._schedule()

    def on_stop(self) -> None:
        """Let the thread finish what it has."""
        self._thread.close()

    def _schedule(self) -> None:
        if not self._scheduled and len(self._under_way) < UNDER_WAY:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if len(self._under_way) >= UNDER_WAY or not (self._waiting or self._snapshots):
            return
        appends, self._waiting = self._waiting, []
        snapshots, self._snapshots = self._snapshots, []
        group = Group(appends, self._batches(appends, snapshots))
        self.groups += 1
        self.commits += len(appends)
        self._under_way.append(group)
        if self._store.inline and len(self._under_way) == 1 and not snapshots and _small(appends):
            group.outcomes = self._store.commit(group.batches)
            if not any(isinstance(outcome, Unavailable) for outcome in group.outcomes):
                self._settle()
                return
            self._troubled(next(o for o in group.outcomes if isinstance(o, Unavailable)))
        self._thread.put(group)

    def _batches(self, appends: Iterable[Append], snapshots: Iterable[tuple[int, Snapshot]]) -> list[Batch]:
        batches: dict[int, Batch] = {}
        for append in appends:
            batch = batches.get(append.shard)
            if batch is None:
                batch = batches[append.shard] = Batch(append.shard, self._tokens[append.shard], [], [])
            batch.commits.append(append.commit)
        for shard, snapshot in snapshots:
            batch = batches.setdefault(shard, Batch(shard, self._tokens[shard], [], []))
            batch.snapshots.append(snapshot)
        return list(batches.values())

    def _stored(self) -> None:
        """Called on the loop: the thread is through with its oldest groups."""
        while self._under_way and self._under_way[0].done:
            self._settle()

    def _settle(self) -> None:
        """Settle the tickets of the oldest group, then see what came in meanwhile."""
        group = self._under_way.popleft()
        errors: dict[int, StoreError] = {}
        for batch, outcome in zip(group.batches, group.outcomes, strict=True):
            if isinstance(outcome, StoreError):
                errors[batch.shard] = outcome
                self._report(batch.shard, outcome)
        for append in group.appends:
            append.ticket.settled(errors.get(append.shard))
        if self._waiting or self._snapshots:
            self._schedule()
        elif not self._under_way:
            for waiter in self._idle:
                waiter.set_result(None)
            self._idle.clear()

    def _report(self, shard: int, error: StoreError) -> None:
        if isinstance(error, Fenced):
            if shard not in self._fenced:
                self._fenced.add(shard)
                logger.error("fenced: %s; its sessions stop here and are never claimed again", error)
        else:
            logger.error("a batch of shard %d was refused: %s", shard, error)

    def _troubled(self, trouble: Unavailable | None) -> None:
        """Called on the loop: commits stopped getting through, or do again."""
        if trouble is not None and self.trouble is None:
            logger.warning("the store is away: %s", trouble)
        elif trouble is None and self.trouble is not None:
            logger.warning("the store is back")
        self.trouble = trouble

    async def idle(self) -> None:
        """Wait until nothing is queued; gives up while the store is away."""
        if not (self._under_way or self._waiting) or self.trouble is not None:
            return
        waiter = self._loop.create_future()
        self._idle.append(waiter)
        await waiter


class Writer:
    """The persistence actor as sessions see it: a Committer."""

    __slots__ = ("_actor", "_ref")

    def __init__(self, ref: ActorRef[PersistenceActor], actor: PersistenceActor) -> None:
        self._ref = ref
        self._actor = actor

    @property
    def trouble(self) -> Unavailable | None:
        """Why commits don't get through now; None while they do."""
        return self._actor.trouble

    @property
    def grouping(self) -> tuple[int, int]:
        """Groups and commits so far."""
        return self._actor.groups, self._actor.commits

    def submit(self, shard: int, commit: Commit, ticket: Ticket) -> None:
        """Queue a commit."""
        self._ref.tell(Append(shard, commit, ticket))

    def keep(self, shard: int, snapshot: Snapshot) -> None:
        """Queue a snapshot."""
        self._ref.tell((shard, snapshot))

    async def drain(self) -> None:
        """Return when everything queued is stored, or can't be."""
        await self._actor.idle()


def start(host: WriterHost, store: Store) -> Writer:
    """Start the persistence actor of a runtime on the running loop."""
    made: list[PersistenceActor] = []

    class Spawned(PersistenceActor):
        def __init__(self) -> None:
            super().__init__(store, host.tokens)
            made.append(self)

    return Writer(host.dispatcher.spawn(Spawned), made[0])


def _small(appends: list[Append]) -> bool:
    return sum([len(append.commit.segment.data) for append in appends]) <= INLINE_BYTES
