"""The persistence actor: commits of all sessions, in groups, adaptively.

Sessions submit; whatever was submitted within one turn of the loop becomes one group. With nothing under
way and a store that needn't wait for anything, a group is committed inline, on the loop: the hop to a thread
costs twenty times the commit. Under load, while others write, and always for slower stores, groups go to the
writer's thread, at most two at once, with one wake-up of the loop for each. Tickets are settled strictly in the
order of submission; an inline group is settled before the next is committed, or that one could be announced first.

While the store is away the thread repeats the same group: commits are idempotent by position, so a lost
reply does no harm. `trouble` says so, and sessions refuse commands until it is gone. What running nodes still
report queues up to a bound in bytes. After an I/O error nothing is known of the disk: `trouble` stays for good.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Set
from typing import Any, Final

from pykka import ActorRef

from ..actors.core.errors import Fenced, Overloaded, StoreBroken, StoreError, Unavailable
from ..actors.core.meters import WriterMeters
from ..actors.core.ports import Commit, Snapshot, Store, Ticket, WriterHost
from ..actors.dispatch.future import Deferred
from ..actors.dispatch.loop_actor import LoopActor
from .commit_thread import CommitThread, MakeLine
from .group import Append, Group, Keep

logger = logging.getLogger("sessiond.writer")

UNDER_WAY: Final = 2
"""Groups at the thread at the same time: one being written, one ready."""
INLINE_BYTES: Final = 65_536
"""A larger group isn't committed on the loop."""
MOST_WAITING: Final = 256 << 20
"""Bytes of commits that may wait for the store before more is refused."""
_OVERHEAD: Final = 512
"""Bytes that a commit takes besides its segment, about."""


class Drain:
    """Asks for an answer once everything queued before is stored, or can't be."""

    __slots__ = ()


class Standing:
    """What others may know of the writer at any time.

    Attributes:
        trouble: why commits don't get through now; None while they do.
        broken: why none will get through any more.
        groups: groups so far.
        commits: commits so far.
        waiting: bytes of commits that were submitted and aren't settled.
        fenced: shards that another owner has taken.
        meters: how long they took, and what went wrong.
    """

    __slots__ = ("broken", "commits", "fenced", "groups", "meters", "trouble", "waiting")

    def __init__(self) -> None:
        self.trouble: Unavailable | None = None
        self.broken: StoreBroken | None = None
        self.fenced: set[int] = set()
        self.waiting = 0
        self.groups = 0
        self.commits = 0
        self.meters = WriterMeters()


