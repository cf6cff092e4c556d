"""What the engine needs from outside, as Protocols: a store, a clock, ids.

The rows and batches that cross these ports are defined here too, so that an adapter imports
nothing else of the engine but `segment` and `errors`.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Protocol

import msgspec

from .errors import StoreError, Unavailable
from .meters import WriterMeters
from .segment import Segment

if TYPE_CHECKING:
    from ..dispatch.dispatcher import LoopDispatcher


class SessionRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a list of sessions shows; written with the commit that changes it.

    Attributes:
        waits: the nodes that wait for an answer.
        idle: it runs, but only somebody's word or a timer makes it go on, so it needn't be in memory.
        wakes_at: when its next timer is due, in seconds since the Unix epoch; None if it has none, or doesn't run.
        created_at: RFC 3339 in UTC with microseconds, as are the other times.
    """

    session_id: str
    status: str
    workflow_id: str
    workflow_version: str
    seq: int
    created_at: str
    updated_at: str
    started_at: str | None = None
    ended_at: str | None = None
    parent_id: str | None = None
    tenant: str = "default"
    labels: dict[str, str] = {}
    waits: tuple[str, ...] = ()
    idle: bool = False
    wakes_at: float | None = None


class Commit(msgspec.Struct, gc=False):
    """One decision of one session, to be appended to its log whole or not at all.

    Attributes:
        segment: the events, framed.
        row: the session's row, if this decision created or changed it.
    """

    session_id: str
    segment: Segment
    row: SessionRow | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """A session's state as of `seq`; a shortcut for reading, and all there is of what was trimmed.

    Attributes:
        trim: the seq, below that of the snapshot, up to which the log may go once this is stored; 0 for none of it.
    """

    session_id: str
    seq: int
    data: bytes
    trim: int = 0


class Batch(msgspec.Struct):
    """Commits of one shard under one owner token, applied atomically; at most one per session and position."""

    shard: int
    token: str
    commits: list[Commit]
    snapshots: list[Snapshot] = []


class Stored(msgspec.Struct, frozen=True):
    """All that is needed to bring a session back: its row, its snapshot if any, and the log after it."""

    row: SessionRow
    snapshot: Snapshot | None
    segments: list[Segment]


class Definition(msgspec.Struct, frozen=True):
    """One immutable version of a workflow.

    Attributes:
        version: the digest of the definition, so equal definitions have equal versions.
        body: the canonical JSON of the graph.
        listed: whether people registered it (inline graphs are kept, but not listed).
    """

    workflow_id: str
    version: str
    body: bytes
    created_at: str
    listed: bool = True


class RowQuery(msgspec.Struct, frozen=True):
    """Which sessions to list, newest first.

    Attributes:
        label: `key` or `key:value`.
        cursor: the opaque `next_cursor` of the page before.
        limit: rows on a page, at least 1.
    """

    tenant: str = "default"
    status: str | None = None
    workflow_id: str | None = None
    label: str | None = None
    waiting: bool | None = None
    cursor: str | None = None
    limit: int = 50


class RowPage(msgspec.Struct, frozen=True):
    """A page of rows and the cursor of the next one, None at the end."""

    items: list[SessionRow]
    next_cursor: str | None


class Hazard(msgspec.Struct, frozen=True):
    """A setting of a store, or of what it stands on, that somebody should know of.

    Attributes:
        setting: what it is, in the store's own words.
        found: its value.
        risk: what may happen, and when; a sentence.
        advice: what to do; a sentence.
        unsafe: acknowledged data may be lost; else the store may only refuse work, or is open to others.
    """

    setting: str
    found: str
    risk: str
    advice: str
    unsafe: bool = True

    def __str__(self) -> str:
        return f"{self.setting} is {self.found}: {self.risk} {self.advice}"


