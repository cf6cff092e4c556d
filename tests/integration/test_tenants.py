"""Tenants in the engine: equal names, separate things."""

from __future__ import annotations

import pytest
from support.graphs import chain, graph, registry
from support.stores import OpenStore

from sessiond import Runtime
from sessiond.actors.core.errors import NotFound
from sessiond.actors.core.ports import RowQuery
from sessiond.actors.core.tenancy import tenant_of


async def test_two_tenants_give_the_same_ids_and_each_gets_its_own(open_store: OpenStore, durable_url: str) -> None:
    async with Runtime.open(open_store(durable_url), registry=registry()) as runtime:
        for tenant, length in (("default", 1), ("acme", 2), ("zeta", 3)):
            await runtime.register(chain(length), tenant)
            created = await runtime.create("w", session_id="s1", tenant=tenant, input=tenant)
            detail = await runtime.ended(created.session_id)
            assert (detail.workflow_id, len(detail.nodes), tenant_of(detail.session_id)) == ("w", length, tenant)
            page = await runtime.rows(RowQuery(tenant))
            assert [(row.session_id, row.tenant, row.workflow_id) for row in page.items] == [
                (created.session_id, tenant, "w")
            ]
            assert [d.workflow_id for d in await runtime.definitions.listed(tenant)] == ["w"]


async def test_a_tenants_session_comes_back_with_the_tenants_workflow(open_store: OpenStore, durable_url: str) -> None:
    wait = graph({"a": {"type": "signal", "properties": {"name": "go"}, "next_ids": ["b"]}, "b": []})
    async with Runtime.open(open_store(durable_url), registry=registry()) as runtime:
        created = await runtime.create(wait, session_id="s1", tenant="acme")
    async with Runtime.open(open_store(durable_url), registry=registry()) as runtime:
        assert (await runtime.workflow_of(created.session_id)).workflow_id == "w"
        session = runtime.session(created.session_id)
        await session.signal("go", 1)
        assert (await runtime.ended(created.session_id)).status == "completed"


async def test_child_sessions_run_the_workflows_of_their_tenant_only() -> None:
    parent = graph({"p": {"type": "subworkflow", "properties": {"workflow_id": "inner"}}}, workflow_id="outer")
    inner = chain(1) | {"workflow_id": "inner"}
    async with Runtime.open("memory://", registry=registry()) as runtime:
        await runtime.register(inner, "acme")
        created = await runtime.create(parent, tenant="acme")
        assert (await runtime.ended(created.session_id)).status == "completed"
        rows = (await runtime.rows(RowQuery("acme"))).items
        assert {tenant_of(row.session_id) for row in rows} == {"acme"}
        assert len(rows) == 2
        for tenant in ("default", "zeta"):
            other = await runtime.create(parent, tenant=tenant)
            failed = await runtime.ended(other.session_id)
            assert failed.error is not None
            assert failed.error.code == "unknown_workflow"


@pytest.mark.parametrize("said", ["acme/w", "w", "w@acme"])
async def test_no_way_of_saying_it_leads_to_another_tenants_workflow(said: str) -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        kept = await runtime.register(chain(1), "acme")
        for tenant in ("default", "zeta"):
            for version in (None, kept.version):
                with pytest.raises(NotFound):
                    await runtime.definitions.find(said, version, tenant)
            with pytest.raises(NotFound):
                await runtime.definitions.unlist(said, tenant)
        assert (await runtime.definitions.find("w", None, "acme")).version == kept.version
