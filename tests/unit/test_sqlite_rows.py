"""Listing sessions must not read or sort what it does not return, however many there are."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from support.stores import Owner, moment, row, segment

from sessiond.actors.core.ports import Commit, RowQuery
from sessiond.persistence.listing import encode_cursor
from sessiond.persistence.sqlite import open_store
from sessiond.persistence.sqlite_rows import SELECT_RUNNING, select_rows

SESSIONS = 20_000


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A connection to a store where 1 in 5,000 sessions runs, and 1 in 1,000 has some label."""
    path = tmp_path_factory.mktemp("many") / "sessions.db"
    store = open_store(f"sqlite:///{path}")
    owner = Owner(store)
    for at in range(0, SESSIONS, 2_000):
        owner.commit(
            *(
                Commit(
                    f"s{number}",
                    segment(1),
                    row(
                        f"s{number}",
                        "completed" if number % 5_000 else "running",
                        at=number,
                        labels={"n": str(number % 1_000)},
                        waits=() if number % 2_500 else ("review",),
                    ),
                )
                for number in range(at, at + 2_000)
            )
        )
    with closing(sqlite3.connect(path)) as connection:
        yield connection
    store.close()


def steps(connection: sqlite3.Connection, statement: str, values: list[object]) -> tuple[list[object], int]:
    """Run a statement; return what it gives and how many tens of virtual machine steps it took."""
    ticks = itertools.count()
    connection.set_progress_handler(lambda: next(ticks) and None, 10)
    found = connection.execute(statement, values).fetchall()
    connection.set_progress_handler(None, 0)
    return found, next(ticks)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (RowQuery(), 51),
        (RowQuery(status="running"), 4),
        (RowQuery(status="completed"), 51),
        (RowQuery(status="paused"), 0),
        (RowQuery(workflow_id="council"), 51),
        (RowQuery(workflow_id="unknown"), 0),
        (RowQuery(waiting=True), 8),
        (RowQuery(label="n:123"), 20),
        (RowQuery(label="n"), 51),
        (RowQuery(label="n:123", status="completed"), 20),
        (RowQuery(tenant="nobody"), 0),
        (RowQuery(cursor=encode_cursor((moment(100), "s100"))), 51),
        (RowQuery(label="n", cursor=encode_cursor((moment(100), "s100"))), 51),
        (RowQuery(status="completed", cursor=encode_cursor((moment(30), "s30"))), 29),
    ],
)
def test_a_page_costs_what_it_returns(connection: sqlite3.Connection, query: RowQuery, count: int) -> None:
    found, cost = steps(connection, *select_rows(query))
    assert len(found) == count
    assert cost < 200
    plan = connection.execute(f"EXPLAIN QUERY PLAN {select_rows(query)[0]}", select_rows(query)[1]).fetchall()
    assert not [step for step in plan if "TEMP B-TREE" in step[3] or step[3].startswith("SCAN s")]


def test_finding_the_running_sessions_costs_what_it_returns(connection: sqlite3.Connection) -> None:
    found, cost = steps(connection, SELECT_RUNNING, [])
    assert found == [("s15000",), ("s10000",), ("s5000",), ("s0",)]
    assert cost < 20