class Store(Protocol):
    """Durable logs, rows, snapshots and definitions of sessions.

    Commits are made by one thread at a time (the loop's or the writer's); everything else may be
    called from several threads at once, and concurrently with `commit`. Every method may raise
    StoreUnavailable; a method that raises has done nothing, except `commit` (see there).

    Attributes:
        shards: how many shards the store has, fixed when it was created.
    """

    shards: int

    def claim(self, shard: int, nonce: str) -> str:
        """Take ownership of `shard`; return the new owner token `epoch:nonce`, epoch one above the last."""
        ...

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        """Apply each batch atomically under its token; return None for each that is now stored.

        Idempotent by position: a commit that is already in the log, whole, at its place, counts as
        applied. So after StoreUnavailable, which may hide a write that did arrive, the caller sends the
        same batch again. A commit that would leave a gap or overlap is a PositionConflict and its
        batch changes nothing. Errors per batch: Fenced, PositionConflict, StoreFull, StoreUnavailable.

        Whole segments up to a snapshot's `trim` are removed with it, perhaps not all of them at once: then the
        next snapshot's removes more. The last segment of a log always stays.
        """
        ...

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        """Do the same on the event loop, where nothing may wait: for a disk, a network, or who else writes.

        Return None, and do nothing, where that can't be promised now. StoreUnavailable says that it would have
        had to wait after all.
        """
        ...

    def load(self, session_id: str) -> Stored | None:
        """Return a session with its snapshot and the log after that, or None if there is none."""
        ...

    def read(self, session_id: str, after: int, limit: int) -> list[Segment]:
        """Return segments in order whose last_seq > `after`, at least one if any, then up to `limit` bytes.

        Raises:
            LogTrimmed: what follows `after` isn't there any more; a snapshot covers it.
            CorruptLog: it isn't there, and no snapshot does.
        """
        ...

    def unfinished(self, shard: int) -> list[str]:
        """Return ids of the shard's sessions that run and aren't idle, newest first."""
        ...

    def due(self, shard: int, until: float) -> list[str]:
        """Return ids of idle sessions of the shard whose timer is due by `until` (epoch seconds), earliest first."""
        ...

    def expired(self, shard: int, before: str, limit: int) -> list[str]:
        """Return ids of the shard's sessions that ended before a time (RFC 3339), the earliest first."""
        ...

    def row(self, session_id: str) -> SessionRow | None:
        """Return one session's row."""
        ...

    def rows(self, query: RowQuery) -> RowPage:
        """Return a page of rows, newest first by (created_at, session_id).

        Raises:
            ValueError: the cursor is none of ours.
        """
        ...

    def counts(self, tenant: str) -> dict[str, int]:
        """Return how many sessions of a tenant have each status; one that none has may be left out."""
        ...

    def delete(self, session_id: str, *, token: str | None = None, with_definition: bool = True) -> bool:
        """Remove a session's row, log and snapshot; False if there was none.

        Its definition goes too, if it isn't listed and no other session has it, unless `with_definition` is False.
        The caller sees to it that nobody creates a session with that definition meanwhile.

        Raises:
            Fenced: there is a `token`, and it isn't that of the shard's owner; nothing is removed.
        """
        ...

    def put_definition(self, definition: Definition) -> None:
        """Keep a definition; a no-op if that version is there (but `listed` may turn from False to True)."""
        ...

    def definition(self, workflow_id: str, version: str | None) -> Definition | None:
        """Return one version, or the newest listed one if `version` is None."""
        ...

    def definitions(self) -> list[Definition]:
        """Return the newest listed version of each workflow, by id."""
        ...

    def unlist_definition(self, workflow_id: str) -> bool:
        """Take all versions of a workflow off the list; sessions keep theirs. False if none was listed."""
        ...

    def hazards(self) -> list[Hazard]:
        """Return what about the store, as it is set up now, risks acknowledged data or is close to a limit."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...


class Clock(Protocol):
    """Wall-clock time; timers use the event loop's own clock."""

    def now(self) -> float:
        """Return seconds since the Unix epoch, in UTC."""
        ...


class Ids(Protocol):
    """Fresh identifiers."""

    def new(self) -> str:
        """Return an id that nobody has."""
        ...


class Ticket(Protocol):
    """Whoever waits for a commit."""

    def settled(self, error: StoreError | None) -> None:
        """Called on the loop, in the order of submission: the commit is stored, or never will be."""
        ...


class Committer(Protocol):
    """The persistence actor, as sessions see it."""

    @property
    def trouble(self) -> Unavailable | StoreError | None:
        """Why commits don't get through now, or never will again; None while they do."""
        ...

    @property
    def fenced(self) -> Set[int]:
        """Shards that another owner has taken: nothing of them is written here any more."""
        ...

    @property
    def meters(self) -> WriterMeters:
        """What was committed, and how long it took."""
        ...

    def submit(self, shard: int, commit: Commit, ticket: Ticket) -> None:
        """Queue a commit of a session of `shard`; the ticket is settled when it is stored."""
        ...

    def keep(self, shard: int, snapshot: Snapshot) -> None:
        """Queue a snapshot; nobody waits for it, and losing it loses nothing."""
        ...

    async def drain(self) -> None:
        """Return when everything queued is stored, or can't be; take nothing more."""
        ...


class WriterHost:
    """What a persistence actor is started with.

    Attributes:
        dispatcher: where it runs.
        tokens: the owner token of each shard.
    """

    __slots__ = ("dispatcher", "tokens")

    def __init__(self, dispatcher: LoopDispatcher, tokens: dict[int, str]) -> None:
        self.dispatcher = dispatcher
        self.tokens = tokens
