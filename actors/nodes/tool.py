"""`tool`: calls a registered Python function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..context import NodeContext
from ..core.node import TaskType


class ToolProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `tool`."""

    tool: str
    """The name under which the function is registered."""
    arguments: dict[str, Any] = {}
    """Its keyword arguments."""


class ToolType(TaskType):
    """Calls a registered function: an async one on the loop, a sync one on a bounded thread pool."""

    name = "tool"
    properties = ToolProperties

    async def run(self, context: NodeContext, properties: ToolProperties) -> Any:
        """Return what the function returned."""
        return await call_tool(context, context.find_tool(properties.tool), properties.arguments)


async def call_tool(context: NodeContext, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Return what `function` returns for these keyword arguments, whatever their names."""
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    return await context.in_thread(functools.partial(function, **arguments))
