"""Sessions over HTTP: create, look, control, answer, list, delete."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.graphs import chain, graph
from support.site import HELD, REVIEW, Site, problem

from sessiond.gateway.client import ProblemError
from sessiond.gateway.responses import Counts

EXECUTE = "/api/v1/workflows/execute"


async def ended(site: Site, session_id: str) -> list[Any]:
    return [record async for record in site.client.watch(session_id)]


async def test_execute_answers_202_once_the_session_is_durable(site: Site) -> None:
    response = await site.post(EXECUTE, {"graph": HELD, "session_id": "s1", "input": {"topic": "rain"}})
    assert response.code == 202
    answer = msgspec.json.decode(response.body)
    assert response.headers["Location"] == "/api/v1/sessions/s1"
    assert answer["session_id"] == "s1"
    assert answer["status"] == "started"
    stored = site.runtime.store.row("s1")
    assert stored is not None
    assert stored.seq == answer["seq"]


async def test_execute_without_start_leaves_the_session_pending(site: Site) -> None:
    started = await site.client.execute(HELD, start=False)
    assert started.status == "pending"
    receipt = await site.client.control(started.session_id, "start")
    assert (receipt.status, receipt.changed) == ("running", True)


async def test_the_same_request_again_is_answered_alike_and_another_refused(site: Site) -> None:
    first = await site.client.execute(HELD, session_id="s1", input=1)
    assert await site.client.execute(HELD, session_id="s1", input=1) == first
    found = problem(await site.post(EXECUTE, {"graph": HELD, "session_id": "s1", "input": 2}), 409)
    assert found["code"] == "session_exists"


async def test_sessions_are_counted_by_status(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.client.execute(HELD, session_id="s2", start=False)
    assert await site.client.counts() == Counts(pending=1, running=1, paused=0, completed=0, failed=0, cancelled=0)


async def test_no_session_takes_the_name_of_a_call(site: Site) -> None:
    for taken in ("counts", ".", ".."):
        found = problem(await site.post(EXECUTE, {"graph": HELD, "session_id": taken}), 422)
        assert found["errors"][0]["path"] == "$.session_id"


async def test_a_created_session_is_answered_whole(site: Site) -> None:
    response = await site.post("/api/v1/sessions", {"graph": HELD, "session_id": "s1", "labels": {"team": "x"}})
    assert response.code == 201
    assert response.headers["Location"] == "/api/v1/sessions/s1"
    session = msgspec.json.decode(response.body)
    assert (session["status"], session["labels"]) == ("pending", {"team": "x"})
    assert response.headers["ETag"] == f'"{session["seq"]}"'


async def test_a_stored_workflow_runs_by_its_id(site: Site) -> None:
    await site.client.put_workflow("two", chain(2) | {"workflow_id": "two"})
    started = await site.client.execute("two", input=7)
    await ended(site, started.session_id)
    detail = await site.client.detail(started.session_id)
    assert (detail.workflow_id, detail.status) == ("two", "completed")
    problem(await site.post(EXECUTE, {"workflow_id": "none"}), 404)


async def test_detail_is_not_sent_twice_for_one_seq(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    first = await site.fetch("GET", "/api/v1/sessions/s1")
    tag = first.headers["ETag"]
    again = await site.fetch("GET", "/api/v1/sessions/s1", headers={"If-None-Match": tag})
    assert (again.code, again.body) == (304, b"")
    await site.client.control("s1", "pause")
    other = await site.fetch("GET", "/api/v1/sessions/s1", headers={"If-None-Match": tag})
    assert other.code == 200
    assert other.headers["ETag"] != tag


async def test_pause_names_what_is_in_flight_and_resume_goes_on(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    paused = await site.client.control("s1", "pause", "lunch")
    assert (paused.status, paused.changed, paused.in_flight) == ("paused", True, ("a",))
    again = await site.client.control("s1", "pause")
    assert (again.changed, again.seq) == (False, paused.seq)
    resumed = await site.client.control("s1", "resume")
    assert resumed.status == "running"
    site.go.set()
    events = await ended(site, "s1")
    assert events[paused.seq - 1].event == "execution:paused"
    assert events[paused.seq - 1].data["reason"] == "lunch"
    assert events[-1].data["status"] == "completed"


@pytest.mark.parametrize(("action", "status"), [("stop", "failed"), ("cancel", "cancelled")])
async def test_the_answer_to_an_end_carries_the_terminal_seq(site: Site, action: Any, status: str) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    receipt = await site.client.control("s1", action)
    assert (receipt.status, receipt.changed) == (status, True)
    events = await ended(site, "s1")
    assert events[-1].seq == receipt.seq
    assert events[-1].event == "execution:completed"


async def test_a_refused_command_says_what_is_allowed(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    found = problem(await site.post("/api/v1/sessions/s1/control", {"action": "resume"}), 409)
    assert found["code"] == "refused"
    assert found["session_id"] == "s1"
    assert found["session_status"] == "pending"
    assert found["allowed"] == ["start", "cancel"]


async def test_a_review_is_listed_answered_and_then_gone(site: Site) -> None:
    await site.client.execute(REVIEW, session_id="s1")
    listed = await site.client.reviews()
    assert [(item.session_id, item.node_id, item.prompt) for item in listed.items] == [("s1", "ask", "Good?")]
    assert listed.items[0].actions == ("approve", "reject", "modify")
    assert (await site.client.reviews(node_id="other")).items == []
    answer = await site.client.review("s1", "ask", "modify", {"text": "better"})
    assert answer.status == "resumed"
    assert (await site.client.reviews(session_id="s1")).items == []
    again = await site.post("/api/v1/sessions/s1/review", {"node_id": "ask", "action": "approve"})
    assert problem(again, 409)["code"] == "not_waiting"
    detail = await site.client.detail("s1")
    assert msgspec.json.decode(detail.output)["data"] == {"text": "better"}


async def test_any_suspended_node_can_be_given_an_output(site: Site) -> None:
    await site.client.execute(graph({"d": {"type": "delay", "properties": {"seconds": 3600}}}), session_id="s1")
    await site.client.resume_node("s1", "d", {"by": "hand"})
    detail = await site.client.detail("s1")
    assert (detail.status, msgspec.json.decode(detail.output)) == ("completed", {"by": "hand"})


async def test_lists_are_newest_first_and_paged(site: Site) -> None:
    for number in range(5):
        await site.client.execute(HELD, session_id=f"s{number}", start=number == 2, labels={"n": str(number)})
    first = await site.client.rows(limit=3)
    assert [item.session_id for item in first.items] == ["s4", "s3", "s2"]
    second = await site.client.rows(limit=3, cursor=first.next_cursor)
    assert ([item.session_id for item in second.items], second.next_cursor) == (["s1", "s0"], None)
    assert [item.session_id for item in (await site.client.rows(status="running")).items] == ["s2"]
    assert [item.session_id for item in (await site.client.rows(label="n:3")).items] == ["s3"]
    with pytest.raises(ProblemError, match="cursor") as refused:
        await site.client.rows(cursor="nonsense")
    assert refused.value.status == 422


async def test_only_an_ended_session_can_be_deleted(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    found = problem(await site.fetch("DELETE", "/api/v1/sessions/s1"), 409)
    assert found["session_status"] == "running"
    await site.client.control("s1", "stop")
    assert (await site.fetch("DELETE", "/api/v1/sessions/s1")).code == 204
    problem(await site.fetch("GET", "/api/v1/sessions/s1"), 404)
    problem(await site.fetch("GET", "/api/v1/sessions/s1/events"), 404)
    problem(await site.fetch("DELETE", "/api/v1/sessions/s1"), 404)
    again = await site.client.execute(HELD, session_id="s1", input="new")
    assert again.status == "started"


async def test_a_session_tells_the_graph_it_runs(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    response = await site.fetch("GET", "/api/v1/sessions/s1/workflow")
    assert msgspec.json.decode(response.body) == HELD


async def test_events_come_in_pages_without_gap_or_repeat(site: Site) -> None:
    started = await site.client.execute(chain(8))
    await ended(site, started.session_id)
    seen: list[int] = []
    after = 0
    while (page := await site.client.events(started.session_id, after, limit=7)).items:
        found = [msgspec.json.decode(item)["seq"] for item in page.items]
        assert len(found) <= 7
        assert page.last_seq == found[-1]
        seen += found
        after = page.last_seq
    assert seen == list(range(1, (await site.client.detail(started.session_id)).seq + 1))
    assert page.last_seq == after
