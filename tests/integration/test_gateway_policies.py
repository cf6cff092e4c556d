"""Mending failed nodes, and signals, over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.graphs import graph
from support.site import Site, problem

SICK = graph({"x": {"type": "tool", "properties": {"tool": "none"}, "on_error": "suspend"}}, workflow_id="sick")
NODE = "/api/v1/sessions/s1/nodes/x"


async def suspended(site: Site) -> None:
    await site.client.execute(SICK, session_id="s1", input=1)
    async for record in site.client.watch("s1"):
        if record.event == "human_interaction_required":
            return


async def ended(site: Site) -> Any:
    async for _ in site.client.watch("s1"):
        pass
    detail = await site.client.detail("s1")
    return detail.status, msgspec.json.decode(detail.output)


async def test_a_failed_node_is_listed_and_runs_again(site: Site) -> None:
    await suspended(site)
    listed = (await site.client.reviews()).items
    assert [(item.node_id, item.actions) for item in listed] == [("x", ("retry", "skip", "reject"))]
    assert "there is no tool 'none'" in listed[0].prompt
    site.runtime.registry.tool("none")(lambda: "done")
    answer = await site.client.retry_node("s1", "x", input={"n": 2})
    assert answer.status == "resumed"
    assert await ended(site) == ("completed", "done")
    assert (await site.client.reviews()).items == []
    retried = [r.data for r in [r async for r in site.client.watch("s1")] if r.event == "node_resumed"]
    assert [(data["review_action"], data["input"]) for data in retried] == [("retry", {"n": 2})]


async def test_a_retry_needs_no_input(site: Site) -> None:
    await suspended(site)
    site.runtime.registry.tool("none")(lambda: "done")
    assert (await site.post(f"{NODE}/retry", {})).code == 200
    assert await ended(site) == ("completed", "done")


async def test_a_failed_node_is_skipped_with_an_output(site: Site) -> None:
    await suspended(site)
    answer = await site.client.skip_node("s1", "x", [1])
    assert answer.seq > 1
    assert await ended(site) == ("completed", [1])


async def test_a_failed_node_is_given_up_by_a_review(site: Site) -> None:
    await suspended(site)
    refused = await site.post("/api/v1/sessions/s1/review", {"node_id": "x", "action": "approve"})
    assert problem(refused, 422)["errors"][0]["path"] == "$.action"
    await site.client.review("s1", "x", "reject")
    assert (await ended(site))[0] == "failed"


@pytest.mark.parametrize("what", ["retry", "skip"])
async def test_what_cannot_be_mended_is_refused(site: Site, what: str) -> None:
    problem(await site.post(f"{NODE}/{what}", {}), 404)
    await suspended(site)
    problem(await site.post(f"/api/v1/sessions/s1/nodes/other/{what}", {}), 404)
    assert problem(await site.post(f"{NODE}/{what}", {"other": 1}), 422)["errors"][0]["path"] == "$.other"
    await site.client.control("s1", "stop")
    assert problem(await site.post(f"{NODE}/{what}", {}), 409)["code"] == "not_waiting"


WAIT = graph({"w": {"type": "signal", "properties": {"name": "go"}}}, workflow_id="wait")
SIGNAL = "/api/v1/sessions/s1/signal"


@pytest.mark.parametrize("target", [{"name": "go"}, {"node_id": "w"}])
async def test_a_signal_is_sent_early_or_in_time(site: Site, target: dict[str, str]) -> None:
    await site.client.execute(WAIT, session_id="s1", start=False)
    answer = await site.client.signal("s1", {"n": 1}, **target)
    assert (answer.status, answer.seq) == ("signal_sent", 2)
    await site.client.control("s1", "start")
    assert await ended(site) == ("completed", {"n": 1})


async def test_a_signal_is_refused_where_it_can_reach_nobody(site: Site) -> None:
    problem(await site.post(SIGNAL, {"name": "go"}), 404)
    await site.client.execute(WAIT, session_id="s1")
    for wrong in ({"payload": 1}, {"name": "go", "node_id": "w"}, {"name": ""}):
        assert problem(await site.post(SIGNAL, wrong), 422)["errors"]
    problem(await site.post(SIGNAL, {"node_id": "x"}), 404)
    await site.client.control("s1", "stop")
    refused = problem(await site.post(SIGNAL, {"name": "go"}), 409)
    assert (refused["code"], refused["session_status"]) == ("refused", "failed")


async def test_too_many_early_signals_are_refused(site: Site) -> None:
    await site.client.execute(WAIT, session_id="s1", start=False)
    for _ in range(64):
        await site.client.signal("s1", name="go")
    assert problem(await site.post(SIGNAL, {"name": "go"}), 409)["code"] == "signals_full"


async def test_the_new_types_tell_the_schema_of_their_properties(site: Site) -> None:
    listed = msgspec.json.decode((await site.fetch("GET", "/api/v1/node-types")).body)["items"]
    types = {item["type"]: item for item in listed}
    assert {"switch", "vote", "signal", "delay"} <= types.keys()
    assert types["switch"]["properties"]
