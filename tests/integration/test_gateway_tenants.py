"""Tenants over HTTP: what is another's answers exactly like what isn't there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.graphs import chain, graph
from support.people import GuardedSite, bearer, guarded_site
from support.site import HELD, REVIEW, problem

from sessiond.gateway.routes import ROUTES

_VARY = ("Date", "Content-Length", "X-Request-Id")
"""Headers that differ from answer to answer."""
SESSIONS = "/api/v1/sessions"
GOOD: dict[str, Any] = {
    "control": {"action": "pause"},
    "review": {"node_id": "ask", "action": "approve"},
    "resume": {"output": 1},
    "retry": {},
    "skip": {},
    "signal": {"node_id": "ask"},
    "fork": {"after_seq": 1},
}
"""A body that would do, for each call on a session."""


async def peopled(guarded: GuardedSite) -> None:
    """Sessions and workflows of acme and zeta, some of the same name."""
    for tenant in ("acme", "zeta"):
        client = guarded.client("admin", tenant)
        await client.execute(REVIEW, session_id="same", labels={"team": tenant})
        await client.execute(HELD, session_id=f"of-{tenant}", start=False)
        await client.put_workflow("w", chain(1 if tenant == "acme" else 2))
        await client.put_workflow(f"w-{tenant}", chain(1) | {"workflow_id": f"w-{tenant}"})


def anonymised(body: bytes, name: str) -> bytes:
    return body.replace(name.encode(), b"NAME")


async def test_every_call_on_anothers_session_answers_as_if_there_were_none(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        for route in [route for route in ROUTES if "{session_id}" in route.path]:
            body = GOOD.get(route.path.rpartition("/")[2]) if route.body else None
            answers = []
            for name in ("of-zeta@zeta", "none@zeta", "of-zeta", "same@zeta", "same@zeta~n~0", "none"):
                path = route.path.replace("{session_id}", name).replace("{node_id}", "ask")
                answer = await guarded.fetch(route.method, path, body)
                assert problem(answer, 404)["code"] == "not_found", path
                headers = {key: value for key, value in answer.headers.get_all() if key not in _VARY}
                answers.append((anonymised(answer.body, name).replace(b"NAME@acme", b"NAME"), headers))
            assert all(answer == answers[0] for answer in answers), (route.path, answers)


async def test_ones_own_session_is_found_as_given_and_whole(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        for name in ("same", "same@acme"):
            answer = await guarded.fetch("GET", f"{SESSIONS}/{name}")
            assert msgspec.json.decode(answer.body)["labels"] == {"team": "acme"}
        answer = await guarded.fetch("GET", f"{SESSIONS}/same", tenant="zeta")
        assert msgspec.json.decode(answer.body)["session_id"] == "same@zeta"


async def test_an_id_that_another_tenant_uses_is_free(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        body = {"graph": HELD, "session_id": "of-zeta", "input": "another request"}
        answer = await guarded.fetch("POST", "/api/v1/workflows/execute", body)
        assert (answer.code, answer.headers["Location"]) == (202, f"{SESSIONS}/of-zeta@acme")
        again = await guarded.fetch("POST", "/api/v1/workflows/execute", {**body, "input": "a third"})
        assert problem(again, 409)["code"] == "session_exists"


async def test_lists_show_ones_own_only(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        for tenant in ("acme", "zeta"):
            client = guarded.client("viewer", tenant)
            rows = (await client.rows()).items
            assert {row.session_id for row in rows} == {f"same@{tenant}", f"of-{tenant}@{tenant}"}
            assert [item.session_id for item in (await client.reviews()).items] == [f"same@{tenant}"]
            assert (await client.rows(label="team:acme")).items == [
                row for row in rows if row.labels.get("team") == "acme"
            ]
            listed = await guarded.fetch("GET", "/api/v1/workflows", role="viewer", tenant=tenant)
            assert [item["workflow_id"] for item in msgspec.json.decode(listed.body)["items"]] == ["w", f"w-{tenant}"]
        problem(await guarded.fetch("GET", "/api/v1/reviews?session_id=of-zeta"), 404)
        problem(await guarded.fetch("GET", "/api/v1/reviews?session_id=same@zeta"), 404)


async def test_a_cursor_of_another_tenant_shows_nothing_of_it(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        page = await guarded.client("viewer", "zeta").rows(limit=1)
        rows = (await guarded.client("viewer").rows(cursor=page.next_cursor)).items
        assert all(row.session_id.endswith("@acme") for row in rows)


async def test_anothers_workflow_is_not_there(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        theirs = await guarded.fetch("GET", "/api/v1/workflows/w-zeta", tenant="zeta")
        version = theirs.headers["ETag"].strip('"')
        for said in ("w-zeta", "zeta%2Fw-zeta", "w-zeta@zeta", "none"):
            for path in (f"/api/v1/workflows/{said}", f"/api/v1/workflows/{said}?version={version}"):
                problem(await guarded.fetch("GET", path), 404)
            problem(await guarded.fetch("DELETE", f"/api/v1/workflows/{said}"), 404)
            body = {"workflow_id": said.replace("%2F", "/")}
            problem(await guarded.fetch("POST", "/api/v1/workflows/execute", body), 404)
        mine = await guarded.fetch("GET", "/api/v1/workflows/w")
        assert len(msgspec.json.decode(mine.body)["nodes"]) == 1
        assert (await guarded.fetch("DELETE", "/api/v1/workflows/w")).code == 204
        assert (await guarded.fetch("GET", "/api/v1/workflows/w", tenant="zeta")).code == 200


async def test_a_fork_stays_in_its_tenant(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        made = await guarded.fetch("POST", f"{SESSIONS}/same/fork", {"after_seq": 1, "session_id": "copy"})
        assert (made.code, msgspec.json.decode(made.body)["session_id"]) == (201, "copy@acme")
        random = await guarded.fetch("POST", f"{SESSIONS}/same/fork", {"after_seq": 1})
        assert msgspec.json.decode(random.body)["session_id"].endswith("@acme")
        problem(await guarded.fetch("GET", f"{SESSIONS}/copy", tenant="zeta"), 404)


async def test_a_session_cannot_reach_anothers_workflow_through_its_nodes(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        for said in ("w-zeta", "zeta/w-zeta"):
            inside = graph({"p": {"type": "subworkflow", "properties": {"workflow_id": said}}})
            client = guarded.client()
            started = await client.execute(inside)
            async for record in client.watch(started.session_id):
                last = record
            assert last.data["error"]["code"] == "unknown_workflow"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_events_of_anothers_session_are_not_there(tmp_path: Path, accept: str) -> None:
    async with guarded_site(tmp_path) as guarded:
        await peopled(guarded)
        for name in ("same@zeta", "of-zeta", "none"):
            headers = {**bearer(guarded.key()), "Accept": accept}
            problem(await guarded.site.fetch("GET", f"{SESSIONS}/{name}/events", headers=headers), 404)
