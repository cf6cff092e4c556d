"""Checkpoints: the log stays bounded under steady writing, and an error is reported once."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.persistence.checkpoint import Checkpointer
from sessiond.persistence.sqlite_file import PAGE_SIZE, connect

LIMIT = 1 << 20


class Observed:
    """A connection that tells when a checkpoint has run, and fails when it is told to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.modes: queue.Queue[str] = queue.Queue()

    def execute(self, statement: str) -> sqlite3.Cursor:
        found = self.connection.execute(statement)
        self.modes.put(statement.partition("(")[2].rstrip(")"))
        return found

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(str(path), "normal", 1.0)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE t (x BLOB)")
        yield writer


def start(path: Path, errors: list[sqlite3.Error]) -> tuple[Checkpointer, Observed]:
    observed = Observed(connect(str(path), "normal", 0.05))
    checkpointer = Checkpointer(
        observed,  # type: ignore[arg-type]
        PAGE_SIZE,
        errors.append,
        every=LIMIT // 4,
        restart_above=LIMIT,
    )
    return checkpointer, observed


def test_the_log_stays_small_under_steady_writing(path: Path, writer: sqlite3.Connection) -> None:
    errors: list[sqlite3.Error] = []
    checkpointer, observed = start(path, errors)
    wal = path.with_name("some.db-wal")
    modes: list[str] = []
    for _ in range(40):
        writer.execute("INSERT INTO t VALUES (zeroblob(?))", (LIMIT // 4,))
        checkpointer.wrote(LIMIT // 4)
        modes.append(observed.modes.get(timeout=10))
    checkpointer.close()
    assert errors == []
    assert modes[0] == "PASSIVE"
    assert list(observed.modes.queue)[-1] == "TRUNCATE"
    assert wal.stat().st_size == 0
    assert writer.execute("SELECT count(*) FROM t").fetchone() == (40,)


def test_a_reader_holds_up_neither_the_thread_nor_the_writer(path: Path, writer: sqlite3.Connection) -> None:
    errors: list[sqlite3.Error] = []
    checkpointer, observed = start(path, errors)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
        for _ in range(8):
            writer.execute("INSERT INTO t VALUES (zeroblob(?))", (LIMIT // 2,))
            checkpointer.wrote(LIMIT // 2)
            assert observed.modes.get(timeout=10) in ("PASSIVE", "RESTART")
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    checkpointer.close()
    assert errors == []


def test_a_log_that_grew_large_is_begun_anew(path: Path, writer: sqlite3.Connection) -> None:
    checkpointer, observed = start(path, [])
    wal = path.with_name("some.db-wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t").fetchone()
        writer.execute("INSERT INTO t VALUES (zeroblob(?))", (2 * LIMIT,))
    checkpointer.wrote(LIMIT)
    assert [observed.modes.get(timeout=10) for _ in range(2)] == ["PASSIVE", "RESTART"]
    before = wal.stat().st_size
    for _ in range(3):
        writer.execute("INSERT INTO t VALUES (zeroblob(?))", (LIMIT // 2,))
    assert wal.stat().st_size == before > 2 * LIMIT
    checkpointer.close()


def test_nothing_is_done_before_it_is_due(path: Path, writer: sqlite3.Connection) -> None:
    checkpointer, observed = start(path, [])
    checkpointer.wrote(LIMIT // 4 - 1)
    checkpointer.close()
    assert list(observed.modes.queue) == ["TRUNCATE"]


def test_an_error_ends_the_thread_and_is_reported(path: Path, writer: sqlite3.Connection) -> None:
    errors: list[sqlite3.Error] = []
    checkpointer, observed = start(path, errors)
    observed.connection.close()
    checkpointer.wrote(LIMIT)
    checkpointer.close()
    assert [type(error) for error in errors] == [sqlite3.ProgrammingError]
