"""`subworkflow`: a workflow within a workflow, as a child session."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..context import NodeContext
from ..core.node import TaskType


class SubworkflowProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `subworkflow`."""

    workflow_id: Annotated[str, Meta(min_length=1)]
    """The stored workflow to run: its newest version, or `id@version`."""
    input: Any = None
    """The child session's input."""


class SubworkflowType(TaskType):
    """Runs a stored workflow as a child session; its output is the node's."""

    name = "subworkflow"
    properties = SubworkflowProperties

    async def run(self, context: NodeContext, properties: SubworkflowProperties) -> Any:
        """Return the child's output."""
        outputs = await context.run_sessions(properties.workflow_id, [properties.input], 1)
        return outputs[0]
