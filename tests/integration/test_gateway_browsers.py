"""Foreign pages, over real connections."""

from __future__ import annotations

import pytest
from support.graphs import chain
from support.site import HELD, Site, problem, site_on

SESSIONS = "/api/v1/sessions"
EXECUTE = "/api/v1/workflows/execute"
FRIEND = "https://console.example"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


async def test_a_rebound_name_gets_nothing_on_any_path(lone_site: Site) -> None:
    await lone_site.client.execute(HELD, session_id="s1", start=False)
    for path in ("/livez", SESSIONS, f"{SESSIONS}/s1/events", "/nowhere"):
        answer = await lone_site.fetch("GET", path, headers={"Host": "evil.example"})
        found = problem(answer, 403)
        assert "allowed_hosts" in found["detail"]
    host, port = lone_site.url.removeprefix("http://").split(":")
    upgrade = (
        f"GET {SESSIONS}/s1/events HTTP/1.1\r\nHost: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    reader, writer = await lone_site.connect()
    writer.write(upgrade.encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 403 ")
    writer.close()
    await writer.wait_closed()
    assert host == "127.0.0.1"


async def test_a_page_of_another_origin_cannot_change_anything(lone_site: Site) -> None:
    foreign = {"Origin": "https://evil.example", "Content-Type": "application/json"}
    problem(await lone_site.fetch("POST", EXECUTE, b"{}", foreign), 403)
    problem(await lone_site.fetch("DELETE", f"{SESSIONS}/s1", None, foreign), 403)
    own = {"Origin": lone_site.url, "Content-Type": "application/json"}
    problem(await lone_site.fetch("POST", EXECUTE, b"{}", own), 422)


async def test_no_answer_can_be_read_by_a_page_of_another_origin(lone_site: Site) -> None:
    answer = await lone_site.fetch("GET", SESSIONS, headers={"Origin": "https://evil.example"})
    assert answer.code == 200
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_pages_of_a_named_origin_may_preflight_call_and_read() -> None:
    async with site_on("memory://", allowed_origins=(FRIEND,)) as site:
        asks = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
        preflight = await site.fetch("OPTIONS", EXECUTE, headers=asks)
        assert (preflight.code, preflight.body) == (204, b"")
        assert preflight.headers["Access-Control-Allow-Origin"] == FRIEND
        assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
        assert preflight.headers["Vary"] == "Origin"
        stranger = await site.fetch("OPTIONS", EXECUTE, headers={**asks, "Origin": "https://evil.example"})
        assert stranger.code == 405
        assert "Access-Control-Allow-Origin" not in stranger.headers
        called = await site.fetch("POST", EXECUTE, b"{}", {"Origin": FRIEND, "Content-Type": "application/json"})
        assert problem(called, 422)
        assert called.headers["Access-Control-Allow-Origin"] == FRIEND
        assert "ETag" in called.headers["Access-Control-Expose-Headers"]
        stream = {"Origin": FRIEND, "Accept": "text/event-stream"}
        await site.client.execute(chain(1), session_id="s1")
        answer = await site.fetch("GET", f"{SESSIONS}/s1/events", headers=stream)
        assert answer.headers["Access-Control-Allow-Origin"] == FRIEND


@pytest.mark.parametrize("path", ["/livez", SESSIONS, "/nowhere", f"{SESSIONS}/none"])
async def test_every_answer_tells_browsers_to_be_careful_and_sets_no_cookie(lone_site: Site, path: str) -> None:
    for headers in ({}, {"Host": "evil.example"}):
        answer = await lone_site.fetch("GET", path, headers=dict(headers))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        assert "Server" not in answer.headers


@pytest.mark.parametrize("path", ["/ws", "/api/v1/ws", f"{SESSIONS}/s1/events"])
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 400),
        ("GET", {"Connection": "Upgrade"}, 400),
        ("GET", {"Connection": "Upgrade", "Upgrade": "h2c, websocket", "Sec-WebSocket-Key": KEY}, 400),
        ("POST", {}, 405),
        ("GET", {"Origin": "https://evil.example", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY}, 403),
        ("GET", {"Origin": "http://[", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY}, 403),
        ("POST", {"Origin": "http://["}, 403),
    ],
)
async def test_what_is_no_handshake_is_answered_like_any_other_request(
    lone_site: Site, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    given = {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", **headers}
    answer = await lone_site.fetch(method, path, None, given)
    problem(answer, status)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]
    assert "Server" not in answer.headers
    assert answer.headers.get("Allow") == ("GET" if status == 405 else None)


async def test_an_origin_that_is_none_is_refused_and_fills_no_log(
    lone_site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for origin in ("http://[", "http://[::1", "https://[x]"):
        foreign = {"Origin": origin, "Content-Type": "application/json"}
        problem(await lone_site.fetch("POST", EXECUTE, b"{}", foreign), 403)
    assert not [entry for entry in caplog.records if entry.exc_info]


async def test_what_a_client_says_of_its_site_lets_no_foreign_page_open_a_socket(lone_site: Site) -> None:
    says = "Sec-Fetch-Site: same-origin\r\n"
    with pytest.raises(ConnectionRefusedError):
        await lone_site.socket("/ws", f"Origin: https://evil.example\r\n{says}")
    socket = await lone_site.socket("/ws", f"Origin: {lone_site.url}\r\n{says}")
    await socket.close()


async def test_a_cookie_proves_nothing(lone_site: Site) -> None:
    answer = await lone_site.fetch("GET", SESSIONS, headers={"Cookie": "token=x", "Host": "evil.example"})
    problem(answer, 403)


async def test_a_socket_speaks_rfc_6455_without_compression_and_nothing_older(lone_site: Site) -> None:
    await lone_site.client.execute(HELD, session_id="s1", start=False)
    head = (
        f"GET {SESSIONS}/s1/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    )
    for version, begins in ((13, b"HTTP/1.1 101 "), (0, b"HTTP/1.1 426 ")):
        reader, writer = await lone_site.connect()
        writer.write(f"{head}Sec-WebSocket-Version: {version}\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(begins)
        assert b"permessage-deflate" not in answer
        writer.close()
        await writer.wait_closed()
