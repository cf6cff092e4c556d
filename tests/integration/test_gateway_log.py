"""What a server writes into its log, and how a request is found in it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.served import Served
from support.site import HELD, Site, problem, site_on
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

ACCESS = "sessiond.gateway.access"


async def test_a_request_is_logged_with_its_route_and_its_id(lone_site: Site, caplog: pytest.LogCaptureFixture) -> None:
    await lone_site.client.execute(HELD, session_id="s1", start=False)
    with caplog.at_level(logging.INFO, ACCESS):
        response = await lone_site.fetch("GET", "/api/v1/sessions/s1", headers={"X-Request-Id": "mine-1"})
        refused = await lone_site.fetch("GET", "/api/v1/sessions/none")
    assert response.headers["X-Request-Id"] == "mine-1"
    first, second = [entry for entry in caplog.records if entry.name == ACCESS]
    assert (
        vars(first).items()
        >= {
            "request_id": "mine-1",
            "method": "GET",
            "route": "/api/v1/sessions/{session_id}",
            "path": "/api/v1/sessions/s1",
            "status": 200,
            "bytes": len(response.body),
        }.items()
    )
    assert vars(second)["status"] == 404
    assert vars(second)["request_id"] == refused.headers["X-Request-Id"]


async def test_an_id_that_could_forge_a_log_is_not_taken(lone_site: Site) -> None:
    response = await lone_site.fetch("GET", "/livez", headers={"X-Request-Id": "a b\tc"})
    assert len(response.headers["X-Request-Id"]) == 32


async def test_a_failure_inside_is_found_by_the_request(lone_site: Site, caplog: pytest.LogCaptureFixture) -> None:
    del lone_site.runtime.definitions
    response = await lone_site.fetch("GET", "/api/v1/workflows", headers={"X-Request-Id": "mine-2"})
    problem(response, 500)
    assert response.headers["X-Request-Id"] == "mine-2"
    named = [entry.name for entry in caplog.records if vars(entry).get("request_id") == "mine-2"]
    assert named == ["sessiond.gateway", ACCESS]


async def test_the_access_log_can_be_turned_off_and_probes_are_not_in_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, ACCESS):
        async with site_on("memory://", access_log=False) as site:
            await site.client.rows()
        async with site_on("memory://") as site:
            for path in ("/livez", "/readyz", "/metrics"):
                await site.fetch("GET", path)
    assert not [entry for entry in caplog.records if entry.name == ACCESS]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_a_server_writes_json_one_line_for_each_event(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from sessiond import node\n@node('chatty')\nasync def chatty(context):\n"
        "    context.log.warning('calling with api_key=%s', 'hunter2')\n"
    )
    graph = {"workflow_id": "w", "start_node_id": "c", "nodes": {"c": {"type": "chatty"}}}
    environ = {"PYTHONPATH": str(tmp_path)}
    arguments = ("--store", "memory://", "--log-format", "json", "--nodes", "own")
    with Served(*arguments, cwd=tmp_path, env=environ) as server:
        request = HTTPRequest(
            f"{server.url}/api/v1/workflows/execute",
            "POST",
            {"Content-Type": "application/json", "X-Request-Id": "mine-3"},
            msgspec.json.encode({"graph": graph, "session_id": "s1"}),
        )
        await AsyncHTTPClient().fetch(request)
        await AsyncHTTPClient().fetch(f"{server.url}/api/v1/sessions/s1?wait=completed")
        assert server.stop() == 0
    found = lines(tmp_path / "serve.log")
    (warned,) = [line for line in found if line["logger"] == "sessiond.node"]
    assert (warned["session_id"], warned["node_id"], warned["attempt"]) == ("s1", "c", 1)
    assert warned["message"].endswith("api_key=[hidden]")
    assert "hunter2" not in (tmp_path / "serve.log").read_text()
    (asked,) = [line for line in found if line.get("request_id") == "mine-3"]
    assert (asked["route"], asked["status"], asked["level"]) == ("/api/v1/workflows/execute", 202, "info")
    assert asked["ms"] > 0
