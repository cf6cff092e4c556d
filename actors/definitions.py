"""Workflow definitions: stored once by version, compiled once per process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from .errors import NotFound
from .node import NodeRegistry
from .ports import Clock, Definition, Store
from .timestamps import stamp
from .workflow import Workflow, parse


class Definitions:
    """Finds, keeps and compiles workflows.

    Args:
        read: runs a blocking call on the store off the loop.
    """

    def __init__(
        self,
        store: Store,
        registry: NodeRegistry,
        clock: Clock,
        read: Callable[..., Awaitable[Any]],
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._read = read
        self._compiled: dict[tuple[str, str], Workflow] = {}
        self._kept: set[tuple[str, str, bool]] = set()

    def compile(self, definition: Any) -> Workflow:
        """Check and compile a definition.

        Raises:
            InvalidWorkflow: with every fault.
        """
        workflow = parse(definition, self._registry.types)
        return self._compiled.setdefault((workflow.workflow_id, workflow.version), workflow)

    async def keep(self, workflow: Workflow, *, listed: bool) -> Definition:
        """Store a workflow, so that sessions can be brought back with it; a no-op if it is there."""
        definition = Definition(workflow.workflow_id, workflow.version, workflow.body, stamp(self._clock.now()), listed)
        key = (workflow.workflow_id, workflow.version, listed)
        if key not in self._kept:
            await self._read(self._store.put_definition, definition)
            self._kept.add(key)
        return definition

    async def find(self, workflow_id: str, version: str | None = None) -> Workflow:
        """Return a stored workflow, compiled; the newest listed version if none is named.

        Raises:
            NotFound: there is none.
            InvalidWorkflow: it names node types that this process doesn't have.
        """
        if version is not None and (known := self._compiled.get((workflow_id, version))):
            return known
        stored: Definition | None = await self._read(self._store.definition, workflow_id, version)
        if stored is None:
            raise NotFound("workflow", workflow_id if version is None else f"{workflow_id}@{version}")
        return self._compiled.get((workflow_id, stored.version)) or self.compile(msgspec.json.decode(stored.body))

    async def listed(self) -> list[Definition]:
        """Return the newest listed version of each workflow."""
        found: list[Definition] = await self._read(self._store.definitions)
        return found

    async def unlist(self, workflow_id: str) -> None:
        """Take a workflow off the list.

        Raises:
            NotFound: it isn't on it.
        """
        if not await self._read(self._store.unlist_definition, workflow_id):
            raise NotFound("workflow", workflow_id)
        self._kept = {key for key in self._kept if key[0] != workflow_id or not key[2]}
