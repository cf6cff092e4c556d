"""Who may do what over the command socket, and that nobody sees another tenant's sessions there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from support.people import GuardedSite, guarded_site
from support.site import HELD, RawSocket

from sessiond.gateway.principal import Role

EXECUTE = "/api/v1/workflows/execute"


async def ask(socket: RawSocket, cmd: str, **data: Any) -> dict[str, Any]:
    await socket.send(1, msgspec.json.encode({"cmd": cmd, "data": data, "id": cmd}))
    while "ok" not in (message := await socket.message()):
        pass
    return message


@asynccontextmanager
async def socket_of(guarded: GuardedSite, role: Role = "admin", tenant: str = "acme") -> AsyncIterator[RawSocket]:
    socket = await guarded.site.socket("/ws", f"Authorization: Bearer {guarded.key(role, tenant)}\r\n")
    yield socket
    await socket.close()


async def test_who_does_not_say_who_they_are_is_turned_away_and_nothing_is_done(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        for path in ("/ws", "/api/v1/ws", "/ws?ticket=none"):
            socket = await guarded.site.socket(path)
            await socket.send(1, msgspec.json.encode({"cmd": "start_session", "data": {"graph": HELD}}))
            assert await socket.close_code() == 4401
        assert (await guarded.client().rows()).items == []
        assert not guarded.site.server.gateway.streams


async def test_a_ticket_opens_the_socket_unless_it_is_for_one_session(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.fetch("POST", EXECUTE, {"graph": HELD, "session_id": "s1", "start": False})
        for body, opens in (({}, True), ({"session_id": "s1"}, False)):
            answer = await guarded.fetch("POST", "/api/v1/tickets", body, role="viewer")
            ticket = msgspec.json.decode(answer.body)["ticket"]
            socket = await guarded.site.socket(f"/ws?ticket={ticket}")
            if opens:
                assert (await ask(socket, "ping"))["ok"]
                await socket.close()
            else:
                assert await socket.close_code() == 4401


async def test_a_role_may_do_over_the_socket_what_it_may_do_over_http(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.fetch("POST", EXECUTE, {"graph": HELD, "session_id": "s1"})
        async with socket_of(guarded, "viewer") as viewer:
            for cmd in ("start_session", "pause_session", "resume_session", "stop_session", "cancel_session"):
                assert (await ask(viewer, cmd, session_id="s1"))["problem"]["code"] == "forbidden"
            refused = await ask(viewer, "user_input", session_id="s1", content=1)
            assert refused["problem"]["code"] == "forbidden"
            assert (await ask(viewer, "subscribe", session_id="s1"))["ok"]
        async with socket_of(guarded, "operator") as operator:
            assert (await ask(operator, "pause_session", session_id="s1"))["ok"]
            assert (await ask(operator, "start_session", graph=HELD))["problem"]["code"] == "forbidden"
        async with socket_of(guarded, "author") as author:
            assert (await ask(author, "start_session", graph=HELD))["ok"]


async def test_anothers_session_is_not_there(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.fetch("POST", EXECUTE, {"graph": HELD, "session_id": "s1"}, tenant="zeta")
        async with socket_of(guarded) as socket:
            for name in ("s1", "s1@zeta", "s1@zeta~n~0", "none"):
                for cmd in ("subscribe", "stop_session"):
                    assert (await ask(socket, cmd, session_id=name))["problem"]["code"] == "not_found"
                found = await ask(socket, "user_input", session_id=name, content=1)
                assert found["problem"]["code"] == "not_found"
        assert (await guarded.client("viewer", "zeta").detail("s1")).status == "running"


async def test_all_sessions_are_all_of_ones_own(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded, socket_of(guarded, "viewer") as socket:
        assert (await ask(socket, "subscribe", session_id="*"))["ok"]
        for tenant in ("zeta", "acme"):
            for name in ("s1", "s2"):
                body = {"graph": HELD, "session_id": name}
                assert (await guarded.fetch("POST", EXECUTE, body, tenant=tenant)).code == 202
        guarded.site.go.set()
        seen: list[dict[str, Any]] = []
        while sum(event["event"] == "execution:completed" for event in seen) < 2:
            seen.append(await socket.message())
        assert {event["session_id"] for event in seen} == {"s1@acme", "s2@acme"}


async def test_a_key_that_is_taken_away_ends_the_socket(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        socket = await guarded.site.socket("/ws", f"Authorization: Bearer {guarded.key('viewer')}\r\n")
        assert (await ask(socket, "ping"))["ok"]
        guarded.people.path.write_text("")
        assert await socket.close_code() == 4401


async def test_following_counts_for_the_tenant_and_is_given_back(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, max_tenant_subscriptions=2) as guarded:
        for name in ("s1", "s2"):
            await guarded.fetch("POST", EXECUTE, {"graph": HELD, "session_id": name, "start": False})
        tally = guarded.site.server.gateway.subscriptions
        async with socket_of(guarded) as socket:
            assert (await ask(socket, "subscribe", session_id="*"))["ok"]
            assert (await ask(socket, "subscribe", session_id="s1"))["ok"]
            assert (await ask(socket, "subscribe", session_id="s2"))["problem"]["code"] == "too_many_streams"
            assert (await ask(socket, "unsubscribe", session_id="*"))["ok"]
            assert tally.of("acme") == 1
        while tally.of("acme"):
            await asyncio.sleep(0)


async def test_a_key_is_of_its_tenant_and_a_ticket_is_never_given_twice(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:

        async def post(tenant: str, path: str, body: Any) -> dict[str, Any]:
            headers = {
                "Authorization": f"Bearer {guarded.key('admin', tenant)}",
                "Content-Type": "application/json",
                "Idempotency-Key": "same",
            }
            answer = await guarded.site.fetch("POST", path, msgspec.json.encode(body), headers)
            assert answer.code < 300, answer.body
            found: dict[str, Any] = msgspec.json.decode(answer.body)
            return found

        ids = {tenant: (await post(tenant, EXECUTE, {"graph": HELD}))["session_id"] for tenant in ("acme", "zeta")}
        assert ids["acme"].endswith("@acme")
        assert ids["zeta"].endswith("@zeta")
        assert (await post("acme", EXECUTE, {"graph": HELD}))["session_id"] == ids["acme"]
        tickets = {(await post("acme", "/api/v1/tickets", {}))["ticket"] for _ in range(2)}
        assert len(tickets) == 2
