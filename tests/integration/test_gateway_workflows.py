"""Stored workflows over HTTP, and the node types they are made of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from support.graphs import chain
from support.graphs import graph as make_graph
from support.site import Site, problem

from sessiond.actors.core.errors import Fault
from sessiond.actors.core.node import InlineType
from sessiond.actors.core.workflow import Node

PATH = "/api/v1/workflows/w"


async def put(site: Site, graph: object, path: str = PATH) -> dict[str, str]:
    response = await site.fetch("PUT", path, msgspec.json.encode(graph))
    assert response.code == 200, response.body
    found: dict[str, str] = msgspec.json.decode(response.body)
    return found


async def test_versions_are_immutable_and_the_newest_is_the_default(site: Site) -> None:
    first = await put(site, chain(1))
    second = await put(site, chain(2))
    assert first["version"] != second["version"]
    assert await put(site, chain(2)) == second
    newest = await site.fetch("GET", PATH)
    assert msgspec.json.decode(newest.body) == chain(2)
    assert newest.headers["ETag"] == f'"{second["version"]}"'
    older = await site.fetch("GET", f"{PATH}?version={first['version']}")
    assert msgspec.json.decode(older.body) == chain(1)
    problem(await site.fetch("GET", f"{PATH}?version=none"), 404)


async def test_a_deleted_workflow_is_gone_from_the_list_but_not_from_its_sessions(site: Site) -> None:
    version = (await put(site, chain(1) | {"name": "One"}))["version"]
    listed = msgspec.json.decode((await site.fetch("GET", "/api/v1/workflows")).body)["items"]
    assert [(item["workflow_id"], item["version"], item["name"]) for item in listed] == [("w", version, "One")]
    started = await site.client.execute("w", start=False)
    assert (await site.fetch("DELETE", PATH)).code == 204
    assert msgspec.json.decode((await site.fetch("GET", "/api/v1/workflows")).body) == {"items": []}
    problem(await site.fetch("DELETE", PATH), 404)
    assert (await site.fetch("GET", f"/api/v1/sessions/{started.session_id}/workflow")).code == 200


async def test_the_id_in_the_path_is_the_workflows(site: Site) -> None:
    graph = chain(1)
    del graph["workflow_id"]
    assert (await put(site, graph))["workflow_id"] == "w"
    response = await site.fetch("PUT", PATH, msgspec.json.encode(chain(1) | {"workflow_id": "other"}))
    assert problem(response, 422)["errors"][0]["path"] == "$.workflow_id"
    problem(await site.fetch("PUT", PATH, b"[]"), 422)


async def test_validation_tells_every_fault_and_stores_nothing(site: Site) -> None:
    assert (await site.client.validate(chain(3))).workflow_id == "w"
    graph = chain(3)
    graph["nodes"]["n1"]["next_ids"] = ["gone"]
    graph["nodes"]["n2"]["timeout_s"] = -1
    response = await site.post("/api/v1/workflows/validate", graph)
    paths = {error["path"] for error in problem(response, 422)["errors"]}
    assert {"$.nodes.n1.next_ids[0]", "$.nodes.n2.timeout_s"} <= paths
    assert msgspec.json.decode((await site.fetch("GET", "/api/v1/workflows")).body) == {"items": []}


class Cup(msgspec.Struct, frozen=True):
    """A cup of something."""

    tea: Annotated[str, msgspec.Meta(min_length=1)]
    sugar: int = 0


async def test_a_users_own_node_type_is_described_checked_and_run(lone_site: Site) -> None:
    @lone_site.runtime.registry.node("brew")
    def brew(context: Any, properties: Cup) -> str:
        """Makes tea."""
        return properties.tea * 2

    items = msgspec.json.decode((await lone_site.fetch("GET", "/api/v1/node-types")).body)["items"]
    (item,) = [item for item in items if item["type"] == "brew"]
    assert item["description"] == "Makes tea."
    schema = item["properties"]["$defs"]["Cup"]
    assert schema["properties"]["tea"] == {"type": "string", "minLength": 1}
    assert schema["required"] == ["tea"]
    wrong = {"type": "brew", "properties": {"tea": "", "sugar": "two"}}
    refused = await lone_site.post("/api/v1/workflows/validate", make_graph({"s": wrong}))
    paths = {error["path"] for error in problem(refused, 422)["errors"]}
    assert paths == {"$.nodes.s.properties.tea", "$.nodes.s.properties.sugar"}
    await put(lone_site, make_graph({"s": {"type": "brew", "properties": {"tea": "a"}}}))
    started = await lone_site.client.execute("w")
    assert await lone_site.runtime.session(started.session_id).result() == "aa"


async def test_node_types_come_with_the_schema_of_their_properties(lone_site: Site) -> None:
    items = msgspec.json.decode((await lone_site.fetch("GET", "/api/v1/node-types")).body)["items"]
    types = {item["type"]: item for item in items}
    assert {"start", "end", "agent", "human_review", "loop", "parallel", "tool", "delay", "step"} <= types.keys()
    review = types["human_review"]["properties"]["$defs"]["HumanReviewProperties"]
    assert review["required"] == ["prompt"]
    assert types["loop"]["next_ids"] == [2, 2]
    assert types["agent"]["description"].startswith("Streams tokens")


async def test_a_large_graph_is_compiled_off_the_loop_and_small_ones_meanwhile(site: Site) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(InlineType):
        name = "slow"

        def check(self, node: Node) -> Iterator[Fault]:
            begun.set()
            assert go_on.wait(30), "nobody answered while this was compiled"
            yield from ()

    site.runtime.registry.add(Slow())
    large = make_graph(
        {"s": [f"n{i}" for i in range(500)], **{f"n{i}": [] for i in range(499)}, "n499": {"type": "slow"}}
    )
    slow = asyncio.create_task(site.post("/api/v1/workflows/validate", large))
    await asyncio.to_thread(begun.wait, 30)
    assert (await site.post("/api/v1/workflows/validate", chain(2))).code == 200
    go_on.set()
    assert (await slow).code == 200
