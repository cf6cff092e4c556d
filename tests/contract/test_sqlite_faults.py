"""What only a SQLite file can do wrong: kill -9, a full or foreign or damaged file, another writer."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.stores import OpenStore, Owner, row, segment

from sessiond.actors.core.errors import (
    CorruptLog,
    FutureVersion,
    InvalidInput,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from sessiond.actors.core.ports import Commit, RowQuery
from sessiond.persistence.codec import VERSION

EVERYTHING = 1 << 30
WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from support.stores import Owner, row, segment
from sessiond.actors.core.ports import Commit
from sessiond.persistence.sqlite import open_store
owner = Owner(open_store(sys.argv[1]), "child")
for number in range(1_000_000):
    family = [f"s{number}~n~{child}" for child in range(number % 5)]
    owner.commit(*(Commit(name, segment(1), row(name)) for name in (f"s{number}", *family)))
    owner.commit(Commit(f"s{number}", segment(2, 3, "x" * 500)))
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.mark.parametrize("synchronous", ["normal", "full"])
@pytest.mark.parametrize("acknowledged", [1, 7, 60, 400])
def test_what_was_acknowledged_survives_kill_9(
    open_store: OpenStore, path: Path, synchronous: str, acknowledged: int
) -> None:
    url = f"sqlite:///{path}?synchronous={synchronous}"
    tests = str(Path(__file__).parent.parent)
    with subprocess.Popen([sys.executable, "-c", WRITER, url, tests], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) == acknowledged:
                child.send_signal(signal.SIGKILL)
                break
        last = max([acknowledged, *(int(line) for line in child.stdout if line.endswith("\n"))])
    store = open_store(url)
    for number in range(last + 1):
        assert store.read(f"s{number}", 0, EVERYTHING) == [segment(1), segment(2, 3, "x" * 500)]
        assert all(store.load(f"s{number}~n~{child}") for child in range(number % 5))
    unacknowledged = store.rows(RowQuery(limit=1_000_000)).items
    assert all(store.load(item.session_id) for item in unacknowledged)
    Owner(store, "heir").create(row("after"))


def test_a_full_store_says_so_and_goes_on_when_there_is_room(open_store: OpenStore, path: Path) -> None:
    store = open_store(f"sqlite:///{path}?max_bytes=2000000")
    owner = Owner(store)
    names: list[str] = []
    while True:
        name = f"s{len(names)}"
        answer = owner.try_commit(Commit(name, segment(1), row(name)), Commit(name, segment(2, text="x" * 99_999)))
        if answer is not None:
            break
        names.append(name)
    assert isinstance(answer, StoreFull)
    assert store.row(name) is None
    assert all(store.load(kept) for kept in names)
    assert store.delete(names.pop(0))
    owner.commit(Commit(name, segment(1), row(name)), Commit(name, segment(2, text="x" * 99_999)))
    assert all(store.load(kept) for kept in names)


def test_another_writer_makes_the_store_unavailable_for_a_while(open_store: OpenStore, path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    owner = Owner(store)
    owner.create(row("a"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert isinstance(owner.try_commit(Commit("a", segment(2))), StoreUnavailable)
        assert isinstance(
            owner.try_commit(Commit("a", segment(2)), Commit("a~n~0", segment(1), row("a~n~0"))),
            StoreUnavailable,
        )
        with pytest.raises(StoreUnavailable):
            store.claim(0, "n")
        assert store.read("a", 0, EVERYTHING) == [segment(1)]
        other.execute("ROLLBACK")
    owner.commit(Commit("a", segment(2)))


def test_a_foreign_database_is_refused_and_left_alone(open_store: OpenStore, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another application"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(open_store: OpenStore, path: Path) -> None:
    path.write_bytes(b"something else entirely\n" * 1000)
    with pytest.raises(CorruptLog, match="not a database"):
        open_store(f"sqlite:///{path}")


def test_a_store_of_the_future_is_left_untouched(open_store: OpenStore, path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version={VERSION + 1}")
        newer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with pytest.raises(FutureVersion):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_missing_folder_is_a_clear_error(open_store: OpenStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/sessions\.db: unable to open"):
        open_store(f"sqlite:///{tmp_path}/nowhere/sessions.db")


def test_a_deleted_session_leaves_no_row_in_any_table(open_store: OpenStore, path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    owner = Owner(store)
    owner.create(row("a", labels={"k": "v"}), segment(2))
    assert owner.snapshot("a", 2, b"s") is None
    assert store.delete("a")
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        left = {name for name in tables if connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]}
    assert left == {"owner"}


def test_a_missing_segment_is_noticed(open_store: OpenStore, path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    Owner(store).create(row("a"), segment(2), segment(3))
    with closing(sqlite3.connect(path)) as vandal:
        vandal.execute("DELETE FROM log WHERE seq = 2")
        vandal.commit()
    with pytest.raises(CorruptLog, match="goes on at seq 3 after 1"):
        store.load("a")
    with pytest.raises(CorruptLog, match="goes on at seq 3 after 1"):
        store.read("a", 0, EVERYTHING)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite://host/file.db",
        "sqlite:///x.db?synchronous=off",
        "sqlite:///x.db?journal=wal",
        "sqlite:///x.db?synchronous=full&synchronous=normal",
        "sqlite:///x.db?max_bytes=0",
        "memory://?shards=0",
    ],
)
def test_a_url_with_a_fault_is_refused(open_store: OpenStore, url: str) -> None:
    with pytest.raises(InvalidInput, match="the store URL is invalid"):
        open_store(url)


def test_a_path_may_need_escaping(open_store: OpenStore, tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/a%20b%3Fc.db")
    assert (tmp_path / "a b?c.db").exists()


def test_only_the_quick_setting_commits_at_once_and_is_a_hazard(open_store: OpenStore, path: Path) -> None:
    normal = open_store(f"sqlite:///{path}")
    full = open_store(f"sqlite:///{path}?synchronous=full")
    assert (normal.commit_at_once([]), full.commit_at_once([])) == ([], None)
    assert "synchronous" in [hazard.setting for hazard in normal.hazards()]
    assert "synchronous" not in [hazard.setting for hazard in full.hazards()]


def test_closing_leaves_one_file_and_refuses_further_work(open_store: OpenStore, path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    owner = Owner(store)
    owner.create(row("a"))
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["sessions.db"]
    assert isinstance(owner.try_commit(Commit("a", segment(2))), StoreError)
    for use in (lambda: store.row("a"), lambda: store.claim(0, "n")):
        with pytest.raises(StoreError, match="closed"):
            use()
