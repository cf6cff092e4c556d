"""Rows, segments and an owner for tests of stores."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sessiond.actors.core.errors import StoreError, Unavailable
from sessiond.actors.core.ports import Batch, Commit, SessionRow, Snapshot, Store
from sessiond.actors.core.segment import Segment, frame
from sessiond.actors.core.sharding import shard_of
from sessiond.persistence import memory, redis, sqlite

OpenStore = Callable[[str], Store]
"""Opens a store by its URL."""
OPENERS: dict[str, OpenStore] = {
    "memory": memory.open_store,
    "redis": redis.open_store,
    "sqlite": sqlite.open_store,
}


def moment(number: int) -> str:
    """Return the RFC 3339 time `number` microseconds after a fixed one."""
    return f"2025-01-01T00:{number // 60_000_000:02}:{number // 1_000_000 % 60:02}.{number % 1_000_000:06}Z"


def row(
    session_id: str,
    status: str = "running",
    *,
    seq: int = 1,
    at: int = 0,
    workflow_id: str = "council",
    tenant: str = "default",
    labels: dict[str, str] | None = None,
    waits: tuple[str, ...] = (),
) -> SessionRow:
    return SessionRow(
        session_id,
        status,
        workflow_id,
        "v1",
        seq,
        moment(at),
        moment(at + seq),
        tenant=tenant,
        labels=labels or {},
        waits=waits,
    )


def segment(first: int, last: int | None = None, text: str = "") -> Segment:
    """Return real frames for the events `first` … `last`."""
    last = first if last is None else last
    frames = (frame(f'{{"seq":{seq},"data":"{text}"}}'.encode()) for seq in range(first, last + 1))
    return Segment(first, last, b"".join(frames))


class Owner:
    """Claims the shards it writes to, and commits to them."""

    def __init__(self, store: Store, nonce: str = "n") -> None:
        self.store = store
        self.nonce = nonce
        self.tokens: dict[int, str] = {}

    def token(self, shard: int) -> str:
        if shard not in self.tokens:
            self.tokens[shard] = self.store.claim(shard, self.nonce)
        return self.tokens[shard]

    def batch(self, commits: Iterable[Commit], snapshots: Iterable[Snapshot] = ()) -> Batch:
        """Return a batch of sessions that are all of one shard."""
        commits, snapshots = list(commits), list(snapshots)
        name = (commits or snapshots)[0].session_id
        shard = shard_of(name, self.store.shards)
        return Batch(shard, self.token(shard), commits, snapshots)

    def try_commit(self, *commits: Commit) -> StoreError | Unavailable | None:
        (answer,) = self.store.commit([self.batch(commits)])
        return answer

    def commit(self, *commits: Commit) -> None:
        answer = self.try_commit(*commits)
        assert answer is None, answer

    def snapshot(self, session_id: str, seq: int, data: bytes, trim: int = 0) -> StoreError | Unavailable | None:
        (answer,) = self.store.commit([self.batch([], [Snapshot(session_id, seq, data, trim)])])
        return answer

    def create(self, session: SessionRow, *more: Segment) -> None:
        """Commit a session's first event with its row, then `more` of its log."""
        name = session.session_id
        self.commit(Commit(name, segment(1), session), *(Commit(name, part) for part in more))
