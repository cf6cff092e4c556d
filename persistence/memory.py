"""A store in this process's memory: the same semantics as the durable ones, for tests and for trying out."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from ..actors.core.errors import Fenced, StoreError, Unavailable
from ..actors.core.ports import Batch, Definition, Hazard, RowPage, RowQuery, SessionRow, Snapshot, Store, Stored
from ..actors.core.segment import Segment
from ..actors.core.sharding import shard_of
from .codec import encode_row
from .durability import memory_hazards
from .listing import decode_cursor, definition_of, matches, page
from .locator import parse, positive
from .positions import check_read, check_shape, unwritten


def open_store(url: str) -> Store:
    """Return a new, empty store for `memory://` or `memory://?shards=N`.

    Raises:
        InvalidInput: the URL has a fault.
    """
    _, options = parse(url, ("shards",))
    return MemoryStore(positive(options, "shards", 1))


class MemoryStore:
    """A store that is lost with its process; safe to use from any thread.

    Attributes:
        shards: see Store.
    """

    def __init__(self, shards: int = 1) -> None:
        self.shards = shards
        self._lock = threading.Lock()
        self._owners: dict[int, str] = {}
        self._rows: dict[str, SessionRow] = {}
        self._logs: dict[str, list[Segment]] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._definitions: dict[tuple[str, str], Definition] = {}
        self._listed: dict[str, list[str]] = {}
        self._users: Counter[tuple[str, str]] = Counter()

    def claim(self, shard: int, nonce: str) -> str:
        """Take ownership of a shard; see Store."""
        if not 0 <= shard < self.shards:
            raise ValueError(f"there is no shard {shard} of {self.shards}")
        with self._lock:
            epoch = int(self._owners.get(shard, "0:").partition(":")[0]) + 1
            token = self._owners[shard] = f"{epoch}:{nonce}"
            return token

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        """Apply each batch; see Store."""
        return [self._commit(batch) for batch in batches]

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        """Do the same, always; see Store."""
        return self.commit(batches)

    def load(self, session_id: str) -> Stored | None:
        """Return a session; see Store."""
        with self._lock:
            row = self._rows.get(session_id)
            if row is None:
                return None
            snapshot = self._snapshots.get(session_id)
            return Stored(row, snapshot, self._after(session_id, snapshot.seq if snapshot else 0))

    def read(self, session_id: str, after: int, limit: int) -> list[Segment]:
        """Return a part of a log; see Store."""
        with self._lock:
            segments = self._after(session_id, after)
            snapshot = self._snapshots.get(session_id)
        size = 0
        for count, segment in enumerate(segments):
            size += len(segment.data)
            if size > limit:
                segments = segments[: max(count, 1)]
                break
        check_read(session_id, after, segments, lambda: snapshot.seq if snapshot else 0)
        return segments

    def unfinished(self, shard: int) -> list[str]:
        """Return running sessions; see Store."""
        with self._lock:
            running = [
                (row.created_at, row.session_id)
                for row in self._rows.values()
                if row.status == "running" and not row.idle and shard_of(row.session_id, self.shards) == shard
            ]
        return [session_id for _, session_id in sorted(running, reverse=True)]

    def due(self, shard: int, until: float) -> list[str]:
        """Return idle sessions whose timer is due; see Store."""
        with self._lock:
            found = [
                (row.wakes_at, row.session_id)
                for row in self._rows.values()
                if row.idle
                and row.wakes_at is not None
                and row.wakes_at <= until
                and shard_of(row.session_id, self.shards) == shard
            ]
        return [session_id for _, session_id in sorted(found)]

    def expired(self, shard: int, before: str, limit: int) -> list[str]:
        """Return sessions that ended before a time; see Store."""
        with self._lock:
            found = [
                (row.ended_at, row.session_id)
                for row in self._rows.values()
                if row.ended_at is not None and row.ended_at < before and shard_of(row.session_id, self.shards) == shard
            ]
        return [session_id for _, session_id in sorted(found)[:limit]]

    def row(self, session_id: str) -> SessionRow | None:
        """Return a row; see Store."""
        return self._rows.get(session_id)

    def rows(self, query: RowQuery) -> RowPage:
        """Return a page of rows; see Store."""
        before = decode_cursor(query.cursor) if query.cursor is not None else None
        with self._lock:
            wanted = [
                row
                for row in self._rows.values()
                if matches(row, query) and (before is None or (row.created_at, row.session_id) < before)
            ]
        wanted.sort(key=lambda row: (row.created_at, row.session_id), reverse=True)
        return page(wanted, query.limit)

    def counts(self, tenant: str) -> dict[str, int]:
        """Count sessions by status; see Store."""
        with self._lock:
            return Counter(row.status for row in self._rows.values() if row.tenant == tenant)

    def delete(self, session_id: str, *, token: str | None = None, with_definition: bool = True) -> bool:
        """Remove a session; see Store."""
        shard = shard_of(session_id, self.shards)
        with self._lock:
            if token not in (None, self._owners.get(shard)):
                raise Fenced(shard)
            self._logs.pop(session_id, None)
            self._snapshots.pop(session_id, None)
            row = self._rows.pop(session_id, None)
            if row is None:
                return False
            workflow_id, version = key = definition_of(row)
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                if with_definition and version not in self._listed.get(workflow_id, ()):
                    self._definitions.pop(key, None)
            return True

    def put_definition(self, definition: Definition) -> None:
        """Keep a definition; see Store."""
        with self._lock:
            kept = self._definitions.setdefault((definition.workflow_id, definition.version), definition)
            versions = self._listed.setdefault(definition.workflow_id, [])
            if definition.listed and kept.version not in versions:
                versions.append(kept.version)

    def definition(self, workflow_id: str, version: str | None) -> Definition | None:
        """Return a definition; see Store."""
        with self._lock:
            listed = self._listed.get(workflow_id, [])
            if version is None:
                if not listed:
                    return None
                version = listed[-1]
            kept = self._definitions.get((workflow_id, version))
            if kept is None:
                return None
            return Definition(workflow_id, version, kept.body, kept.created_at, version in listed)

    def definitions(self) -> list[Definition]:
        """Return the newest listed version of each workflow; see Store."""
        newest = (self.definition(workflow_id, None) for workflow_id in sorted(self._listed))
        return [definition for definition in newest if definition is not None]

    def unlist_definition(self, workflow_id: str) -> bool:
        """Take a workflow off the list; see Store."""
        with self._lock:
            return bool(self._listed.pop(workflow_id, []))

    def hazards(self) -> list[Hazard]:
        """Return what risks acknowledged data; see Store."""
        return memory_hazards()

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _commit(self, batch: Batch) -> StoreError | None:
        with self._lock:
            if self._owners.get(batch.shard) != batch.token:
                return Fenced(batch.shard)
            try:
                check_shape(batch, self.shards)
                fresh = unwritten(batch, self._head, self._segment)
                for commit in fresh:
                    if commit.row is not None:
                        encode_row(commit.row)  # what a durable store would refuse is refused here
            except StoreError as error:
                return error
            except ValueError as error:
                return StoreError(f"the batch can't be stored: {error}")
            for commit in fresh:
                self._logs.setdefault(commit.session_id, []).append(commit.segment)
                if commit.row is not None:
                    self._users[definition_of(commit.row)] += commit.session_id not in self._rows
                    self._rows[commit.session_id] = commit.row
            for snapshot in batch.snapshots:
                kept = self._snapshots.get(snapshot.session_id)
                if kept is None or kept.seq < snapshot.seq:
                    self._snapshots[snapshot.session_id] = replace(snapshot, trim=0)
                segments = self._logs[snapshot.session_id]
                del segments[: bisect_right(segments, snapshot.trim, key=lambda segment: segment.last_seq)]
            return None

    def _head(self, session_id: str) -> int:
        segments = self._logs.get(session_id)
        return segments[-1].last_seq if segments else 0

    def _segment(self, session_id: str, last_seq: int) -> Segment | None:
        segments = self._after(session_id, last_seq - 1)
        return segments[0] if segments and segments[0].last_seq == last_seq else None

    def _after(self, session_id: str, seq: int) -> list[Segment]:
        segments = self._logs.get(session_id, [])
        return segments[bisect_right(segments, seq, key=lambda segment: segment.last_seq) :]
