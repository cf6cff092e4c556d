"""The one connection that writes to the SQLite file, and the hot path: appending batches to the log.

The common batch, segments of known sessions, is a single statement that checks the owner token and
appends every row: no transaction to open, no row of a session to touch. Heads of logs are remembered
per owner token, since nobody else can append while that token stands; the unique index on the
position is the second line of defence.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Final, NamedTuple

from ..actors.core.errors import Fenced, StoreBroken, StoreError, Unavailable
from ..actors.core.ports import Batch, Commit, SessionRow, Snapshot
from ..actors.core.segment import Segment
from .checkpoint import Checkpointer
from .codec import encode_row, encode_snapshot
from .listing import label_terms
from .positions import check_shape, unwritten
from .sqlite_file import PAGE_SIZE, explain, rollback

BUSY_SECONDS: Final = 1.0
"""How long a write waits for another process that writes, off the event loop."""
_TERMINAL: Final = frozenset(("completed", "failed", "cancelled"))
_CHUNK: Final = 64
_PAGES_PER_BATCH: Final = 3
MOST_TRIMMED: Final = 16_384
"""Segments that one snapshot removes at most: others wait for the transaction."""
_TRIM: Final = "DELETE FROM log WHERE id IN (SELECT id FROM log WHERE session = ? AND seq <= ? ORDER BY seq LIMIT ?)"


class _Known(NamedTuple):
    """What the owner remembers of a session: its number and the last seq of its log."""

    number: int
    head: int


class SqliteWriter:
    """Writes to the file, one caller at a time.

    Args:
        connection: for the writer alone, with a busy timeout of BUSY_SECONDS.
        path: names the file in errors.
        checkpointer: counts what is written.
        remembered: of how many sessions the end is remembered.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        checkpointer: Checkpointer,
        *,
        remembered: int = 200_000,
    ) -> None:
        self._connection = connection
        self._path = path
        self._checkpointer = checkpointer
        self._remembered = remembered
        self._lock = threading.Lock()
        self._patient = True
        self._broken: StoreError | None = None
        self._token = ""
        self._known: dict[str, _Known] = {}
        self._next_id = self._next_number = 0

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        """Apply each batch in a transaction of its own; return why it was not applied, or None; see Store.commit."""
        with self._lock:
            self._wait_for_others(True)
            return [self._commit(batch) for batch in batches]

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        """Do the same without waiting for other processes; None if another thread writes; see Store.commit_at_once."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            self._wait_for_others(False)
            return [self._commit(batch) for batch in batches]
        finally:
            self._lock.release()

    def _wait_for_others(self, patient: bool) -> None:
        if patient != self._patient and self._broken is None:
            self._connection.execute(f"PRAGMA busy_timeout={1000 * BUSY_SECONDS if patient else 0:.0f}")
            self._patient = patient

    def _commit(self, batch: Batch) -> StoreError | Unavailable | None:
        if self._broken is not None:
            return self._broken
        try:
            self._apply(batch)
        except (sqlite3.Error, StoreError) as error:
            return self._failed(error)
        except ValueError as error:  # a string that is no UTF-8, for one
            return self._failed(StoreError(f"the batch can't be stored: {error}"))
        except BaseException:
            self._failed(StoreError("interrupted"))
            raise
        self._checkpointer.wrote(
            sum([len(commit.segment.data) for commit in batch.commits]) + _PAGES_PER_BATCH * PAGE_SIZE
        )
        return None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection in a transaction that ends with the block.

        Raises:
            StoreUnavailable, StoreFull, StoreError: nothing was written.
        """
        with self._lock:
            if self._broken is not None:
                raise self._broken
            try:
                self._wait_for_others(True)
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._failed(error) from error
            except BaseException:
                rollback(self._connection)
                raise
        self._checkpointer.wrote(_PAGES_PER_BATCH * PAGE_SIZE)

    def forget(self, session_id: str) -> None:
        """Remember nothing about a session any more; called within `writing`."""
        self._known.pop(session_id, None)

    def fail(self, error: sqlite3.Error) -> None:
        """Refuse all further writes: after a failed sync nobody knows what is on the disk."""
        self._broken = StoreBroken(str(explain(error, self._path)))

    def close(self) -> None:
        """Close the connection; later writes are refused."""
        with self._lock:
            self._broken = StoreError(f"{self._path}: the store is closed")
            self._connection.close()

    def _apply(self, batch: Batch) -> None:
        if batch.token != self._token:
            self._adopt(batch.token)
        try:
            check_shape(batch, 1)
            fresh = unwritten(batch, self._head, self._segment)
        except StoreError:
            self.check_owner(batch.shard, batch.token)
            raise
        known = self._advance(fresh)
        rows = {commit.session_id: commit.row for commit in fresh if commit.row is not None}
        if rows or batch.snapshots or len(fresh) > _CHUNK or not fresh:
            self._connection.execute("BEGIN IMMEDIATE")
            self.check_owner(batch.shard, batch.token)
            for at in range(0, len(fresh), _CHUNK):
                self._append(batch, fresh[at : at + _CHUNK], at, known)
            self._put_rows(rows, known)
            self._put_snapshots(batch.snapshots, known)
            self._connection.execute("COMMIT")
        else:
            self._append(batch, fresh, 0, known)
        self._remember(fresh, known, rows)

    def _adopt(self, token: str) -> None:
        """Forget what was known under another token, and find the ends of the tables."""
        self._token = ""
        self._known.clear()
        (last_id,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()
        (last,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM sessions").fetchone()
        self._next_id, self._next_number = last_id + 1, last + 1
        self._token = token

    def check_owner(self, shard: int, token: str) -> None:
        """Check, within a transaction, that a token is its shard's owner's.

        Raises:
            Fenced: it isn't.
        """
        found = self._connection.execute("SELECT token FROM owner WHERE shard = ?", (shard,)).fetchone()
        if found is None or found[0] != token:
            raise Fenced(shard)

    def _head(self, session_id: str) -> int:
        known = self._known.get(session_id)
        if known is None:
            found = self._connection.execute(
                "SELECT number, (SELECT coalesce(max(seq), 0) FROM log WHERE session = number)"
                " FROM sessions WHERE id = ?",
                (session_id,),
            ).fetchone()
            if found is None:
                return 0
            known = self._known[session_id] = _Known(*found)
        return known.head

    def _segment(self, session_id: str, last_seq: int) -> Segment | None:
        known = self._known.get(session_id)
        if known is None:
            return None
        found = self._connection.execute(
            "SELECT first, seq, data FROM log WHERE session = ? AND seq = ?", (known.number, last_seq)
        ).fetchone()
        return Segment(*found) if found else None

    def _advance(self, fresh: list[Commit]) -> dict[str, _Known]:
        """Return what will be known of the batch's sessions once it is written; number the new ones."""
        number = self._next_number
        known: dict[str, _Known] = {}
        for commit in fresh:
            name = commit.session_id
            now = known.get(name) or self._known.get(name)
            if now is None:
                now = _Known(number, 0)
                number += 1
            known[name] = _Known(now.number, commit.segment.last_seq)
        return known

    def _append(self, batch: Batch, commits: list[Commit], offset: int, known: dict[str, _Known]) -> None:
        values: list[object] = []
        row_id = self._next_id + offset
        for commit in commits:
            segment = commit.segment
            number = known[commit.session_id].number
            values += (row_id, number, segment.last_seq, segment.first_seq, segment.data)
            row_id += 1
        values += (batch.shard, batch.token)
        if self._connection.execute(_append_statement(len(commits)), values).rowcount != len(commits):
            raise Fenced(batch.shard)

    def _put_rows(self, rows: dict[str, SessionRow], known: dict[str, _Known]) -> None:
        if not rows:
            return
        self._connection.executemany(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
            " status = excluded.status, waiting = excluded.waiting, record = excluded.record,"
            " idle = excluded.idle, wakes_at = excluded.wakes_at, ended_at = excluded.ended_at",
            [
                (
                    known[name].number,
                    name,
                    row.tenant,
                    row.status,
                    row.workflow_id,
                    row.created_at,
                    bool(row.waits),
                    encode_row(row),
                    row.idle,
                    row.wakes_at,
                    row.ended_at,
                    row.workflow_version,
                )
                for name, row in rows.items()
            ],
        )
        for name, row in rows.items():
            self._put_labels(known[name].number, row)

    def _put_labels(self, number: int, row: SessionRow) -> None:
        wanted = label_terms(row.labels)
        found = self._connection.execute("SELECT term FROM labels WHERE session = ?", (number,))
        present = {term for (term,) in found}
        for term in present.difference(wanted):
            self._connection.execute("DELETE FROM labels WHERE session = ? AND term = ?", (number, term))
        for term in wanted:
            if term not in present:
                self._connection.execute(
                    "INSERT INTO labels VALUES (?, ?, ?, ?, ?)",
                    (row.tenant, term, row.created_at, row.session_id, number),
                )

    def _put_snapshots(self, snapshots: Sequence[Snapshot], known: dict[str, _Known]) -> None:
        for snapshot in snapshots:
            name = snapshot.session_id
            number = (known.get(name) or self._known[name]).number
            self._connection.execute(
                "INSERT INTO snapshots VALUES (?, ?, ?) ON CONFLICT (session) DO UPDATE SET"
                " seq = excluded.seq, record = excluded.record WHERE excluded.seq > seq",
                (number, snapshot.seq, encode_snapshot(snapshot.data)),
            )
            if snapshot.trim:
                self._connection.execute(_TRIM, (number, snapshot.trim, MOST_TRIMMED))

    def _remember(self, fresh: list[Commit], known: dict[str, _Known], rows: dict[str, SessionRow]) -> None:
        self._next_id += len(fresh)
        for now in known.values():
            if now.number >= self._next_number:
                self._next_number = now.number + 1
        self._known.update(known)
        for name, row in rows.items():
            if row.status in _TERMINAL:
                self._known.pop(name, None)
        while len(self._known) > self._remembered:
            self._known.pop(next(iter(self._known)))

    def _failed(self, error: sqlite3.Error | StoreError) -> StoreError | Unavailable:
        """Roll back, distrust what is remembered, and return the error to answer with."""
        self._token = ""
        try:
            rollback(self._connection)
        except sqlite3.Error as second:
            self.fail(second)
        if isinstance(error, StoreError):
            return error
        meaning = explain(error, self._path)
        if isinstance(meaning, StoreError):
            self._broken = meaning = StoreBroken(str(meaning))
        return meaning


@cache
def _append_statement(count: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?, ?)"] * count)
    return (
        f"INSERT INTO log (id, session, seq, first, data) SELECT * FROM (VALUES {rows})"
        " WHERE (SELECT token FROM owner WHERE shard = ?) = ?"
    )
