"""What a request may be: limits, media types, paths, methods; and that every refusal is a problem."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.graphs import chain
from support.site import HELD, Site, problem, site_on

from sessiond.gateway.routes import ROUTES

EXECUTE = "/api/v1/workflows/execute"
LIMIT = 1_048_576


def status_line(answer: bytes) -> bytes:
    return answer.partition(b"\r\n")[0]


def body_of(answer: bytes) -> Any:
    return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])


async def test_malformed_json_is_told_with_its_position(lone_site: Site) -> None:
    found = problem(await lone_site.fetch("POST", EXECUTE, b'{"graph": {},}'), 400)
    assert found["code"] == "malformed"
    assert "(byte 13)" in found["detail"]


@pytest.mark.parametrize("body", [b"", b" ", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'"\\ud800"', b'{"a":1,"a":1}'])
async def test_hostile_json_is_refused(lone_site: Site, body: bytes) -> None:
    problem(await lone_site.fetch("POST", EXECUTE, body), 400)


async def test_an_invalid_request_is_told_every_fault(lone_site: Site) -> None:
    body = {"graph": [], "deadline_s": -1, "inptu": 1, "session_id": 7}
    found = problem(await lone_site.post(EXECUTE, body), 422)
    assert {error["path"] for error in found["errors"]} == {"$.graph", "$.deadline_s", "$.inptu", "$.session_id"}


async def test_the_faults_of_an_inline_graph_stand_below_graph(lone_site: Site) -> None:
    graph = chain(2)
    graph["nodes"]["n1"]["next_ids"] = ["gone"]
    graph["nodes"]["n2"]["type"] = "unheard"
    found = problem(await lone_site.post(EXECUTE, {"graph": graph}), 422)
    assert found["code"] == "invalid_workflow"
    paths = {error["path"] for error in found["errors"]}
    assert "$.graph.nodes.n2.type" in paths
    assert all(path.startswith("$.graph.") for path in paths)


async def test_an_input_that_breaks_the_schema_is_invalid(lone_site: Site) -> None:
    graph = chain(1) | {"input_schema": {"type": "object", "required": ["topic"]}}
    found = problem(await lone_site.post(EXECUTE, {"graph": graph, "input": {}}), 422)
    assert found["errors"][0]["path"].startswith("$.input")


async def test_a_bad_session_id_is_invalid(lone_site: Site) -> None:
    found = problem(await lone_site.post(EXECUTE, {"graph": HELD, "session_id": "a~b"}), 422)
    assert found["errors"][0]["path"] == "$.session_id"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
async def test_a_body_that_says_it_is_no_json_is_refused(lone_site: Site, media_type: str) -> None:
    body = msgspec.json.encode({"graph": HELD})
    problem(await lone_site.fetch("POST", EXECUTE, body, {"Content-Type": media_type}), 415)


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/vnd.x+json"])
async def test_any_kind_of_json_will_do(lone_site: Site, media_type: str) -> None:
    body = msgspec.json.encode({"graph": HELD})
    response = await lone_site.fetch("POST", EXECUTE, body, {"Content-Type": media_type})
    assert response.code == 202


async def test_a_body_of_two_mebibytes_is_answered_413(lone_site: Site) -> None:
    found = problem(await lone_site.fetch("POST", EXECUTE, b" " * (2 * LIMIT)), 413)
    assert found["code"] == "too_large"


async def test_a_body_at_the_limit_is_read(lone_site: Site) -> None:
    body = msgspec.json.encode({"graph": HELD, "start": False})
    assert (await lone_site.fetch("POST", EXECUTE, body.ljust(LIMIT))).code == 202


async def test_a_chunked_body_over_the_limit_is_answered_413(lone_site: Site) -> None:
    head = f"POST {EXECUTE} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    chunks = (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 20 + b"0\r\n\r\n"
    answer = await lone_site.send(f"{head}Connection: close\r\n\r\n".encode() + chunks)
    assert status_line(answer) == b"HTTP/1.1 413 Request Entity Too Large"
    assert body_of(answer)["code"] == "too_large"


async def test_a_sender_that_waits_for_leave_is_refused_before_it_sends(lone_site: Site) -> None:
    head = f"POST {EXECUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {2 * LIMIT}\r\nExpect: 100-continue\r\n\r\n"
    answer = await lone_site.send(head.encode())
    assert status_line(answer) == b"HTTP/1.1 413 Request Entity Too Large"


async def test_a_sender_without_end_is_cut_off(lone_site: Site) -> None:
    head = f"POST {EXECUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**15}\r\n\r\n"
    answer = await lone_site.send(head.encode())
    assert status_line(answer) == b"HTTP/1.1 413 Request Entity Too Large"


async def test_a_body_that_trickles_is_cut_off() -> None:
    async with site_on("memory://", body_s=0.1) as site:
        head = f"POST {EXECUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{{"
        assert await site.send(head.encode()) == b""


async def test_headers_that_never_end_are_cut_off() -> None:
    async with site_on("memory://", idle_s=0.1) as site:
        assert await site.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") == b""


@pytest.mark.parametrize(
    "data",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_malformed_http_is_answered_400(lone_site: Site, data: bytes) -> None:
    assert status_line(await lone_site.send(data)).startswith(b"HTTP/1.1 400 ")


async def test_an_unknown_path_is_404_and_a_wrong_method_405(lone_site: Site) -> None:
    for path in ("/api/v1/nothing", "/openapi-json", "/openapiXjson", "/livez/"):
        assert problem(await lone_site.fetch("GET", path), 404)["code"] == "not_found"
    assert problem(await lone_site.fetch("GET", "/api/v1/sessions/none"), 404)["session_id"] == "none"
    response = await lone_site.fetch("PUT", "/api/v1/sessions", b"{}")
    assert problem(response, 405)["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "GET, POST, HEAD"
    strange = await lone_site.send(b"BREW /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status_line(strange) == b"HTTP/1.1 405 Method Not Allowed"
    assert b"Allow: GET, HEAD" in strange


async def test_user_text_never_reaches_the_status_line(lone_site: Site) -> None:
    answer = await lone_site.send(
        b"GET /api/v1/%0d%0aX-Evil:1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert status_line(answer) == b"HTTP/1.1 404 Not Found"
    assert b"\r\nX-Evil" not in answer
    broken = await lone_site.send(b"GET /api/v1/sessions/%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status_line(broken) == b"HTTP/1.1 400 Bad Request"
    assert body_of(broken)["code"] == "malformed"


async def test_head_is_get_without_a_body(lone_site: Site) -> None:
    response = await lone_site.fetch("HEAD", "/livez")
    assert (response.code, response.body) == (200, b"")


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=x", "?statsu=running", "?status=odd", "?limit=1&limit=2", "?status=null"]
)
async def test_a_query_that_makes_no_sense_is_refused(lone_site: Site, query: str) -> None:
    problem(await lone_site.fetch("GET", f"/api/v1/sessions{query}"), 422)


async def test_a_server_that_drains_is_alive_but_not_ready(lone_site: Site) -> None:
    assert (await lone_site.fetch("GET", "/readyz")).code == 200
    await lone_site.client.execute(HELD, session_id="s1", start=False)
    reader, writer = await lone_site.connect()  # before the drain: afterwards nobody is let in
    await lone_site.server.drain()
    paths = ["/livez", "/readyz", "/api/v1/sessions/s1"]
    for path in paths:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    lines = []
    for _ in paths:
        head = await reader.readuntil(b"\r\n\r\n")
        lines.append(status_line(head).split()[1])
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    assert lines == [b"200", b"503", b"200"]
    writer.close()
    await writer.wait_closed()
    with pytest.raises(OSError, match="Connect call failed"):
        await lone_site.connect()


async def test_a_bug_inside_shows_nothing_of_itself(lone_site: Site, caplog: pytest.LogCaptureFixture) -> None:
    del lone_site.runtime.definitions
    found = problem(await lone_site.fetch("GET", "/api/v1/workflows"), 500)
    assert found["code"] == "internal"
    assert "definitions" not in found["detail"]
    assert "AttributeError" in caplog.text


async def test_every_row_of_the_table_answers(lone_site: Site) -> None:
    for route in ROUTES:
        path = route.path.replace("{session_id}", "x").replace("{workflow_id}", "x").replace("{node_id}", "x")
        response = await lone_site.fetch(route.method, path, b"{}" if route.body else None)
        assert response.code < 500
        assert response.code != 405
        if response.code >= 400:
            assert problem(response, response.code)["code"] != "unsupported_media_type"
