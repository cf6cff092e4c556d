"""Requests that are sent twice, and requests that wait."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.graphs import graph
from support.process import server_process
from support.site import HELD, REVIEW, TALK, Site, problem, site_on
from tornado.httpclient import HTTPResponse

from sessiond.gateway.client import Client
from sessiond.gateway.idempotency import fingerprint
from sessiond.gateway.reply import Reply

EXECUTE = "/api/v1/workflows/execute"
SIGNAL = graph({"w": {"type": "signal", "properties": {"name": "paid"}}}, workflow_id="wait")
PAID = {"type": "signal", "properties": {"name": "paid"}}
TWO_SIGNALS = graph({"first": PAID | {"next_ids": ["second"]}, "second": PAID}, workflow_id="twice")
DELAY = graph({"w": {"type": "delay", "properties": {"seconds": 600}}}, workflow_id="later")


async def post(site: Site, path: str, body: Any, key: str) -> HTTPResponse:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return await site.fetch("POST", path, msgspec.json.encode(body), headers)


async def test_a_session_started_twice_with_a_key_is_one(site: Site) -> None:
    first = await post(site, EXECUTE, {"graph": HELD}, "k")
    again = await post(site, EXECUTE, {"graph": HELD}, "k")
    assert (first.code, first.body) == (again.code, again.body) == (202, first.body)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await site.client.rows()).items) == 1
    found = problem(await post(site, EXECUTE, {"graph": HELD, "input": 1}, "k"), 422)
    assert found["code"] == "key_reused"


async def test_a_command_with_a_key_has_one_effect(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    path = "/api/v1/sessions/s1/control"
    first = await post(site, path, {"action": "pause"}, "p")
    await site.client.control("s1", "resume")
    again = await post(site, path, {"action": "pause"}, "p")
    assert (again.code, again.body) == (200, first.body)
    assert (await site.client.detail("s1")).status == "running"


async def test_a_command_that_was_refused_may_be_sent_again(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    path = "/api/v1/sessions/s1/control"
    problem(await post(site, path, {"action": "pause"}, "p"), 409)
    await site.client.control("s1", "start")
    assert (await post(site, path, {"action": "pause"}, "p")).code == 200


async def test_a_repetition_before_the_answer_is_told_to_come_again(lone_site: Site) -> None:
    go = asyncio.Event()

    async def slow() -> Reply:
        await go.wait()
        return Reply(b"{}", 202)

    body = {"graph": HELD}
    request = fingerprint("POST", EXECUTE, msgspec.json.encode(body))
    first = asyncio.ensure_future(lone_site.server.gateway.answers.once(("default", "k"), request, slow))
    refused = await post(lone_site, EXECUTE, body, "k")
    assert problem(refused, 409)["code"] == "key_in_use"
    assert refused.headers["Retry-After"] == "1"
    go.set()
    await first
    assert (await post(lone_site, EXECUTE, body, "k")).body == b"{}"


@pytest.mark.parametrize("path", [EXECUTE, "/api/v1/sessions"])
async def test_after_a_crash_a_retry_starts_no_second_session(tmp_path: Path, path: str) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    body = {"graph": SIGNAL}
    answers = []
    for _ in range(2):
        async with server_process(tmp_path) as server, Client(server.url) as client:
            answers.append(await client.request("POST", path, body, headers))
            assert len((await client.rows()).items) == 1
    first, again = [msgspec.json.decode(answer.body) for answer in answers]
    assert first["session_id"] == again["session_id"]
    async with server_process(tmp_path) as server, Client(server.url) as client:
        with pytest.raises(Exception, match="used for another request"):
            await client.request("POST", path, {"graph": REVIEW}, headers)


async def test_after_a_crash_a_retried_signal_is_no_second_one(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    answers = []
    async with server_process(tmp_path) as server, Client(server.url) as client:
        await client.execute(TWO_SIGNALS, session_id="s1")
        signal = {"name": "paid", "payload": 1}
        answers.append(await client.request("POST", "/api/v1/sessions/s1/signal", signal, headers))
    async with server_process(tmp_path) as server, Client(server.url) as client:
        answers.append(await client.request("POST", "/api/v1/sessions/s1/signal", signal, headers))
        found = await client.detail("s1")
        assert (found.nodes["first"].status, found.nodes["second"].status) == ("completed", "suspended")
        await client.signal("s1", name="paid", payload=2)
        assert (await client.detail("s1")).status == "completed"
    assert answers[0].body == answers[1].body
    assert "Idempotent-Replayed" not in answers[1].headers


async def test_a_fork_with_a_key_is_one_though_its_answer_is_forgotten() -> None:
    async with site_on("memory://", max_answers=1) as site:
        site.go.set()
        await site.client.execute(HELD, session_id="s1")
        path = "/api/v1/sessions/s1/fork"
        await detail(site, "?wait=completed")
        first = await post(site, path, {"from_node": "b"}, "k")
        assert first.code == 201
        await post(site, EXECUTE, {"graph": HELD}, "another")
        again = await post(site, path, {"from_node": "b"}, "k")
        assert again.headers["Location"] == first.headers["Location"]
        assert "Idempotent-Replayed" not in again.headers
        problem(await post(site, path, {"from_node": "a"}, "k"), 422)


@pytest.mark.parametrize("key", ["", "a b"])
async def test_a_key_that_is_none_is_refused(lone_site: Site, key: str) -> None:
    found = problem(await post(lone_site, EXECUTE, {"graph": HELD}, key), 422)
    assert found["errors"][0]["path"] == "Idempotency-Key"


async def detail(site: Site, query: str) -> dict[str, Any]:
    response = await site.fetch("GET", f"/api/v1/sessions/s1{query}")
    assert response.code == 200, response.body
    found: dict[str, Any] = msgspec.json.decode(response.body)
    return found


async def polls(site: Site, count: int) -> None:
    """Until that many requests wait."""
    while len(site.server.gateway.streams) != count:
        await asyncio.sleep(0)


@pytest.mark.parametrize("wait", ["completed", "quiesced", "waiting"])
async def test_an_end_is_answered_whatever_is_waited_for(site: Site, wait: str) -> None:
    await site.client.execute(HELD, session_id="s1")
    waiting = asyncio.ensure_future(detail(site, f"?wait={wait}&timeout_s=60"))
    await polls(site, 1)
    site.go.set()
    assert (await waiting)["status"] == "completed"
    assert (await detail(site, f"?wait={wait}"))["status"] == "completed"
    assert not site.server.gateway.streams


async def test_who_waits_for_quiet_is_answered_when_nothing_runs(site: Site) -> None:
    await site.client.execute(TALK, session_id="s1")
    await site.started.get()
    waiting = asyncio.ensure_future(detail(site, "?wait=quiesced&timeout_s=60"))
    await polls(site, 1)
    await site.client.control("s1", "pause")
    found = await waiting
    assert (found["status"], found["quiesced"], found["in_flight"]) == ("paused", True, [])


@pytest.mark.parametrize("graph", [REVIEW, SIGNAL])
async def test_who_waits_for_a_question_is_answered_when_it_is_asked(site: Site, graph: dict[str, Any]) -> None:
    await site.client.execute(graph, session_id="s1", start=False)
    waiting = asyncio.ensure_future(detail(site, "?wait=waiting&timeout_s=60"))
    await polls(site, 1)
    await site.client.control("s1", "start")
    (node,) = (await waiting)["nodes"].values()
    assert node["status"] == "suspended"


async def test_a_delay_waits_for_nobody_and_time_is_limited(lone_site: Site) -> None:
    await lone_site.client.execute(DELAY, session_id="s1")
    found = await detail(lone_site, "?wait=waiting&timeout_s=0.05")
    assert found["status"] == "running"
    assert not lone_site.server.gateway.streams


async def test_the_server_has_the_last_word_on_how_long_a_request_waits() -> None:
    async with site_on("memory://", wait_s=0.05) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        assert (await detail(site, "?wait=completed&timeout_s=3600"))["status"] == "pending"


@pytest.mark.parametrize("query", ["?wait=ever", "?wait=completed&timeout_s=-1", "?timeout_s=3601"])
async def test_a_wait_that_makes_no_sense_is_refused(lone_site: Site, query: str) -> None:
    problem(await lone_site.fetch("GET", f"/api/v1/sessions/s1{query}"), 422)


async def test_a_drain_ends_a_wait_with_the_present_state(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    waiting = asyncio.ensure_future(detail(site, "?wait=completed&timeout_s=60"))
    await polls(site, 1)
    await site.server.drain()
    assert (await waiting)["status"] == "running"


async def test_a_client_that_leaves_waits_no_more(lone_site: Site) -> None:
    await lone_site.client.execute(HELD, session_id="s1")
    _, writer = await lone_site.connect()
    writer.write(b"GET /api/v1/sessions/s1?wait=completed&timeout_s=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await polls(lone_site, 1)
    writer.close()
    await polls(lone_site, 0)
    while lone_site.runtime.hub.watched("s1"):
        await asyncio.sleep(0)
