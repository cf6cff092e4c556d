"""Forks over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.site import HELD, Site, problem

FORK = "/api/v1/sessions/s1/fork"


async def held(site: Site) -> int:
    """A session that stands at its first node; its seq."""
    await site.client.execute(HELD, session_id="s1", input={"topic": "rain"})
    await site.started.get()
    return (await site.client.detail("s1")).seq


async def test_a_fork_is_answered_whole_once_it_is_durable(site: Site) -> None:
    seq = await held(site)
    response = await site.post(FORK, {"after_seq": seq, "session_id": "f1", "input": {"topic": "tea"}})
    assert response.code == 201
    assert response.headers["Location"] == "/api/v1/sessions/f1"
    answer = msgspec.json.decode(response.body)
    assert answer["forked_from"] == {"session_id": "s1", "seq": seq}
    assert (answer["status"], answer["input"], answer["parent_id"]) == ("running", {"topic": "tea"}, None)
    assert response.headers["ETag"] == f'"{answer["seq"]}"'
    stored = site.runtime.store.row("f1")
    assert stored is not None
    assert stored.workflow_version == (await site.client.detail("s1")).workflow_version


async def test_an_ended_session_is_forked_and_watched(site: Site) -> None:
    await held(site)
    site.go.set()
    ended = [record async for record in site.client.watch("s1")]
    made = await site.client.fork("s1", from_node="b")
    assert made.forked_from is not None
    assert (made.forked_from.seq, made.forked_from.from_node) == (ended[-1].seq, "b")
    events = [record async for record in site.client.watch(made.session_id)]
    changes = [(e.node_id, e.data["status"]) for e in events if e.event == "node_state_change"]
    assert changes == [("a", "completed"), ("b", "running"), ("b", "completed")]
    assert (await site.client.detail("s1")).seq == ended[-1].seq


async def test_the_same_request_again_is_answered_alike_and_another_refused(site: Site) -> None:
    seq = await held(site)
    body = {"after_seq": seq, "session_id": "f1", "start": False}
    first = await site.post(FORK, body)
    again = await site.post(FORK, body)
    assert (again.code, again.body) == (201, first.body)
    assert problem(await site.post(FORK, body | {"start": True}), 409)["code"] == "session_exists"


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({}, 422, "$"),
        ({"after_seq": 1, "from_node": "a"}, 422, "$"),
        ({"after_seq": 0}, 422, "$.after_seq"),
        ({"after_seq": 4}, 422, "$.after_seq"),
        ({"after_seq": "1"}, 422, "$.after_seq"),
        ({"from_node": "z"}, 422, "$.from_node"),
        ({"after_seq": 1, "session_id": "a/b"}, 422, "$.session_id"),
        ({"after_seq": 1, "wait": True}, 422, "$.wait"),
        ({"from_node": "b"}, 409, None),
    ],
)
async def test_refusals_say_where(lone_site: Site, body: Any, status: int, where: str | None) -> None:
    assert await held(lone_site) == 3
    found = problem(await lone_site.post(FORK, body), status)
    assert [fault["path"] for fault in found.get("errors", [])] == ([] if where is None else [where])
    if status == 409:
        assert (found["code"], found["detail"]) == (
            "not_begun",
            "node 'b' is pending and never began: there is nothing to go back to",
        )
    problem(await lone_site.post("/api/v1/sessions/none/fork", {"after_seq": 1}), 404)
