"""Each node type and each policy, over HTTP on a real server that is killed (SIGKILL) while that node is at work.

One server for each store runs a session for each row of `support.crash_rows`; all are in their middle when it is
killed, and go on when it is started again. Nodes that only compute (`switch`, `loop`, `vote`, `parallel`) have no
middle: there the kill falls behind the decision, or between what it counts, and it must stand.
"""

from __future__ import annotations

import asyncio

import pytest
from redis import Redis
from support.crash_rows import ROWS, TYPES, Row
from support.interrupted import Survivor, live_through
from support.redis_server import RedisServer

from sessiond.actors.core.events import Record
from sessiond.actors.core.node import NodeRegistry
from sessiond.actors.nodes import register_builtin

pytestmark = pytest.mark.timeout(120)
Survivors = dict[str, Survivor | BaseException]


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def survivors(
    request: pytest.FixtureRequest, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Survivors:
    url = "sqlite:///rows.db"
    if request.param == "redis":
        url = redis_server.url
        with Redis(port=redis_server.port) as client:
            client.flushall()
    return asyncio.run(live_through(url, tmp_path_factory.mktemp(request.param), ROWS.values()))


@pytest.fixture
def survivor(survivors: Survivors, row: Row) -> Survivor:
    found = survivors[row.name]
    if isinstance(found, BaseException):
        raise found
    return found


def completions(survivor: Survivor) -> list[Record]:
    changes = [record for record in survivor.ran.records if record.event == "node_state_change"]
    return [record for record in changes if record.data["status"] == "completed"]


every_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS.values()])


@every_row
def test_it_ends_as_if_nothing_had_happened(row: Row, survivor: Survivor) -> None:
    """And its log is one line: `drive` has checked that seq has no gap and that the one terminal event is the last."""
    ran = survivor.ran
    assert ran.records[: len(survivor.before)] == survivor.before, "what was seen before the kill still stands"
    if row.fails is not None:
        assert ran.detail.error is not None
        assert (ran.detail.status, ran.detail.error.code) == ("failed", row.fails)
    else:
        assert (ran.detail.status, ran.detail.error) == ("completed", None)
        assert ran.output == row.comes_to


@every_row
def test_what_was_cut_short_ran_again_and_nothing_else(row: Row, survivor: Survivor) -> None:
    ran = survivor.ran
    recovered = [set(r.data["interrupted"]) for r in ran.records if r.event == "execution:recovered"]
    assert recovered == ([set(row.interrupted)] if row.interrupted else [])
    attempts = {node_id: node.attempt for node_id, node in ran.detail.nodes.items() if node.attempt}
    assert attempts == {
        node_id: row.attempts.get(node_id, 2 if node_id in row.interrupted else 1) for node_id in attempts
    }
    completed = [(r.node_id, r.data["round"]) for r in completions(survivor)]
    assert len(set(completed)) == len(completed), "a node completed twice"


@every_row
def test_each_effect_happened_once(row: Row, survivor: Survivor) -> None:
    assert set(survivor.did.values()) == {1}
    own = {key for key in survivor.did if key.startswith(f"{row.name}/")}
    assert own <= {f"{row.name}/{r.node_id}/{r.data['round']}" for r in completions(survivor)}
    cut = {f"{row.name}/{node_id}" for node_id in (*row.interrupted, *row.attempts)} | set(row.again)
    for key, times in survivor.began.items():
        assert times == 1 or key.rpartition("/")[0] in cut, f"{key} began {times} times"
    assert all(survivor.began[f"{node}/1"] == 2 for node in row.again)


def test_every_built_in_type_has_a_row() -> None:
    types = NodeRegistry()
    register_builtin(types)
    shown = {spec["type"] for row in TYPES for spec in row.graph()["nodes"].values()}
    assert types.types.keys() - shown == {"start"}, "start is through before anything can be killed"
