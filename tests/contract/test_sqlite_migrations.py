"""A file of an earlier version is brought to the present one, with all that is in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.stores import OpenStore, Owner, row

from sessiond.persistence import sqlite_migrations
from sessiond.persistence.codec import VERSION

FIRST = (
    "DROP INDEX sessions_working",
    "DROP INDEX sessions_due",
    "DROP INDEX sessions_ended",
    "DROP INDEX sessions_by_definition",
    "ALTER TABLE sessions DROP COLUMN version",
    "ALTER TABLE sessions DROP COLUMN ended_at",
    "ALTER TABLE sessions DROP COLUMN idle",
    "ALTER TABLE sessions DROP COLUMN wakes_at",
    "CREATE INDEX sessions_running ON sessions (created_at, id) WHERE status = 'running'",
    "PRAGMA user_version=1",
)
"""What makes a file of the first version of one of the present."""


def tables(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as file:
        found = file.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
        return {name: " ".join(sql.split("--")[0].split()) for name, sql in found if name != "sessions"}


@pytest.fixture
def first(tmp_path: Path, open_store: OpenStore) -> Path:
    path = tmp_path / "sessions.db"
    store = open_store(f"sqlite:///{path}")
    Owner(store).create(row("a"))
    store.close()
    with closing(sqlite3.connect(path)) as file:
        for statement in FIRST:
            file.execute(statement)
        file.commit()
    return path


def test_an_old_file_is_read_written_and_listed(first: Path, open_store: OpenStore) -> None:
    store = open_store(f"sqlite:///{first}")
    assert store.unfinished(0) == ["a"]
    Owner(store).create(row("b"))
    assert store.row("a") == row("a")
    assert sorted(store.unfinished(0)) == ["a", "b"]
    store.close()
    assert tables(first) == tables_of_a_new_file(first.with_name("new.db"), open_store)
    with closing(sqlite3.connect(first)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (VERSION,)


def tables_of_a_new_file(path: Path, open_store: OpenStore) -> dict[str, str]:
    open_store(f"sqlite:///{path}").close()
    return tables(path)


def test_a_migration_that_fails_leaves_the_file_as_it_was(first: Path, open_store: OpenStore) -> None:
    with closing(sqlite3.connect(first)) as file:
        file.execute("CREATE INDEX sessions_due ON sessions (id)")  # in the way of the last step
        file.commit()
    before = tables(first)
    with pytest.raises(Exception, match="sessions_due"):
        open_store(f"sqlite:///{first}")
    assert tables(first) == before


def test_there_is_a_step_to_every_version() -> None:
    assert sorted(sqlite_migrations.MIGRATIONS) == list(range(2, VERSION + 1))
    assert sqlite_migrations.steps(VERSION, VERSION) == []
