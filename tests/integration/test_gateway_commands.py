"""Commands, answers and the events of many sessions over one WebSocket."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from support.graphs import chain, graph
from support.site import HELD, REVIEW, TALK, RawSocket, Site, seqs, site_on

SIGNAL = graph({"w": {"type": "signal", "properties": {"name": "paid"}}}, workflow_id="wait")
BOTH = graph(
    {
        "p": {"type": "parallel", "next_ids": ["ask", "w"]},
        "ask": {"type": "human_review", "properties": {"prompt": "Good?"}},
        "w": {"type": "signal", "properties": {"name": "paid"}},
    },
    workflow_id="both",
)


class Wire:
    """A command socket. Events that come before an answer are kept for `until`."""

    def __init__(self, socket: RawSocket) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self._number = 0

    async def tell(self, cmd: str, **data: Any) -> int:
        self._number += 1
        await self.socket.send(1, msgspec.json.encode({"cmd": cmd, "data": data, "id": self._number}))
        return self._number

    async def ask(self, cmd: str, **data: Any) -> dict[str, Any]:
        return await self.answer(await self.tell(cmd, **data))

    async def answer(self, number: object) -> dict[str, Any]:
        while True:
            message = await self.socket.message()
            if "ok" not in message:
                self.events.append(message)
                continue
            assert message["reply_to"] == number
            return message

    async def ok(self, cmd: str, **data: Any) -> Any:
        answer = await self.ask(cmd, **data)
        assert answer["ok"], answer
        return answer["result"]

    async def refused(self, cmd: str, **data: Any) -> dict[str, Any]:
        answer = await self.ask(cmd, **data)
        assert not answer["ok"], answer
        problem: dict[str, Any] = answer["problem"]
        return problem

    async def until(self, event: str, session_id: str) -> list[dict[str, Any]]:
        """The events of one session up to the first of that name, by seq from where they begin, without a gap."""
        mine: list[dict[str, Any]] = []
        for index in itertools.count():
            if index == len(self.events):
                self.events.append(await self.socket.message())
            if self.events[index]["session_id"] == session_id:
                mine.append(self.events[index])
                if mine[-1]["event"] == event:
                    break
        found = seqs(mine)
        assert found == list(range(found[0], found[0] + len(found)))
        return mine


@asynccontextmanager
async def wired(site: Site, path: str = "/ws") -> AsyncIterator[Wire]:
    socket = await site.socket(path)
    try:
        yield Wire(socket)
    finally:
        await socket.close()


@pytest.mark.parametrize("path", ["/ws", "/api/v1/ws"])
async def test_a_ping_is_answered(lone_site: Site, path: str) -> None:
    async with wired(lone_site, path) as wire:
        assert await wire.ok("ping") == {"pong": True}


async def test_a_session_is_run_and_watched_over_one_socket(site: Site) -> None:
    async with wired(site) as wire:
        started = await wire.ok("start_session", graph=HELD, session_id="s1", input=1)
        assert (started["session_id"], started["status"]) == ("s1", "started")
        assert await wire.ok("subscribe", session_id="s1") == {"session_id": "s1", "after": 0}
        await site.started.get()
        paused = await wire.ok("pause_session", session_id="s1", reason="lunch")
        assert (paused["status"], paused["in_flight"]) == ("paused", ["a"])
        await wire.ok("resume_session", session_id="s1")
        site.go.set()
        seen = await wire.until("execution:completed", "s1")
        assert seqs(seen)[0] == 1
        assert seen[-1]["data"]["status"] == "completed"
        detail = await site.client.detail("s1")
        assert seen[-1]["seq"] == detail.seq


async def test_a_pending_session_is_started_stopped_and_cancelled(site: Site) -> None:
    async with wired(site) as wire:
        for name, command, status in (("s1", "stop_session", "failed"), ("s2", "cancel_session", "cancelled")):
            await site.client.execute(HELD, session_id=name, start=False)
            assert (await wire.ok("start_session", session_id=name))["status"] == "running"
            assert (await wire.ok(command, session_id=name))["status"] == status


async def test_a_review_and_a_signal_are_answered_as_input(site: Site) -> None:
    async with wired(site) as wire:
        await site.client.execute(REVIEW, session_id="r")
        await site.client.execute(SIGNAL, session_id="w")
        for session_id in "rw":
            await wire.ok("subscribe", session_id=session_id)
        await wire.until("human_interaction_required", "r")
        await wire.until("signal_awaited", "w")
        assert (await wire.ok("user_input", session_id="r", content="Better."))["status"] == "resumed"
        assert (await wire.ok("user_input", session_id="w", content={"sum": 5}))["status"] == "signal_sent"
        review = await wire.until("execution:completed", "r")
        data = next(e["data"] for e in review if e["event"] == "node_resumed")
        assert (data["review_action"], data["data"]) == ("modify", "Better.")
        await wire.until("execution:completed", "w")
        assert (await wire.refused("user_input", session_id="w", content=1))["code"] == "ambiguous"


async def test_input_that_may_be_for_several_nodes_must_say_for_which(lone_site: Site) -> None:
    async with wired(lone_site) as wire:
        await lone_site.client.execute(BOTH, session_id="s1")
        await wire.ok("subscribe", session_id="s1")
        await wire.until("human_interaction_required", "s1")
        await wire.until("signal_awaited", "s1")
        found = await wire.refused("user_input", session_id="s1", content="yes")
        assert "ask, w" in found["detail"]
        given = {"action": "approve", "data": 1}
        assert (await wire.ok("user_input", session_id="s1", node_id="ask", content=given))["status"] == "resumed"
        assert (await wire.refused("user_input", session_id="s1", node_id="ask", content=1))["code"] == "not_waiting"
        assert (await wire.refused("user_input", session_id="s1", node_id="x", content=1))["code"] == "not_found"


@pytest.mark.parametrize(
    ("cmd", "data", "code"),
    [
        ("brew", {}, "invalid"),
        ("ping", {"x": 1}, "invalid"),
        ("pause_session", {}, "invalid"),
        ("pause_session", {"session_id": "none"}, "not_found"),
        ("subscribe", {"session_id": "none"}, "not_found"),
        ("subscribe", {"session_id": "*", "after": 3}, "invalid"),
        ("start_session", {"graph": {}, "session_id": "s"}, "invalid_workflow"),
        ("resume_session", {"session_id": "s1"}, "refused"),
    ],
)
async def test_a_refusal_is_a_problem_and_the_socket_goes_on(
    lone_site: Site, cmd: str, data: dict[str, Any], code: str
) -> None:
    await lone_site.client.execute(HELD, session_id="s1", start=False)
    async with wired(lone_site) as wire:
        assert (await wire.refused(cmd, **data))["code"] == code
        await wire.ok("ping")


@pytest.mark.parametrize("message", [b"", b"{", b"[]", b'{"cmd":1}', b'{"cmd":"ping","x":1}', b'{"cmd":"a","cmd":"b"}'])
async def test_what_is_no_command_is_answered_too(lone_site: Site, message: bytes) -> None:
    async with wired(lone_site) as wire:
        for opcode in (1, 2):
            await wire.socket.send(opcode, message)
            answer = await wire.answer(None)
            assert answer["problem"]["status"] in (400, 422)


async def test_a_star_follows_every_session_live(site: Site) -> None:
    await site.client.execute(HELD, session_id="before")
    await site.started.get()
    async with wired(site) as wire:
        await wire.ok("subscribe", session_id="*")
        for number in range(5):
            await site.client.execute(chain(3), session_id=f"s{number}")
        for number in range(5):
            seen = await wire.until("execution:completed", f"s{number}")
            assert seqs(seen)[0] == 1
        site.go.set()
        seen = await wire.until("execution:completed", "before")
        assert seqs(seen)[0] > 1
        assert seqs(seen)[-1] == (await site.client.detail("before")).seq


async def test_who_follows_a_session_and_all_sees_it_once(lone_site: Site) -> None:
    async with wired(lone_site) as wire:
        await lone_site.client.execute(HELD, session_id="s1")
        await wire.ok("subscribe", session_id="*")
        await wire.ok("subscribe", session_id="s1")
        lone_site.go.set()
        await wire.until("execution:completed", "s1")
        await lone_site.client.execute(chain(1), session_id="s2")
        await wire.until("execution:completed", "s2")
        assert seqs([e for e in wire.events if e["session_id"] == "s1"])[0] == 1


async def test_after_unsubscribing_nothing_comes_and_the_answer_says_where_it_ended(site: Site) -> None:
    async with wired(site) as wire:
        await site.client.execute(TALK, session_id="s1")
        await wire.ok("subscribe", session_id="s1")
        await wire.until("token_stream", "s1")
        ended = await wire.ok("unsubscribe", session_id="s1")
        assert ended["seq"] == max(seqs(wire.events))
        before = len(wire.events)
        await wire.ok("stop_session", session_id="s1")
        await wire.ok("ping")
        assert len(wire.events) == before
        assert "seq" not in await wire.ok("unsubscribe", session_id="s1")
        await wire.ok("subscribe", session_id="s1", after=ended["seq"])
        seen = await wire.until("execution:completed", "s1")
        assert seqs(wire.events)[: len(wire.events)] == list(range(1, seen[-1]["seq"] + 1))


async def test_no_session_starves_another_and_answers_come_between(site: Site) -> None:
    async with wired(site) as wire:
        for number in range(8):
            await site.client.execute(TALK, session_id=f"t{number}")
            await wire.ok("subscribe", session_id=f"t{number}")
        wire.events.clear()
        while len(wire.events) < 4_000:
            await wire.ok("ping")
            wire.events.append(await wire.socket.message())
            while wire.events[-1]["event"] != "token_stream" or len(wire.events) % 200:
                wire.events.append(await wire.socket.message())
        counts = {f"t{number}": 0 for number in range(8)}
        for event in wire.events:
            counts[event["session_id"]] += 1
        assert min(counts.values()) * 4 > max(counts.values())
        site.go.set()
        for session_id in counts:
            await wire.until("execution:completed", session_id)


async def test_an_ended_session_makes_room(lone_site: Site) -> None:
    lone_site.go.set()
    async with wired(lone_site) as wire:
        for number in range(lone_site.server.gateway.settings.max_subscriptions + 3):
            await lone_site.client.execute(HELD, session_id=f"s{number}")
            while not (await wire.ask("subscribe", session_id=f"s{number}"))["ok"]:
                wire.events.append(await wire.socket.message())
            await wire.until("execution:completed", f"s{number}")


async def test_too_many_subscriptions_and_the_same_twice_are_refused() -> None:
    async with site_on("memory://", max_subscriptions=2) as site, wired(site) as wire:
        for session_id in ("s1", "s2", "s3"):
            await site.client.execute(HELD, session_id=session_id, start=False)
        await wire.ok("subscribe", session_id="s1")
        assert (await wire.refused("subscribe", session_id="s1"))["code"] == "already_subscribed"
        await wire.ok("subscribe", session_id="*")
        assert (await wire.refused("subscribe", session_id="s2"))["code"] == "overloaded"
        assert (await wire.refused("subscribe", session_id="*"))["code"] == "already_subscribed"
        await wire.ok("unsubscribe", session_id="*")
        await wire.ok("subscribe", session_id="s2")


async def test_too_many_commands_end_the_connection() -> None:
    async with site_on("memory://", max_commands_s=5) as site, wired(site) as wire:
        for _ in range(40):
            await wire.tell("ping")
        assert await wire.socket.close_code() == 4429


async def test_a_drain_says_goodbye_after_the_answer(site: Site) -> None:
    async with wired(site) as wire:
        await wire.ok("ping")
        draining = asyncio.ensure_future(site.server.drain())
        assert await wire.socket.close_code() == 1001
        await draining


async def test_a_closed_socket_leaves_nothing_behind(lone_site: Site) -> None:
    await lone_site.client.execute(HELD, session_id="s1")
    async with wired(lone_site) as wire:
        await wire.ok("subscribe", session_id="s1")
        await wire.ok("subscribe", session_id="*")
        assert lone_site.runtime.hub.watched("s1")
        assert lone_site.runtime.hub.taps == 1
        await wire.socket.send(8, (1000).to_bytes(2, "big"))
        assert await wire.socket.close_code() == 1000
    while lone_site.runtime.hub.watched("s1"):
        await asyncio.sleep(0)
    assert lone_site.runtime.hub.taps == 0
    assert not lone_site.server.gateway.streams


async def test_a_foreign_page_and_too_many_are_kept_out() -> None:
    async with site_on("memory://", max_streams=1) as site, wired(site) as wire:
        await wire.ok("ping")
        with pytest.raises(ConnectionRefusedError, match="403"):
            await site.socket("/ws", "Origin: https://evil.example\r\n")
        second = await site.socket("/ws")
        assert await second.close_code() == 1013


async def test_who_asks_for_all_and_does_not_read_is_told() -> None:
    flood = graph({"t": {"type": "flood"}})
    async with site_on("memory://") as site:

        @site.runtime.registry.node("flood")
        async def flood_node(context: Any) -> None:
            while not site.go.is_set():
                await context.emit("x" * 20_000)

        async with wired(site) as wire:
            await wire.ok("subscribe", session_id="*")
            await site.client.execute(flood, session_id="s1")
            while site.runtime.hub.taps:
                await asyncio.sleep(0)
            site.go.set()
            assert await wire.socket.close_code() == 4408


async def test_a_slow_reader_of_one_session_is_served_from_the_log(tmp_path: Any) -> None:
    async with site_on(f"sqlite:///{tmp_path}/s.db") as site, wired(site) as wire:
        await site.client.execute(TALK, session_id="s1")
        await wire.ok("subscribe", session_id="s1")
        async for record in site.client.watch("s1"):
            if record.seq == 20_000:
                site.go.set()
        seen = await wire.until("execution:completed", "s1")
        assert seqs(seen)[0] == 1
        assert seen[-1]["seq"] > 20_000
