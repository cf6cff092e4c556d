"""Operations on stored workflows, and on the node types they are made of."""

from __future__ import annotations

from typing import Any

import msgspec

from ..actors.core.errors import Fault, InvalidWorkflow
from ..actors.core.node import NodeType
from ..actors.core.ports import Definition
from .call import Call, Reply
from .requests import VersionQuery
from .responses import NodeTypeItem, NodeTypeList, WorkflowItem, WorkflowList, WorkflowVersion


class _Heading(msgspec.Struct):
    """The parts of a stored graph that a list shows."""

    name: str | None = None
    description: str | None = None


async def listed(call: Call) -> Reply:
    """List the newest version of each workflow."""
    found = await call.runtime.definitions.listed(call.principal.tenant)
    return Reply(WorkflowList([_item(definition) for definition in found]))


def _item(definition: Definition) -> WorkflowItem:
    heading = msgspec.json.decode(definition.body, type=_Heading)
    return WorkflowItem(
        definition.workflow_id, definition.version, heading.name, heading.description, definition.created_at
    )


async def put(call: Call) -> Reply:
    """Store a workflow; an equal one has the same version, another one is a new version."""
    call.gateway.check_open()
    graph: Any = call.body
    workflow_id = call.path["workflow_id"]
    if isinstance(graph, dict) and graph.setdefault("workflow_id", workflow_id) != workflow_id:
        raise InvalidWorkflow([Fault("$.workflow_id", f"should be {workflow_id!r}, as in the path")])
    definition = await call.runtime.register(graph, call.principal.tenant)
    return Reply(WorkflowVersion(definition.workflow_id, definition.version), headers=_tag(definition.version))


async def get(call: Call) -> Reply:
    """Return a stored graph."""
    query: VersionQuery = call.query
    found = await call.runtime.definitions.find(call.path["workflow_id"], query.version, call.principal.tenant)
    return Reply(found.body, headers=_tag(found.version))


async def delete(call: Call) -> Reply:
    """Take a workflow off the list; sessions keep the version they run."""
    await call.runtime.definitions.unlist(call.path["workflow_id"], call.principal.tenant)
    return Reply(None, 204)


async def validate(call: Call) -> Reply:
    """Check a graph without storing it; 422 with every fault."""
    found = await call.runtime.definitions.compiled(call.body, call.principal.tenant)
    return Reply(WorkflowVersion(found.workflow_id, found.version))


async def node_types(call: Call) -> Reply:
    """List the node types, with the JSON Schema of their properties."""
    types = call.runtime.registry.types
    return Reply(NodeTypeList([_node_type(types[name]) for name in sorted(types)]))


def _node_type(node_type: NodeType) -> NodeTypeItem:
    kind = type(node_type)
    doc = node_type.doc or (kind.__doc__ or "")
    schema = msgspec.json.schema(node_type.properties)
    return NodeTypeItem(node_type.name, doc.strip(), schema, kind.arity)


def _tag(version: str) -> dict[str, str]:
    return {"ETag": f'"{version}"'}
