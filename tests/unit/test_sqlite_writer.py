"""The writer: what it remembers, and that it stops for good after an I/O error."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from support.stores import row, segment

from sessiond.actors.core.errors import PositionConflict, StoreBroken, StoreError, StoreUnavailable
from sessiond.actors.core.ports import Batch, Commit, Snapshot
from sessiond.persistence.checkpoint import Checkpointer
from sessiond.persistence.sqlite_file import connect, prepare
from sessiond.persistence.sqlite_writer import BUSY_SECONDS, MOST_TRIMMED, SqliteWriter

NewWriter = Callable[[int], SqliteWriter]
LIMITED = """
import os, resource, sys
sys.path.insert(0, sys.argv[2])
from support.stores import Owner, row, segment
from sessiond.actors.core.ports import Commit
from sessiond.persistence.sqlite import open_store
store = open_store("sqlite:///" + sys.argv[1])
owner = Owner(store)
owner.create(row("a"))
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1] + "-wal") + 50_000, hard))
seq = 1
while (answer := owner.try_commit(Commit("a", segment(seq + 1, text="x" * 2_000)))) is None:
    seq += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
again = owner.try_commit(Commit("a", segment(seq + 1)))
print(seq, type(answer).__name__, answer is again, flush=True)
os._exit(0)
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "sessions.db")


@pytest.fixture
def new_writer(path: str) -> Iterator[NewWriter]:
    """Makes writers that remember so many sessions, under the token "1:n"."""
    with ExitStack() as stack:

        def make(remembered: int) -> SqliteWriter:
            connection = connect(path, "normal", BUSY_SECONDS)
            prepare(connection, path)
            connection.execute("INSERT OR REPLACE INTO owner VALUES (0, '1:n')")
            checkpointer = Checkpointer(connect(path, "normal", 0.05), 4096, lambda error: writer.fail(error))
            writer = SqliteWriter(connection, path, checkpointer, remembered=remembered)
            stack.callback(writer.close)
            stack.callback(checkpointer.close)
            return writer

        yield make


@pytest.mark.parametrize("remembered", [0, 1, 3, 100])
def test_sessions_that_were_forgotten_are_looked_up(new_writer: NewWriter, remembered: int, path: str) -> None:
    writer = new_writer(remembered)
    names = [f"s{number}" for number in range(5)]
    batches = [Batch(0, "1:n", [Commit(name, segment(1), row(name)) for name in names])]
    for seq in range(2, 6):
        batches += [Batch(0, "1:n", [Commit(name, segment(seq))]) for name in names]
        batches.append(Batch(0, "1:n", [], [Snapshot(name, seq, b"s") for name in names]))
    for batch in batches:
        assert writer.commit([batch]) == [None]
    for name in names:
        assert isinstance(writer.commit([Batch(0, "1:n", [Commit(name, segment(7))])])[0], PositionConflict)
    with closing(sqlite3.connect(path)) as reader:
        found = reader.execute("SELECT session, count(*), max(seq) FROM log GROUP BY session").fetchall()
        assert found == [(number, 5, 5) for number in range(1, 6)]
        assert reader.execute("SELECT count(*), min(seq) FROM snapshots").fetchone() == (5, 5)


def test_a_long_log_is_trimmed_from_its_front_a_part_at_a_time(new_writer: NewWriter, path: str) -> None:
    writer, end = new_writer(100), 2 * MOST_TRIMMED
    parts = [Commit("a", segment(seq), row("a") if seq == 1 else None) for seq in range(1, end + 1)]
    assert writer.commit([Batch(0, "1:n", parts)]) == [None]
    with closing(sqlite3.connect(path)) as reader:
        for left in (MOST_TRIMMED, 1):
            assert writer.commit([Batch(0, "1:n", [], [Snapshot("a", end, b"s", end - 1)])]) == [None]
            found = reader.execute("SELECT min(seq), max(seq), count(*) FROM log").fetchone()
            assert found == (end - left + 1, end, left)


@pytest.mark.parametrize("commits", [1, 200])
def test_no_transaction_stays_open_after_any_refusal(new_writer: NewWriter, commits: int, path: str) -> None:
    writer = new_writer(100)
    many = [Commit(f"s{number}", segment(1), row(f"s{number}")) for number in range(commits)]
    gap = Commit("s0", segment(5))
    for batch in (Batch(0, "1:zombie", many), Batch(1, "1:n", many), Batch(0, "1:n", [*many, gap])):
        assert isinstance(writer.commit([batch])[0], StoreError)
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert other.execute("SELECT count(*) FROM log").fetchone() == (0,)
    assert writer.commit([Batch(0, "1:n", many)]) == [None]


def test_an_exception_within_writing_undoes_it(new_writer: NewWriter) -> None:
    writer = new_writer(100)

    def fail_half_way() -> None:
        with writer.writing() as connection:
            connection.execute("DELETE FROM owner")
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert writer.commit([Batch(0, "1:n", [Commit("a", segment(1), row("a"))])]) == [None]


def test_at_once_waits_for_nobody(new_writer: NewWriter, path: str) -> None:
    writer = new_writer(100)
    batch = Batch(0, "1:n", [Commit("a", segment(1), row("a"))])
    with writer.writing():  # another thread of this process
        assert writer.commit_at_once([batch]) is None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answers = writer.commit_at_once([batch])
        assert time.monotonic() - began < BUSY_SECONDS / 2
        assert isinstance((answers or [None])[0], StoreUnavailable)
        assert isinstance(writer.commit([batch])[0], StoreUnavailable)
        assert time.monotonic() - began > BUSY_SECONDS
        other.execute("ROLLBACK")
    assert writer.commit_at_once([batch]) == [None]
    assert writer.commit([batch]) == [None]


def test_after_a_failed_sync_nothing_at_all_is_written(new_writer: NewWriter, path: str) -> None:
    writer = new_writer(100)
    writer.fail(sqlite3.OperationalError("disk I/O error"))
    with pytest.raises(StoreBroken), writer.writing() as connection:
        connection.execute("DELETE FROM owner")
    (answer,) = writer.commit([Batch(0, "1:n", [Commit("a", segment(1), row("a"))])])
    assert isinstance(answer, StoreBroken)
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT (SELECT count(*) FROM owner), (SELECT count(*) FROM log)").fetchone() == (1, 0)


def test_after_an_io_error_nothing_is_acknowledged_any_more(path: str) -> None:
    tests = str(Path(__file__).parent.parent)
    child = subprocess.run([sys.executable, "-c", LIMITED, path, tests], capture_output=True, text=True, check=False)
    seq, answer, same = child.stdout.split()
    assert (answer, same) == ("StoreBroken", "True"), child.stderr
    with closing(sqlite3.connect(path)) as reader:
        (stored,) = reader.execute("SELECT max(seq) FROM log").fetchone()
    assert stored == int(seq) > 1
