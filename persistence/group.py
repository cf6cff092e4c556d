"""A group of commits on its way to the store, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence

from ..actors.core.errors import PositionConflict, StoreError, Unavailable
from ..actors.core.ports import Batch, Commit, Snapshot, Store, Ticket


class Append:
    """A commit and whoever waits for it."""

    __slots__ = ("commit", "shard", "ticket")

    def __init__(self, shard: int, commit: Commit, ticket: Ticket) -> None:
        self.shard = shard
        self.commit = commit
        self.ticket = ticket


class Keep:
    """A snapshot that may go with some later group."""

    __slots__ = ("shard", "snapshot")

    def __init__(self, shard: int, snapshot: Snapshot) -> None:
        self.shard = shard
        self.snapshot = snapshot


class Group:
    """Commits that go to the store together, a batch for each shard.

    Attributes:
        appends: what was submitted, in order.
        began: when it was sent off, by `time.perf_counter`.
        done: whether every batch has its final outcome.
        small: whether it may be committed on the loop.
    """

    __slots__ = ("_failed", "_refused", "_todo", "appends", "began", "done", "small")

    def __init__(
        self, appends: Sequence[Append], keeps: Sequence[Keep], tokens: dict[int, str], inline_bytes: int
    ) -> None:
        self.appends = appends
        self.began = 0.0
        self.done = False
        self.small = not keeps and sum([len(a.commit.segment.data) for a in appends]) <= inline_bytes
        self._failed: dict[int, StoreError] = {}
        self._refused: dict[str, StoreError] = {}
        batches: dict[int, Batch] = {}
        for append in appends:
            batch = batches.get(append.shard)
            if batch is None:
                batch = batches[append.shard] = Batch(append.shard, tokens[append.shard], [], [])
            batch.commits.append(append.commit)
        for keep in keeps:
            batch = batches.setdefault(keep.shard, Batch(keep.shard, tokens[keep.shard], [], []))
            batch.snapshots.append(keep.snapshot)
        self._todo = list(batches.values())

    def attempt(self, store: Store) -> Unavailable | None:
        """Commit what isn't committed yet; return why some of it has to be tried again."""
        while True:
            trouble = self._take(store.commit(self._todo))
            if self.done or trouble is not None:
                return trouble

    def attempt_at_once(self, store: Store) -> None:
        """Commit on the event loop what can be without waiting; it may leave some, or all, for `attempt`."""
        outcomes = store.commit_at_once(self._todo)
        if outcomes is not None:
            self._take(outcomes)

    def _take(self, outcomes: Sequence[StoreError | Unavailable | None]) -> Unavailable | None:
        """Note what became of what was left; return why some of it has to be tried again."""
        again: list[Batch] = []
        trouble: Unavailable | None = None
        for batch, outcome in zip(self._todo, outcomes, strict=True):
            if isinstance(outcome, PositionConflict) and (parts := _split(batch)):
                again += parts  # nothing of the batch was applied: one session's fault is no other's
            elif isinstance(outcome, PositionConflict) and batch.commits:
                self._refused[batch.commits[0].session_id] = outcome
            elif isinstance(outcome, StoreError):
                self._failed[batch.shard] = outcome
            elif isinstance(outcome, Unavailable):
                again.append(batch)
                trouble = outcome
        self._todo = again
        self.done = not again
        return trouble

    def give_up(self, error: StoreError) -> None:
        """Settle what is left with `error`."""
        self._failed.update({batch.shard: error for batch in self._todo})
        self._todo = []
        self.done = True

    def error_of(self, append: Append) -> StoreError | None:
        """Return what became of one commit: None if it is stored."""
        return self._refused.get(append.commit.session_id) or self._failed.get(append.shard)

    @property
    def errors(self) -> list[StoreError]:
        """What went wrong, each once."""
        return [*self._failed.values(), *self._refused.values()]


def _split(batch: Batch) -> list[Batch]:
    """The batch, session by session and without snapshots; nothing if it is a single session's already."""
    sessions: dict[str, list[Commit]] = {}
    for commit in batch.commits:
        sessions.setdefault(commit.session_id, []).append(commit)
    if len(sessions) < 2 and not (sessions and batch.snapshots):
        return []
    return [Batch(batch.shard, batch.token, commits, []) for commits in sessions.values()]
