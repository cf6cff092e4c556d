"""What one tenant may do, and that the others don't feel it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.graphs import chain
from support.people import bearer, guarded_site
from support.site import HELD, Site, problem, site_on

EXECUTE = "/api/v1/workflows/execute"
EVENTS = "/api/v1/sessions/s1/events"


async def test_commands_a_second_are_limited_for_each_tenant(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, commands_per_s=0.5) as guarded:
        body = {"graph": chain(1), "session_id": "s1"}
        assert (await guarded.fetch("POST", EXECUTE, body)).code == 202
        refused = await guarded.fetch("POST", EXECUTE, body)
        assert problem(refused, 429)["code"] == "too_many_requests"
        assert refused.headers["Retry-After"] in ("1", "2")
        assert (await guarded.fetch("POST", EXECUTE, body, tenant="zeta")).code == 202
        assert (await guarded.fetch("GET", "/api/v1/sessions/s1")).code == 200


async def test_calls_that_are_forbidden_count_too(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, commands_per_s=0.5) as guarded:
        problem(await guarded.fetch("POST", EXECUTE, {}, role="viewer"), 403)
        problem(await guarded.fetch("POST", EXECUTE, {}, role="viewer"), 429)


async def test_streams_are_limited_for_each_tenant(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, max_tenant_streams=1) as guarded:
        for tenant in ("acme", "zeta"):
            await guarded.client("admin", tenant).execute(HELD, session_id="s1", start=False)
        mine = f"Authorization: Bearer {guarded.key()}\r\n"
        first = await guarded.site.socket(EVENTS, mine)
        await first.until("stream:live")
        second = await guarded.site.socket(EVENTS, mine)
        assert await second.close_code() == 1013
        sse = await guarded.site.fetch("GET", EVENTS, headers={**bearer(guarded.key()), "Accept": "text/event-stream"})
        assert problem(sse, 429)["code"] == "too_many_streams"
        assert int(sse.headers["Retry-After"]) >= 1
        other = await guarded.site.socket(EVENTS, f"Authorization: Bearer {guarded.key('viewer', 'zeta')}\r\n")
        await other.until("stream:live")
        await other.close()
        await first.send(8, (1000).to_bytes(2, "big"))
        assert await first.close_code() == 1000
        third = await guarded.site.socket(EVENTS, mine)
        await third.until("stream:live")
        await third.close()


async def test_subscriptions_are_limited_for_each_tenant(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, max_tenant_subscriptions=1) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        mine = f"Authorization: Bearer {guarded.key()}\r\n"
        first = await guarded.site.socket(EVENTS, mine)
        await first.until("stream:live")
        assert await (await guarded.site.socket(EVENTS, mine)).close_code() == 1013
        assert guarded.site.server.gateway.subscriptions.of("acme") == 1
        await first.close()


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_unfinished_sessions_are_limited_for_each_tenant(tmp_path: Path, store: str) -> None:
    url = "memory://" if store == "memory" else f"sqlite:///{tmp_path}/s.db"
    async with guarded_site(tmp_path, url, max_tenant_sessions=2) as guarded:
        client = guarded.client()
        await client.execute(HELD, session_id="s1")
        await client.execute(HELD, session_id="s2", start=False)
        for path, body in (
            (EXECUTE, {"graph": HELD}),
            ("/api/v1/sessions", {"graph": HELD}),
            ("/api/v1/sessions/s1/fork", {"after_seq": 1}),
        ):
            refused = await guarded.fetch("POST", path, body)
            assert problem(refused, 429)["code"] == "quota_exceeded"
            assert int(refused.headers["Retry-After"]) >= 1
        await guarded.client("admin", "zeta").execute(HELD, session_id="s1")


async def test_who_asks_again_for_a_session_that_is_there_needs_no_room(tmp_path: Path) -> None:
    async with guarded_site(tmp_path, max_tenant_sessions=3, max_answers=0) as guarded:
        headers = {**bearer(guarded.key()), "Idempotency-Key": "k"}
        await guarded.fetch("POST", EXECUTE, {"graph": HELD, "session_id": "s1"})
        asked = [
            ("/api/v1/sessions", {"graph": HELD}),
            ("/api/v1/sessions/s1/fork", {"after_seq": 1, "session_id": "f1"}),
            (EXECUTE, {"graph": HELD, "session_id": "s1"}),
        ]
        for _ in range(2):
            for path, body in asked:
                answer = await guarded.site.fetch("POST", path, msgspec.json.encode(body), dict(headers))
                assert answer.code in (201, 202), answer.body
                assert "Idempotent-Replayed" not in answer.headers
        other = await guarded.fetch("POST", EXECUTE, {"graph": HELD, "session_id": "s1", "labels": {"a": "b"}})
        assert problem(other, 409)["code"] == "session_exists"
        assert problem(await guarded.fetch("POST", EXECUTE, {"graph": HELD, "session_id": "s4"}), 429)


async def test_the_limit_on_headers_is_answered(lone_site: Site) -> None:
    long = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n"
    answer = await lone_site.send(long)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    assert (await lone_site.fetch("GET", "/livez")).code == 200


async def test_a_socket_takes_no_message_over_its_limit() -> None:
    async with site_on("memory://") as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        socket = await site.socket(EVENTS)
        await socket.until("stream:live")
        await socket.announce(1 << 40)
        assert await socket.close_code() in (1008, 1009)
