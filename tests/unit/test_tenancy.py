"""Names that carry their tenant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiond.actors.core.errors import InvalidInput
from sessiond.actors.core.sharding import shard_of
from sessiond.actors.core.tenancy import (
    TENANT,
    check_tenant,
    resolve,
    session_name,
    split_key,
    tenant_of,
    workflow_key,
)
from sessiond.actors.core.workflow import ID

ids = st.from_regex(ID, fullmatch=True)
tenants = st.from_regex(TENANT, fullmatch=True)


@given(ids, tenants)
def test_a_name_tells_its_tenant_and_so_do_those_of_its_children(given_id: str, tenant: str) -> None:
    name = session_name(given_id, tenant)
    assert tenant_of(name) == tenant_of(f"{name}~node~0~inner~7.r2.a3") == tenant


@given(ids, tenants, tenants)
def test_no_other_tenant_can_mean_a_session_by_any_id(given_id: str, tenant: str, other: str) -> None:
    name = session_name(given_id, tenant)
    for said in (name, f"{name}~node~0"):
        assert resolve(said, tenant) == said
        if other != tenant:
            assert resolve(said, other) != said


@given(st.text(max_size=40), tenants)
def test_whatever_is_said_is_resolved_to_ones_own_or_to_nothing(said: str, tenant: str) -> None:
    name = resolve(said, tenant)
    assert name is None or tenant_of(name) == tenant


def test_an_id_is_found_as_it_was_given_and_whole() -> None:
    assert resolve("order-7", "acme") == resolve("order-7@acme", "acme") == "order-7@acme"
    assert resolve("order-7~map~3", "acme") == "order-7@acme~map~3"
    assert resolve("order-7@acme@acme", "acme") is None
    assert resolve("order-7@acme", "default") is None
    assert resolve("order-7", "default") == "order-7"


@given(ids, tenants)
def test_a_family_stays_in_its_roots_shard(given_id: str, tenant: str) -> None:
    name = session_name(given_id, tenant)
    assert shard_of(f"{name}~n~1", 64) == shard_of(name, 64)


@given(ids, tenants, ids, tenants)
def test_stored_ids_of_workflows_never_meet(one: str, mine: str, two: str, other: str) -> None:
    assert split_key(workflow_key(one, mine)) == (mine, one)
    assert (workflow_key(one, mine) == workflow_key(two, other)) == ((one, mine) == (two, other))


@pytest.mark.parametrize("tenant", ["", "a/b", "a@b", "a~b", "-a", "a" * 65, "ä"])
def test_what_is_no_name_of_a_tenant_is_refused(tenant: str) -> None:
    with pytest.raises(InvalidInput, match="tenant"):
        check_tenant(tenant)
