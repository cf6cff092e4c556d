"""The SQLite file: its URL, opening, recognising and creating it, and what its errors mean."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Final, NamedTuple
from urllib.parse import unquote

from ..actors.core.errors import CorruptLog, StoreError, StoreFull, StoreUnavailable, Unavailable
from .codec import VERSION, check_version
from .locator import parse, positive, refuse
from .sqlite_migrations import steps

PAGE_SIZE: Final = 4096
"""Bytes per page of a new file."""

_APPLICATION_ID: Final = 0x5E5510D1
"""Marks a file as ours (PRAGMA application_id)."""

_IDLE_READERS: Final = 8
_WRITER_CACHE: Final = 8 << 20
"""Bytes of pages that the writer may hold: the ends of its indexes."""
_READER_CACHE: Final = 1 << 20
"""Bytes of pages that a reader may hold: it passes through a log once, and the system has the file in memory anyway."""
_SYNCHRONOUS: Final = ("normal", "full")


class Location(NamedTuple):
    """What a store URL says: the file, `normal` or `full`, and the size above which it must not grow, in bytes."""

    path: str
    synchronous: str
    max_bytes: int


def locate(url: str) -> Location:
    """Return what `sqlite:///relative.db` or `sqlite:////absolute.db` and its options say.

    Raises:
        InvalidInput: the URL has a fault.
    """
    parts, options = parse(url, ("synchronous", "max_bytes"))
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not path:
        refuse("path", "write sqlite:///relative.db or sqlite:////absolute.db")
    synchronous = options.get("synchronous", "normal")
    if synchronous not in _SYNCHRONOUS:
        refuse("synchronous", f"must be normal or full, not {synchronous!r}")
    return Location(path, synchronous, positive(options, "max_bytes", 1 << 44))


def explain(error: sqlite3.Error, path: str) -> StoreError | Unavailable:
    """Return what an SQLite error means to the engine: try again, make room, or stop."""
    name = getattr(error, "sqlite_errorname", "")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    said = f"{path}: {error}" + (f" ({name})" if name else "")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailable(said)
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(said)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return CorruptLog(said)
    return StoreError(said)


def connect(path: str, synchronous: str, busy_seconds: float, cache_bytes: int = _WRITER_CACHE) -> sqlite3.Connection:
    """Return a connection without implicit transactions, usable from any thread but by one at a time.

    Args:
        path: the database file.
        synchronous: `normal` or `full` (PRAGMA synchronous).
        busy_seconds: how long a statement waits for another writer.
        cache_bytes: of pages that it may hold in memory.
    """
    connection = sqlite3.connect(
        path, timeout=busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=128
    )
    connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute(f"PRAGMA cache_size=-{cache_bytes >> 10}")
    return connection


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """Create the tables in a new file, or recognise a file of ours.

    Raises:
        StoreError: the file belongs to another application.
        FutureVersion: a newer sessiond wrote it.
    """
    version = _version(connection, path)
    if version is not None:
        if version < VERSION:
            _migrate(connection, path)
        return
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise StoreError(f"{path}: this file system can't hold a write-ahead log")
    schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection, path) is None:  # another process may have been quicker
            for statement in _statements(schema):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise


def rollback(connection: sqlite3.Connection) -> None:
    """End the transaction, if SQLite has not done so itself after an error."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


class Readers:
    """Connections for reading, as many as there are readers at the same time.

    A reader sees one state of the file from beginning to end, and neither waits for the writer nor
    makes it wait (https://sqlite.org/wal.html#concurrency).
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in a read transaction.

        Raises:
            StoreUnavailable, CorruptLog, StoreError: see `explain`.
        """
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._open()
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise explain(error, self._path) from error
        if self._closed or len(self._idle) >= _IDLE_READERS:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections; the others are closed when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        connection = connect(self._path, "normal", busy_seconds=1.0, cache_bytes=_READER_CACHE)
        connection.execute("PRAGMA query_only=1")
        return connection


def _migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the tables of a file to the present version, whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in steps(_version(connection, path) or VERSION, VERSION):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise


def _version(connection: sqlite3.Connection, path: str) -> int | None:
    """Return the version of our tables in the file, None if the file is empty."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == _APPLICATION_ID:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        check_version(version, path)
        return version
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application or tables:
        raise StoreError(f"{path}: this is a database of another application")
    return None


def _statements(script: str) -> Iterator[str]:
    """Yield the statements one by one: `executescript` would commit the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
