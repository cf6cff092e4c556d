"""The default store: one SQLite file with a write-ahead log.

`sqlite:///relative.db` or `sqlite:////absolute.db`; options: `synchronous=normal` (the default: survives
a crash of the process; a power failure may take the last commits, never a part of one) or `full`
(survives a power failure too), and `max_bytes`, above which the store is full.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from ..actors.core.errors import StoreError, Unavailable
from ..actors.core.ports import Batch, Definition, Hazard, RowPage, RowQuery, SessionRow, Snapshot, Store, Stored
from ..actors.core.segment import Segment
from .checkpoint import Checkpointer
from .codec import decode_definition, decode_row, decode_snapshot, encode_definition
from .durability import file_hazards
from .listing import definition_of, page
from .positions import check_loaded, check_read
from .sqlite_file import Readers, connect, explain, locate, prepare
from .sqlite_rows import SELECT_COUNTS, SELECT_DUE, SELECT_EXPIRED, SELECT_RUNNING, select_rows
from .sqlite_writer import BUSY_SECONDS, SqliteWriter

_CHECKPOINT_BUSY_SECONDS: Final = 0.05


def open_store(url: str) -> Store:
    """Open the SQLite file that `url` names; create it if there is none.

    Raises:
        InvalidInput: the URL has a fault.
        StoreUnavailable: another process holds the file; try again.
        StoreError: the file can't be opened, is damaged, of another application, or of a newer sessiond.
    """
    return SqliteStore(*locate(url))


class SqliteStore:
    """Sessions in one SQLite file.

    Args:
        path: the file.
        synchronous: `normal` or `full`.
        max_bytes: the size above which the file must not grow.

    Attributes:
        shards: see Store.
    """

    def __init__(self, path: str, synchronous: str = "normal", max_bytes: int = 1 << 44) -> None:
        self.shards: int = 1
        self._path = path
        self._synchronous = synchronous
        try:
            connection = connect(path, synchronous, BUSY_SECONDS)
            try:
                prepare(connection, path)
                (page_size,) = connection.execute("PRAGMA page_size").fetchone()
                connection.execute(f"PRAGMA max_page_count={max(max_bytes // page_size, 1)}")
                own = connect(path, synchronous, _CHECKPOINT_BUSY_SECONDS)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise explain(error, path) from error
        self._checkpointer = Checkpointer(own, page_size, lambda error: self._writer.fail(error))
        self._writer = SqliteWriter(connection, path, self._checkpointer)
        self._readers = Readers(path)

    def claim(self, shard: int, nonce: str) -> str:
        """Take ownership of shard 0, the only one; see Store."""
        if shard != 0:
            raise ValueError(f"there is no shard {shard} of 1")
        with self._writer.writing() as connection:
            found = connection.execute("SELECT token FROM owner WHERE shard = ?", (shard,)).fetchone()
            epoch = int(found[0].partition(":")[0]) + 1 if found else 1
            token = f"{epoch}:{nonce}"
            connection.execute("INSERT OR REPLACE INTO owner VALUES (?, ?)", (shard, token))
        return token

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        """Apply each batch in a transaction of its own; see Store."""
        return self._writer.commit(batches)

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        """Do the same, unless each commit waits for the disk, or another thread writes; see Store."""
        return self._writer.commit_at_once(batches) if self._synchronous == "normal" else None

    def load(self, session_id: str) -> Stored | None:
        """Return a session as of one moment; see Store."""
        with self._readers.reading() as connection:
            found = connection.execute(
                "SELECT number, sessions.record, seq, snapshots.record FROM sessions"
                " LEFT JOIN snapshots ON session = number WHERE id = ?",
                (session_id,),
            ).fetchone()
            if found is None:
                return None
            number, record, seq, data = found
            segments = [
                Segment(*row)
                for row in connection.execute(
                    "SELECT first, seq, data FROM log WHERE session = ? AND seq > ? ORDER BY seq",
                    (number, seq or 0),
                )
            ]
        row = decode_row(record)
        check_loaded(row, seq or 0, segments)
        snapshot = None if seq is None else Snapshot(session_id, seq, decode_snapshot(data))
        return Stored(row, snapshot, segments)

    def read(self, session_id: str, after: int, limit: int) -> list[Segment]:
        """Return a part of a log; see Store."""
        segments: list[Segment] = []
        size = 0
        with self._readers.reading() as connection:
            found = connection.execute(
                "SELECT first, seq, data FROM log WHERE session ="
                " (SELECT number FROM sessions WHERE id = ?) AND seq > ? ORDER BY seq",
                (session_id, after),
            )
            for first, last, data in found:
                size += len(data)
                if size > limit and segments:
                    break
                segments.append(Segment(first, last, data))
            found.close()
            check_read(session_id, after, segments, lambda: _snapshot_seq(connection, session_id))
        return segments

    def unfinished(self, shard: int) -> list[str]:
        """Return running sessions; see Store."""
        if shard != 0:
            return []
        with self._readers.reading() as connection:
            found = connection.execute(SELECT_RUNNING)
            return [session_id for (session_id,) in found]

    def due(self, shard: int, until: float) -> list[str]:
        """Return idle sessions whose timer is due; see Store."""
        if shard != 0:
            return []
        with self._readers.reading() as connection:
            found = connection.execute(SELECT_DUE, (until,))
            return [session_id for (session_id,) in found]

    def expired(self, shard: int, before: str, limit: int) -> list[str]:
        """Return sessions that ended before a time; see Store."""
        if shard != 0:
            return []
        with self._readers.reading() as connection:
            found = connection.execute(SELECT_EXPIRED, (before, limit))
            return [session_id for (session_id,) in found]

    def row(self, session_id: str) -> SessionRow | None:
        """Return a row; see Store."""
        with self._readers.reading() as connection:
            found = connection.execute("SELECT record FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return decode_row(found[0]) if found else None

    def rows(self, query: RowQuery) -> RowPage:
        """Return a page of rows; see Store."""
        statement, values = select_rows(query)
        with self._readers.reading() as connection:
            found = connection.execute(statement, values)
            records = [record for (record,) in found]
        return page([decode_row(record) for record in records], query.limit)

    def counts(self, tenant: str) -> dict[str, int]:
        """Count sessions by status; see Store."""
        with self._readers.reading() as connection:
            return dict(connection.execute(SELECT_COUNTS, (tenant,)).fetchall())

    def delete(self, session_id: str, *, token: str | None = None, with_definition: bool = True) -> bool:
        """Remove a session; see Store."""
        with self._writer.writing() as connection:
            if token is not None:
                self._writer.check_owner(0, token)
            self._writer.forget(session_id)
            found = connection.execute("SELECT number, record FROM sessions WHERE id = ?", (session_id,)).fetchone()
            if found is None:
                return False
            number, record = found
            for statement in (
                "DELETE FROM log WHERE session = ?",
                "DELETE FROM snapshots WHERE session = ?",
                "DELETE FROM labels WHERE session = ?",
                "DELETE FROM sessions WHERE number = ?",
            ):
                connection.execute(statement, (number,))
            if with_definition:
                _drop_definition(connection, decode_row(record))
        return True

    def put_definition(self, definition: Definition) -> None:
        """Keep a definition; see Store."""
        with self._writer.writing() as connection:
            connection.execute(
                "INSERT INTO definitions"
                " SELECT ?1, ?2, iif(?3, coalesce(max(listing), 0) + 1, 0), ?4"
                " FROM definitions WHERE workflow_id = ?1 ON CONFLICT (workflow_id, version)"
                " DO UPDATE SET listing = excluded.listing WHERE listing = 0",
                (
                    definition.workflow_id,
                    definition.version,
                    definition.listed,
                    encode_definition(definition),
                ),
            )

    def definition(self, workflow_id: str, version: str | None) -> Definition | None:
        """Return a definition; see Store."""
        with self._readers.reading() as connection:
            found = connection.execute(
                "SELECT record, listing FROM definitions WHERE workflow_id = ?1"
                " AND iif(?2 IS NULL, listing > 0, version = ?2) ORDER BY listing DESC LIMIT 1",
                (workflow_id, version),
            ).fetchone()
        return _definition(*found) if found else None

    def definitions(self) -> list[Definition]:
        """Return the newest listed version of each workflow; see Store."""
        with self._readers.reading() as connection:
            found = connection.execute(
                "SELECT record, max(listing) FROM definitions WHERE listing > 0"
                " GROUP BY workflow_id ORDER BY workflow_id"
            ).fetchall()
        return [_definition(*row) for row in found]

    def unlist_definition(self, workflow_id: str) -> bool:
        """Take a workflow off the list; see Store."""
        with self._writer.writing() as connection:
            changed = connection.execute(
                "UPDATE definitions SET listing = 0 WHERE workflow_id = ? AND listing > 0", (workflow_id,)
            ).rowcount
        return changed > 0

    def hazards(self) -> list[Hazard]:
        """Return what risks acknowledged data; see Store."""
        return file_hazards(self._path, self._synchronous)

    def close(self) -> None:
        """Close all connections, after a last checkpoint; see Store."""
        self._readers.close()
        self._checkpointer.close()
        self._writer.close()


def _drop_definition(connection: sqlite3.Connection, row: SessionRow) -> None:
    """Remove a definition that isn't listed and that no session has."""
    connection.execute(
        "DELETE FROM definitions WHERE workflow_id = ? AND version = ? AND listing = 0 AND NOT EXISTS"
        " (SELECT 1 FROM sessions WHERE tenant = ? AND workflow_id = ? AND version = ?)",
        (*definition_of(row), row.tenant, row.workflow_id, row.workflow_version),
    )


def _snapshot_seq(connection: sqlite3.Connection, session_id: str) -> int:
    found = connection.execute(
        "SELECT seq FROM snapshots WHERE session = (SELECT number FROM sessions WHERE id = ?)", (session_id,)
    ).fetchone()
    return found[0] if found else 0


def _definition(record: bytes, listing: int) -> Definition:
    kept = decode_definition(record)
    return Definition(kept.workflow_id, kept.version, kept.body, kept.created_at, listing > 0)
