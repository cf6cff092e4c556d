"""A command socket that goes on beyond the end of the token it was opened with, by a fresh one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from support.people import guarded_site
from support.site import HELD, RawSocket, Site, site_on

from sessiond.actors.core.timestamps import stamp
from sessiond.gateway.auth import Authenticator

SECRET = b"0123456789abcdef0123456789abcdef"
START = 1_000_000.0


class Office:
    """A site that takes tokens, by a clock of the test's.

    Attributes:
        now: seconds since the epoch, as the server sees them.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.now = START

    def token(self, ends: float, name: str = "ann", tenant: str = "acme", roles: tuple[str, ...] = ("author",)) -> str:
        return jwt.encode({"sub": name, "exp": START + ends, "tenant": tenant, "roles": roles}, SECRET)

    async def socket(self, token: str) -> RawSocket:
        return await self.site.socket("/ws", f"Authorization: Bearer {token}\r\n")

    def pass_to(self, seconds: float) -> None:
        """It is that many seconds after the start now, and whoever's leave has ended is told."""
        self.now = START + seconds
        self.site.server.gateway.expel_invalid()


@asynccontextmanager
async def office(directory: Path, **settings: Any) -> AsyncIterator[Office]:
    (directory / "secret").write_bytes(SECRET)
    given = {"jwt_key": str(directory / "secret"), "jwt_algorithm": "HS256", **settings}
    async with site_on("memory://", **given) as site:
        made = Office(site)
        gateway = site.server.gateway
        gateway.auth = Authenticator(gateway.settings, lambda: made.now)
        yield made


async def ask(socket: RawSocket, cmd: str, **data: Any) -> dict[str, Any]:
    await socket.send(1, msgspec.json.encode({"cmd": cmd, "data": data, "id": cmd}))
    while "ok" not in (message := await socket.message()):
        pass
    return message


async def refused(socket: RawSocket, token: str) -> dict[str, Any]:
    answer = await ask(socket, "authenticate", token=token)
    assert not answer["ok"]
    found: dict[str, Any] = answer["problem"]
    return found


async def test_a_socket_goes_on_with_a_fresh_token_and_ends_with_that_one(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        socket = await made.socket(made.token(10))
        assert (await ask(socket, "start_session", graph=HELD, session_id="s1"))["ok"]
        assert (await ask(socket, "subscribe", session_id="s1"))["ok"]
        answer = await ask(socket, "authenticate", token=made.token(20))
        told = {"name": "ann", "tenant": "acme", "roles": ["author"], "expires_at": stamp(START + 20)}
        assert answer == {"reply_to": "authenticate", "ok": True, "result": told}
        made.pass_to(19)
        assert (await ask(socket, "ping"))["ok"]
        made.site.go.set()
        await socket.until("execution:completed")
        made.pass_to(20)
        assert await socket.close_code() == 4401
        while made.site.server.gateway.streams:
            await asyncio.sleep(0)


async def test_a_socket_without_a_fresh_token_ends_with_its_first(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        sockets = [await made.socket(made.token(ends)) for ends in (10, 30)]
        for socket in sockets:
            assert (await ask(socket, "ping"))["ok"]
        assert (await ask(sockets[1], "authenticate", token=made.token(10)))["ok"]
        made.now = START + 10  # before the server has looked round, the next command is refused already
        for socket in sockets:
            await socket.send(1, msgspec.json.encode({"cmd": "authenticate", "data": {"token": made.token(40)}}))
            assert await socket.close_code() == 4401


async def test_a_token_of_somebody_else_changes_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        socket = await made.socket(made.token(10, roles=("operator",)))
        for token in (made.token(90, tenant="zeta"), made.token(90, name="bob"), made.token(90, roles=())):
            assert (await refused(socket, token))["status"] == 403
        answer = await ask(socket, "start_session", graph=HELD)
        assert answer["problem"]["code"] == "forbidden", "it has the roles that it had"
        made.pass_to(9)
        assert (await ask(socket, "ping"))["ok"]
        made.pass_to(10)
        assert await socket.close_code() == 4401


async def test_commands_obey_the_roles_of_the_fresh_token(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        socket = await made.socket(made.token(10))
        assert (await ask(socket, "start_session", graph=HELD, session_id="s1"))["ok"]
        assert (await ask(socket, "authenticate", token=made.token(20, roles=("viewer",))))["ok"]
        assert (await ask(socket, "stop_session", session_id="s1"))["problem"]["code"] == "forbidden"
        assert (await ask(socket, "authenticate", token=made.token(20, roles=("operator",))))["ok"]
        assert (await ask(socket, "stop_session", session_id="s1"))["ok"]
        await socket.close()


async def test_wrong_tokens_count_for_the_lock_out_and_are_told_to_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with office(tmp_path, max_auth_failures=2) as made:
        socket = await made.socket(made.token(10))
        wrong = ["sdk_000000000000_" + "x" * 43, made.token(90) + "x"]
        told = [await refused(socket, token) for token in wrong]
        assert [found["status"] for found in told] == [401, 401]
        assert (await refused(socket, made.token(20)))["code"] == "locked_out"
        assert (await ask(socket, "ping"))["ok"]
        lockout = made.site.server.gateway.auth.lockout
        assert (lockout.failures, lockout.refusals) == (2, 1)
        for said in (caplog.text, str(told)):
            assert not any(token in said for token in wrong)
        made.pass_to(10)
        assert await socket.close_code() == 4401


async def test_a_token_without_an_end_in_sight_is_told_as_far_as_a_time_can_say(tmp_path: Path) -> None:
    async with office(tmp_path) as made:
        socket = await made.socket(made.token(10))
        answer = await ask(socket, "authenticate", token=made.token(1e300))
        assert answer["result"]["expires_at"] == "9999-12-31T23:59:59.000000Z"
        await socket.close()


async def test_a_key_renews_what_was_opened_by_a_ticket_of_its_own(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        issued = await guarded.fetch("POST", "/api/v1/tickets", {}, role="viewer")
        socket = await guarded.site.socket(f"/ws?ticket={msgspec.json.decode(issued.body)['ticket']}")
        answer = await ask(socket, "authenticate", token=guarded.key("viewer"))
        assert (answer["result"]["roles"], answer["result"]["expires_at"]) == (["viewer"], None)
        for role, tenant in (("admin", "acme"), ("viewer", "zeta")):
            assert (await refused(socket, guarded.keys[tenant, role]))["code"] == "forbidden"  # type: ignore[index]
        guarded.people.remove(guarded.key("viewer"))
        assert await socket.close_code() == 4401


async def test_where_nobody_has_to_say_who_they_are_any_token_will_do() -> None:
    async with site_on("memory://") as site:
        socket = await site.socket("/ws")
        answer = await ask(socket, "authenticate", token="whatever")
        told = {"name": "anonymous", "tenant": "default", "roles": ["admin"], "expires_at": None}
        assert answer["result"] == told
        await socket.close()
        while site.server.gateway.streams:
            await asyncio.sleep(0)