class PersistenceActor(LoopActor):
    """Groups commits and hands them to the store, on the loop or on a thread."""

    def __init__(self, store: Store, tokens: dict[int, str], standing: Standing, make_line: MakeLine) -> None:
        self._store = store
        self._tokens = tokens
        self._standing = standing
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Append] = []
        self._keeps: list[Keep] = []
        self._scheduled = False
        self._under_way: deque[Group] = deque()
        self._thread = make_line(store, self._loop, self._stored, self._troubled)
        self._drains: list[Deferred[None]] = []

    def on_receive(self, message: Any) -> Any:
        """Queue a commit or a snapshot, or answer when all is through."""
        match message:
            case Append():
                self._waiting.append(message)
            case Keep():
                self._keeps.append(message)
            case Drain():
                return self._drain()
            case _:
                raise TypeError(f"the persistence actor can't handle {type(message).__name__}")
        if not self._scheduled:
            self._schedule()
        return None

    def on_stop(self) -> None:
        """Let the thread finish what it has."""
        self._thread.close()

    def _schedule(self) -> None:
        if not self._scheduled and len(self._under_way) < UNDER_WAY:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Send off what has gathered."""
        self._scheduled = False
        appends, self._waiting = self._waiting, []
        keeps, self._keeps = self._keeps, []
        group = Group(appends, keeps, self._tokens, INLINE_BYTES)
        self._standing.groups += 1
        self._standing.commits += len(appends)
        self._standing.meters.commits.observe(len(appends))
        group.began = time.perf_counter()  # uvloop's own clock counts whole milliseconds
        self._under_way.append(group)
        if group.small and len(self._under_way) == 1 and self._commit_here(group):
            self._settle()
        else:
            self.dispatcher.lender.begin()
            self._thread.put(group)

    def _commit_here(self, group: Group) -> bool:
        """Commit on the loop; False if the thread has to go on with it, which says so if it can't either."""
        try:
            group.attempt_at_once(self._store)
        except Exception as error:
            logger.exception("the store failed in an unexpected way")
            group.give_up(StoreBroken(f"the store failed in an unexpected way: {error!r}"))
        return group.done

    def _stored(self) -> None:
        """Called on the loop: the thread is through with its oldest groups."""
        while self._under_way and self._under_way[0].done:
            self.dispatcher.lender.end()
            self._settle()

    def _settle(self) -> None:
        """Settle the tickets of the oldest group, then see what came in meanwhile."""
        group = self._under_way.popleft()
        self._standing.meters.seconds.observe(time.perf_counter() - group.began)
        for error in group.errors:
            self._report(error)
        for append in group.appends:
            self._standing.waiting -= len(append.commit.segment.data) + _OVERHEAD
            try:
                append.ticket.settled(group.error_of(append))
            except Exception:  # a bug in one session: the others of the group wait for theirs
                logger.exception("session %s couldn't take that its commit is through", append.commit.session_id)
        if self._waiting or self._keeps:
            self._schedule()
        elif not self._under_way:
            self._answer_drains()

    def _report(self, error: StoreError) -> None:
        self._standing.meters.errors += 1
        if isinstance(error, StoreBroken):
            if self._standing.broken is None:
                logger.critical("the store is broken, nothing is written any more: %s; restart the process", error)
            self._standing.broken = error
        elif not isinstance(error, Fenced):
            logger.error("a commit was refused: %s", error)
        elif error.shard not in self._standing.fenced:
            self._standing.fenced.add(error.shard)
            logger.error("fenced: %s; its sessions stop here and are never claimed again", error)

    def _troubled(self, trouble: Unavailable | None) -> None:
        """Called on the loop: commits stopped getting through, or do again."""
        standing = self._standing
        if trouble is not None and standing.trouble is None:
            standing.meters.errors += 1
            logger.warning("the store is away: %s", trouble)
        elif trouble is None and standing.trouble is not None:
            logger.warning("the store is back")
        standing.trouble = trouble
        if trouble is not None:
            self._answer_drains()

    def _drain(self) -> Deferred[None] | None:
        if not (self._under_way or self._waiting or self._keeps) or self._standing.trouble is not None:
            return None
        drained = Deferred[None]()
        self._drains.append(drained)
        return drained

    def _answer_drains(self) -> None:
        drains, self._drains = self._drains, []
        for drained in drains:
            drained.set(None)


class Writer:
    """The persistence actor as sessions see it: a Committer."""

    __slots__ = ("_most_waiting", "_ref", "standing")

    def __init__(self, ref: ActorRef[PersistenceActor], standing: Standing, most_waiting: int) -> None:
        self._ref = ref
        self._most_waiting = most_waiting
        self.standing = standing

    @property
    def trouble(self) -> Unavailable | StoreBroken | None:
        """Why commits don't get through now, or never will again; None while they do."""
        standing = self.standing
        if standing.broken is not None:
            return standing.broken
        if standing.waiting >= self._most_waiting:
            return Overloaded(f"{standing.waiting >> 20} MiB of commits wait for the store")
        return standing.trouble

    @property
    def fenced(self) -> Set[int]:
        """Shards that another owner has taken."""
        return self.standing.fenced

    @property
    def meters(self) -> WriterMeters:
        """What was committed, and how long it took."""
        return self.standing.meters

    def submit(self, shard: int, commit: Commit, ticket: Ticket) -> None:
        """Queue a commit."""
        self.standing.waiting += len(commit.segment.data) + _OVERHEAD
        self._ref.tell(Append(shard, commit, ticket))

    def keep(self, shard: int, snapshot: Snapshot) -> None:
        """Queue a snapshot."""
        self._ref.tell(Keep(shard, snapshot))

    async def drain(self) -> None:
        """Return when everything queued is stored; at once while the store is away."""
        await self._ref.ask(Drain(), block=False)


def start(
    host: WriterHost, store: Store, *, make_line: MakeLine = CommitThread, most_waiting: int = MOST_WAITING
) -> Writer:
    """Start the persistence actor of a runtime on the running loop.

    Args:
        host: where it runs.
        store: where it writes.
        make_line: makes what commits groups off the loop: a thread.
        most_waiting: bytes of commits that may wait for the store before more is refused.
    """
    standing = Standing()
    ref = host.dispatcher.spawn(PersistenceActor, store, host.tokens, standing, make_line)
    return Writer(ref, standing, most_waiting)
