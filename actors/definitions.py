"""Workflow definitions: stored once by version, compiled once per process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from .core.errors import NotFound
from .core.node import NodeRegistry
from .core.ports import Clock, Definition, SessionRow, Store
from .core.tenancy import DEFAULT, split_key, workflow_key
from .core.timestamps import stamp
from .core.workflow import Workflow, parse


class Definitions:
    """Finds, keeps and compiles workflows; each tenant has its own, also where two call theirs alike.

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

    def compile(self, definition: Any, tenant: str = DEFAULT) -> Workflow:
        """Check and compile a definition.

        Raises:
            InvalidWorkflow: with every fault.
        """
        workflow = parse(definition, self._registry.types)
        key = workflow_key(workflow.workflow_id, tenant)
        return self._compiled.setdefault((key, workflow.version), workflow)

    async def keep(self, workflow: Workflow, *, listed: bool, tenant: str = DEFAULT) -> Definition:
        """Store a workflow, so that sessions can be brought back with it; a no-op if it is there."""
        stored_id = workflow_key(workflow.workflow_id, tenant)
        definition = Definition(stored_id, workflow.version, workflow.body, stamp(self._clock.now()), listed)
        key = (stored_id, workflow.version, listed)
        if key not in self._kept:
            await self._read(self._store.put_definition, definition)
            self._kept.add(key)
        return msgspec.structs.replace(definition, workflow_id=workflow.workflow_id)

    async def find(self, workflow_id: str, version: str | None = None, tenant: str = DEFAULT) -> Workflow:
        """Return a tenant's stored workflow, compiled; the newest listed version if none is named.

        Raises:
            NotFound: there is none.
            InvalidWorkflow: it names node types that this process doesn't have.
        """
        key = _key(workflow_id, tenant)
        if version is not None and (known := self._compiled.get((key, version))):
            return known
        stored: Definition | None = await self._read(self._store.definition, key, version)
        if stored is None:
            raise NotFound("workflow", workflow_id if version is None else f"{workflow_id}@{version}")
        known = self._compiled.get((key, stored.version))
        return known or self.compile(msgspec.json.decode(stored.body), tenant)

    async def of(self, row: SessionRow) -> Workflow:
        """Return the workflow that a session runs; see `find`."""
        return await self.find(row.workflow_id, row.workflow_version, row.tenant)

    async def listed(self, tenant: str = DEFAULT) -> list[Definition]:
        """Return the newest listed version of each of a tenant's workflows."""
        found: list[Definition] = await self._read(self._store.definitions)
        owned = [(split_key(definition.workflow_id), definition) for definition in found]
        return [msgspec.structs.replace(d, workflow_id=name) for (owner, name), d in owned if owner == tenant]

    async def unlist(self, workflow_id: str, tenant: str = DEFAULT) -> None:
        """Take a workflow off the list.

        Raises:
            NotFound: it isn't on it.
        """
        key = _key(workflow_id, tenant)
        if not await self._read(self._store.unlist_definition, key):
            raise NotFound("workflow", workflow_id)
        self._kept = {kept for kept in self._kept if kept[0] != key or not kept[2]}


def _key(workflow_id: str, tenant: str) -> str:
    """The id under which a workflow is stored; an id that would be another tenant's key is nobody's."""
    if "/" in workflow_id:
        raise NotFound("workflow", workflow_id)
    return workflow_key(workflow_id, tenant)
