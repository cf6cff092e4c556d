"""Who may answer a review over HTTP and WebSocket: with keys, for whole sessions, their children and their forks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.command import command
from support.graphs import graph
from support.people import GuardedSite, bearer, guarded_site
from support.site import problem, site_on
from support.watching import collect

from sessiond import Runtime, ThreadRuntime
from sessiond.actors.core.errors import InvalidInput, NotReviewer

EXECUTE = "/api/v1/workflows/execute"


def review(**properties: Any) -> dict[str, Any]:
    return graph({"ask": {"type": "human_review", "properties": {"prompt": "Good?", **properties}}}, workflow_id="ask")


class Team:
    """Four people of a tenant, each with a key that may do everything.

    Attributes:
        keys: by name.
        ids: what the log calls them.
    """

    def __init__(self, guarded: GuardedSite) -> None:
        self.guarded = guarded
        self.keys = {name: guarded.people.add("admin", "acme") for name in ("ann", "bob", "cleo", "eve")}
        self.ids = {name: f"key:{guarded.people.entries[key].id}" for name, key in self.keys.items()}

    async def post(self, who: str, path: str, body: Any) -> Any:
        return await self.guarded.site.fetch("POST", path, msgspec.json.encode(body), bearer(self.keys[who]))

    async def get(self, who: str, path: str) -> Any:
        answer = await self.guarded.site.fetch("GET", path, headers=bearer(self.keys[who]))
        assert answer.code == 200, answer.body
        return msgspec.json.decode(answer.body)

    async def start(self, who: str, definition: dict[str, Any], session_id: str = "s1", **more: Any) -> None:
        answer = await self.post(who, EXECUTE, {"graph": definition, "session_id": session_id, **more})
        assert answer.code == 202, answer.body

    async def inbox(self, who: str, query: str = "") -> list[tuple[str, str]]:
        items = (await self.get(who, f"/api/v1/reviews{query}"))["items"]
        return [(item["session_id"], item["node_id"]) for item in items]

    async def events(self, session_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get("ann", f"/api/v1/sessions/{session_id}/events"))["items"]
        return items


@asynccontextmanager
async def team(tmp_path: Path, store_url: str = "memory://") -> AsyncIterator[Team]:
    async with guarded_site(tmp_path, store_url) as guarded:
        made = Team(guarded)
        guarded.site.server.gateway.auth.refresh()
        yield made


WAYS = {
    "review": ("/api/v1/sessions/s1/review", {"node_id": "ask", "action": "approve"}),
    "resume": ("/api/v1/sessions/s1/nodes/ask/resume", {"output": {"action": "approve"}}),
}


@pytest.mark.parametrize("way", WAYS)
async def test_who_may_not_is_told_so_the_review_stays_open_and_nothing_is_logged(tmp_path: Path, way: str) -> None:
    path, body = WAYS[way]
    async with team(tmp_path) as people:
        await people.start("ann", review(reviewers=[people.ids["bob"]]))
        before = await people.events("s1")
        told = problem(await people.post("eve", path, body), 403)
        assert (told["code"], told["title"]) == ("not_reviewer", "Forbidden")
        assert people.ids["bob"] in told["detail"]
        assert await people.events("s1") == before
        assert (await people.post("bob", path, body)).code == 200
        assert (await people.events("s1"))[-1]["event"] == "execution:completed"


@pytest.mark.parametrize("content", [{"action": "approve"}, {"text": "better"}])
async def test_so_it_is_over_a_socket(tmp_path: Path, content: Any) -> None:
    async with team(tmp_path) as people:
        await people.start("ann", review(reviewers=[people.ids["bob"]]))
        for who, may in (("eve", False), ("bob", True)):
            socket = await people.guarded.site.socket("/ws", f"Authorization: Bearer {people.keys[who]}\r\n")
            data = {"session_id": "s1", "content": content}
            await socket.send(1, msgspec.json.encode({"cmd": "user_input", "data": data, "id": 1}))
            answer = await socket.message()
            assert answer["ok"] is may
            if not may:
                assert (answer["problem"]["status"], answer["problem"]["code"]) == (403, "not_reviewer")
            await socket.close()


async def test_a_signal_is_no_way_round(tmp_path: Path) -> None:
    async with team(tmp_path) as people:
        await people.start("ann", review(reviewers=[people.ids["bob"]]))
        told = problem(await people.post("bob", "/api/v1/sessions/s1/signal", {"node_id": "ask", "payload": 1}), 409)
        assert told["code"] == "not_waiting"


async def test_an_idempotency_key_is_no_way_round(tmp_path: Path) -> None:
    path, body = WAYS["review"]
    async with team(tmp_path) as people:
        await people.start("ann", review(reviewers=[people.ids["bob"]]))
        site = people.guarded.site
        for who, status in (("eve", 403), ("eve", 403), ("bob", 200)):
            headers = {**bearer(people.keys[who]), "Idempotency-Key": "k"}
            answer = await site.fetch("POST", path, msgspec.json.encode(body), headers)
            assert answer.code == status
        resumed = [event["data"] for event in await people.events("s1") if event["event"] == "node_resumed"]
        assert [data["reviewer"] for data in resumed] == [people.ids["bob"]]


async def test_four_eyes_are_those_of_somebody_who_neither_created_nor_started_it(tmp_path: Path) -> None:
    path, body = WAYS["review"]
    async with team(tmp_path, f"sqlite:///{tmp_path}/s.db") as people:
        await people.start("ann", review(four_eyes=True), start=False)
        await people.post("bob", "/api/v1/sessions/s1/control", {"action": "start"})
        for who in ("ann", "bob"):
            assert problem(await people.post(who, path, body), 403)["code"] == "not_reviewer"
            assert await people.inbox(who) == []
        assert await people.inbox("cleo") == [("s1@acme", "ask")]
        asked = [event for event in await people.events("s1") if event["event"] == "human_interaction_required"]
        assert asked[0]["data"]["excluded"] == [people.ids["ann"], people.ids["bob"]]
        assert (await people.post("cleo", path, body)).code == 200


async def test_the_list_of_reviews_is_of_those_that_the_caller_may_answer(tmp_path: Path) -> None:
    async with team(tmp_path) as people:
        await people.start("ann", review(reviewers=[people.ids["bob"]]), "s1")
        await people.start("ann", review(four_eyes=True), "s2")
        await people.start("ann", review(), "s3")
        both = [("s3@acme", "ask"), ("s2@acme", "ask")]
        assert await people.inbox("ann") == both[:1]
        assert await people.inbox("cleo") == both
        assert await people.inbox("bob") == [*both, ("s1@acme", "ask")]
        assert await people.inbox("bob", "?session_id=s1") == [("s1@acme", "ask")]
        assert await people.inbox("ann", "?session_id=s1") == []


async def test_a_child_session_is_reviewed_by_others_than_began_its_parent(tmp_path: Path) -> None:
    mapped = graph({"m": {"type": "map", "properties": {"items": [1], "workflow": review(four_eyes=True)}}})
    nested = graph({"n": {"type": "map", "properties": {"items": [1], "workflow": mapped}}}, workflow_id="nested")
    async with team(tmp_path) as people:
        socket = await people.guarded.site.socket("/ws", f"Authorization: Bearer {people.keys['ann']}\r\n")
        await socket.send(1, b'{"cmd":"subscribe","data":{"session_id":"*"}}')
        assert (await socket.message())["ok"]
        await people.start("ann", nested)
        while (message := await socket.message()).get("event") != "human_interaction_required":
            pass
        await socket.close()
        child = message["session_id"]
        assert child == "s1@acme~n~0~m~0"
        path, body = f"/api/v1/sessions/{child}/review", {"node_id": "ask", "action": "approve"}
        assert problem(await people.post("ann", path, body), 403)["code"] == "not_reviewer"
        assert (await people.post("bob", path, body)).code == 200


async def test_a_fork_is_of_whoever_forks_and_of_those_who_began_its_original(tmp_path: Path) -> None:
    async with team(tmp_path) as people:
        await people.start("ann", review(four_eyes=True))
        fork = {"from_node": "ask", "session_id": "f1"}
        assert (await people.post("bob", "/api/v1/sessions/s1/fork", fork)).code == 201
        path, body = "/api/v1/sessions/f1/review", {"node_id": "ask", "action": "approve"}
        for who in ("ann", "bob"):
            assert problem(await people.post(who, path, body), 403)["code"] == "not_reviewer"
        assert (await people.post("cleo", path, body)).code == 200


async def test_a_fork_takes_no_answer_along_to_another_input(tmp_path: Path) -> None:
    held = {"type": "human_review", "properties": {"prompt": "Go?"}}
    async with team(tmp_path) as people:
        asks = {**held, "next_ids": ["go"], "properties": {"prompt": "Good?", "reviewers": [people.ids["bob"]]}}
        await people.start("ann", graph({"ask": asks, "go": held}))
        assert (await people.post("bob", *WAYS["review"])).code == 200
        fork = {"from_node": "go", "input": {"sum": 1_000_000}}
        assert problem(await people.post("ann", "/api/v1/sessions/s1/fork", fork), 403)["code"] == "not_reviewer"
        assert (await people.post("ann", "/api/v1/sessions/s1/fork", {"from_node": "go"})).code == 201
        assert (await people.post("ann", "/api/v1/sessions/s1/fork", fork | {"from_node": "ask"})).code == 201
        assert (await people.post("bob", "/api/v1/sessions/s1/fork", fork)).code == 201


async def test_it_holds_after_a_restart(tmp_path: Path) -> None:
    url, path, body = f"sqlite:///{tmp_path}/s.db", *WAYS["review"]
    async with team(tmp_path, url) as people:
        await people.start("ann", review(four_eyes=True))
    async with guarded_site(tmp_path, url) as guarded:
        again = msgspec.json.encode(body)
        assert (await guarded.site.fetch("POST", path, again, bearer(people.keys["ann"]))).code == 403
        assert (await guarded.site.fetch("POST", path, again, bearer(people.keys["bob"]))).code == 200


async def test_where_nobody_says_who_they_are_everybody_may(tmp_path: Path) -> None:
    path, body = WAYS["review"]
    async with site_on("memory://") as site:
        await site.client.execute(review(reviewers=["ann"], four_eyes=True), session_id="s1")
        assert len((await site.client.reviews()).items) == 1
        assert (await site.post(path, body)).code == 200


async def test_an_embedding_program_says_who_answers_and_is_trusted_if_it_does_not() -> None:
    async with Runtime.open("memory://") as runtime:
        definition = review(reviewers=["bob", "ann"], four_eyes=True)
        session = await runtime.start(definition, by="ann")
        for who in ("ann", "eve"):
            with pytest.raises(NotReviewer):
                await session.review("ask", "approve", reviewer=who)
        fork = await session.fork(from_node="ask", by="bob")
        with pytest.raises(NotReviewer):
            await fork.review("ask", "approve", reviewer="bob")
        await fork.review("ask", "approve")
        await session.review("ask", "approve", reviewer="bob")
        assert (await session.result())["reviewer"] == "bob"
        created = (await collect(session))[0]
        assert created.data["by"] == "ann"
        with pytest.raises(InvalidInput, match=r"\$\.by"):
            await runtime.start(definition, by=1)
        with pytest.raises(InvalidInput, match=r"\$\.by"):
            await session.fork(from_node="ask", by="\ud800")


def test_so_does_one_on_threads() -> None:
    with ThreadRuntime("memory://") as runtime:
        session = runtime.start(review(four_eyes=True), by="ann")
        with pytest.raises(NotReviewer):
            session.resume_node("ask", 1, by="ann")
        fork = session.fork(from_node="ask", by="bob")
        with pytest.raises(NotReviewer):
            fork.review("ask", "approve", reviewer="bob")
        session.review("ask", "approve", reviewer="bob")
        assert session.result()["reviewer"] == "bob"


async def test_the_command_line_says_why_not(tmp_path: Path) -> None:
    async with team(tmp_path) as people:
        await people.start("ann", review(reviewers=[people.ids["bob"]]))
        url = people.guarded.site.url
        for node in ([], ["--node", "ask"]):
            done = await asyncio.to_thread(
                command, "review", "s1", "approve", *node, "--server", url, env={"SESSIOND_TOKEN": people.keys["eve"]}
            )
            assert done.returncode == 1, done.stderr
            assert f"may not answer for node 'ask': its reviewers are '{people.ids['bob']}'" in done.stderr
        listed = await asyncio.to_thread(
            command, "review", "s1", "--server", url, env={"SESSIOND_TOKEN": people.keys["eve"]}
        )
        assert listed.stdout == "no reviews wait\n"
        done = await asyncio.to_thread(
            command, "review", "s1", "approve", "--server", url, env={"SESSIOND_TOKEN": people.keys["bob"]}
        )
        assert done.returncode == 0, done.stderr
