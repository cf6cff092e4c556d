"""`map`: a child session for each item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ..context import NodeContext
from ..core.errors import TerminalError
from ..core.node import TaskType
from ..core.workflow import Node

MAX_ITEMS: Final = 10_000
"""Items of one map node."""


class MapProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `map`."""

    items: list[Any]
    """The inputs of the child sessions, one each; most often an expression."""
    workflow: str | dict[str, Any]
    """What they run: the id of a stored workflow, `id@version`, or a definition; expressions in it are its own."""
    concurrency: Annotated[int, Meta(ge=1, le=1000)] = 10
    """How many run at a time."""


class MapType(TaskType):
    """Runs a workflow for each item; output: the list of their outputs, in the items' order.

    When a child session fails the others are stopped, and the node fails with `child_failed`. Another attempt
    keeps the children that completed, and runs the others again.
    """

    name = "map"
    properties = MapProperties
    verbatim = ("workflow",)

    def definitions(self, node: Node) -> Iterator[tuple[str, Any]]:
        """Yield the definition in `workflow`, if it is one."""
        workflow = node.spec.properties.get("workflow")
        if isinstance(workflow, dict):
            yield ".properties.workflow", workflow

    async def run(self, context: NodeContext, properties: MapProperties) -> Any:
        """Return the outputs of all children."""
        count = len(properties.items)
        if count > MAX_ITEMS:
            raise TerminalError(f"there are {count} items, the limit is {MAX_ITEMS}", "too_many_items")
        return await context.run_sessions(properties.workflow, properties.items, properties.concurrency)
