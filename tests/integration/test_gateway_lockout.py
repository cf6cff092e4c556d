"""Wrong credentials, again and again, through a real server."""

from __future__ import annotations

import os
from pathlib import Path

from support.people import guarded_site
from support.site import problem

SESSIONS = "/api/v1/sessions"


def wrong() -> dict[str, str]:
    return {"Authorization": f"Bearer sdk_{os.urandom(6).hex()}_{'x' * 43}"}


async def test_who_guesses_is_answered_429_and_so_is_everybody_at_that_address(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, max_auth_failures=3) as guarded:
        site = guarded.site
        for _ in range(5):
            problem(await site.fetch("GET", SESSIONS, headers={}), 401)  # says nothing, so guesses nothing
        assert (await guarded.fetch("GET", SESSIONS)).code == 200
        for _ in range(3):
            problem(await site.fetch("GET", SESSIONS, headers=wrong()), 401)
        refused = await site.fetch("GET", SESSIONS, headers=wrong())
        assert problem(refused, 429)["code"] == "locked_out"
        assert 15 <= int(refused.headers["Retry-After"]) <= 20
        problem(await guarded.fetch("GET", SESSIONS), 429)
        socket = await site.socket("/ws", f"Authorization: {wrong()['Authorization']}\r\n")
        assert await socket.close_code() == 4429
        assert (await site.fetch("GET", "/livez")).code == 200
        lockout = site.server.gateway.auth.lockout
        assert (lockout.failures, lockout.refusals) == (3, 3)


async def test_wrong_tickets_count_and_right_keys_do_not(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, max_auth_failures=2) as guarded:
        for _ in range(20):
            assert (await guarded.fetch("GET", SESSIONS)).code == 200
        for code in (4401, 4401, 4429):
            socket = await guarded.site.socket(f"/ws?ticket={os.urandom(32).hex()}")
            assert await socket.close_code() == code
