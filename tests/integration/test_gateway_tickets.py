"""Tickets, as a page uses them: asked for by a header, spent in a URL."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from support.people import guarded_site
from support.site import HELD, problem

EVENTS = "/api/v1/sessions/s1/events"


async def test_a_ticket_opens_one_socket_once(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        issued = await guarded.client("viewer").ticket("s1")
        assert issued.expires_at.endswith("Z")
        socket = await guarded.site.socket(f"{EVENTS}?after=0&ticket={issued.ticket}")
        await socket.until("stream:live")
        again = await guarded.site.socket(f"{EVENTS}?ticket={issued.ticket}")
        assert await again.close_code() == 4401
        await socket.close()


async def test_a_ticket_opens_an_event_stream_but_no_page_and_no_other_call(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1")
        await guarded.client().control("s1", "stop")
        ticket = (await guarded.client("viewer").ticket()).ticket
        for path in (EVENTS, "/api/v1/sessions", "/api/v1/sessions/s1"):
            problem(await guarded.site.fetch("GET", f"{path}?ticket={ticket}"), 401)
        stream = await guarded.site.fetch("GET", f"{EVENTS}?ticket={ticket}", headers={"Accept": "text/event-stream"})
        assert stream.code == 200
        assert b"execution:completed" in stream.body


async def test_a_ticket_is_for_ones_own_sessions_that_exist(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client("admin", "zeta").execute(HELD, session_id="s1", start=False)
        for said in ("s1", "s1@zeta", "none"):
            problem(await guarded.fetch("POST", "/api/v1/tickets", {"session_id": said}), 404)
        ticket = (await guarded.client("viewer").ticket()).ticket
        socket = await guarded.site.socket(f"/api/v1/sessions/s1@zeta/events?ticket={ticket}")
        assert await socket.close_code() == 4404


async def test_a_ticket_dies_with_the_key_it_came_from(tmp_path: Path) -> None:
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        tickets = [(await guarded.client("operator").ticket()).ticket for _ in range(2)]
        socket = await guarded.site.socket(f"{EVENTS}?ticket={tickets[0]}")
        await socket.until("stream:live")
        guarded.people.remove(guarded.key("operator"))
        guarded.site.server.reload()
        assert await socket.close_code() == 4401
        late = await guarded.site.socket(f"{EVENTS}?ticket={tickets[1]}")
        assert await late.close_code() == 4401


async def test_tickets_keys_and_tokens_never_reach_a_log_or_an_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with guarded_site(tmp_path) as guarded:
        await guarded.client().execute(HELD, session_id="s1", start=False)
        ticket = (await guarded.client("viewer").ticket("s1")).ticket
        canaries = ["canary-in-a-header", f"{guarded.key()}x", ticket, guarded.key("viewer")]
        bodies = []
        for secret in canaries:
            for path in ("/api/v1/sessions/s1", EVENTS, "/api/v1/nowhere", "/api/v1/sessions?nonsense=1"):
                mark = "&" if "?" in path else "?"
                for headers in ({"Authorization": f"Bearer {secret}"}, {"Authorization": secret}, {}):
                    for method in ("GET", "POST", "OPTIONS"):
                        answer = await guarded.site.fetch(method, f"{path}{mark}ticket={secret}", None, dict(headers))
                        bodies.append(answer.body + str(list(answer.headers.get_all())).encode())
            socket = await guarded.site.socket(f"{EVENTS}?ticket={secret}&ticket=2")
            opcode, payload = await socket.frame()
            bodies.append(payload)
            assert opcode == 8 or secret == ticket
            await socket.close()
        hub = guarded.site.runtime.hub
        del guarded.site.runtime.hub  # a bug, so that a traceback is logged
        ticket = (await guarded.client("viewer").ticket("s1")).ticket
        broken = await guarded.site.socket(f"{EVENTS}?ticket={ticket}")
        assert await broken.close_code() == 1011
        guarded.site.runtime.hub = hub
        assert "AttributeError" in caplog.text
        for secret in [*canaries, ticket, *(key.split("_", 2)[2] for key in guarded.keys.values())]:
            assert secret not in caplog.text
            assert not any(secret.encode() in body for body in bodies)
