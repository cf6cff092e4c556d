"""Nodes of the simulation: what they do follows from their properties, their attempt and the seed alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from sessiond.actors.context import NodeContext
from sessiond.actors.core.errors import NodeError, TerminalError
from sessiond.actors.core.events import ToolExecution
from sessiond.actors.core.node import NodeRegistry, TaskType

if TYPE_CHECKING:
    from .process import Process


class WorkProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a node of type `work` does.

    Attributes:
        steps: seconds to wait, one after the other.
        tokens: chunks to emit on the way.
        fails: the first so many attempts fail.
        how: in which way.
        stubborn: whether it goes on when it is cancelled.
        thread: whether it ends with a blocking call.
        parks: whether it comes to a checkpoint between its steps.
        poison: the first so many attempts have a fact that can't be stored get past the checks: a bug inside.
    """

    steps: list[float] = []
    tokens: int = 0
    fails: int = 0
    how: str = "error"
    stubborn: bool = False
    thread: bool = False
    parks: bool = False
    poison: int = 0


class Poison:
    """No encoder knows it."""


class Work(TaskType):
    """Waits, talks, fails, ignores being cancelled: as its properties say."""

    name = "work"
    properties = WorkProperties

    def __init__(self, process: Process | None) -> None:
        self._process = process

    async def run(self, context: NodeContext, properties: WorkProperties) -> Any:
        """Run one attempt, under the world's eyes."""
        assert self._process is not None
        body = self._process.begin_body(context)
        try:
            await self._work(context, properties)
        except asyncio.CancelledError:
            if not properties.stubborn:
                raise
            await asyncio.sleep(0.3)
        if context.attempt <= properties.poison:
            context._host.facts(context, (ToolExecution(context.node_id, "poison", Poison(), None),))  # unchecked
        if context.attempt <= properties.fails:
            return self._fail(properties.how)
        return body.returns()

    async def _work(self, context: NodeContext, properties: WorkProperties) -> None:
        said, count = 0, max(1, len(properties.steps))
        for number, seconds in enumerate(properties.steps or [0.0]):
            await asyncio.sleep(seconds)
            if properties.parks:
                await context.checkpoint()
            while said < properties.tokens * (number + 1) // count:
                await context.emit(f"#{context.round}.{context.attempt}.{said}")
                said += 1
        if properties.thread:
            await context.in_thread(lambda: None)

    def _fail(self, how: str) -> Any:
        match how:
            case "terminal":
                raise TerminalError("for good", "told_so")
            case "exit":
                raise SystemExit(3)
            case "cancel":
                raise asyncio.CancelledError
            case "raise":
                raise ValueError("as told")
            case "nan":
                return {"value": float("nan")}
            case _:
                raise NodeError("as told", "told_so")


def registry(process: Process | None) -> NodeRegistry:
    """The node types and tools of one process, or just to compile workflows with."""
    types = NodeRegistry()
    types.add(Work(process))

    @types.tool("echo")
    async def echo(key: Any) -> Any:
        await asyncio.sleep(0.01)
        return key

    return types
