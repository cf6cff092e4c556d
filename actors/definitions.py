"""Workflow definitions: stored once by version, compiled once while anybody uses them.

Graphs may come with each session, each another one: so what was compiled is kept as long as a session runs it, and of
the others the last used ones.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from .core.errors import Conflict, NotFound
from .core.node import NodeRegistry
from .core.parse import parse, size_of
from .core.ports import Clock, Definition, SessionRow, Store
from .core.tenancy import DEFAULT, split_key, workflow_key
from .core.timestamps import stamp
from .core.workflow import Workflow
from .deadline import carried_through
from .recent import Recent

MOST_KEPT: Final = 512
"""Compiled workflows that are kept although no session in memory runs them."""
MOST_KNOWN: Final = 8_192
"""Definitions that are known to be stored, and needn't be again."""

NEWEST_S: Final = 1.0
"""Seconds for which the newest version of a workflow isn't asked for again; what changes here counts at once."""


class _Leaving:
    """Sessions that are being deleted, of one definition."""

    __slots__ = ("count", "over")

    def __init__(self) -> None:
        self.count = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()


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
        self._in_use: WeakValueDictionary[tuple[str, str], Workflow] = WeakValueDictionary()
        self._recent: Recent[tuple[str, str], Workflow] = Recent(MOST_KEPT)
        self._stored: Recent[tuple[str, str, bool], None] = Recent(MOST_KNOWN)
        self._newest: Recent[str, tuple[float, Workflow]] = Recent(MOST_KEPT)
        self._changes = 0
        self._unlistings = 0
        self._compiling = asyncio.Lock()
        self._pins: Counter[tuple[str, str]] = Counter()
        self._leaving: dict[tuple[str, str], _Leaving] = {}

    def compile(self, definition: Any, tenant: str = DEFAULT) -> Workflow:
        """Check and compile a definition, here and now.

        Raises:
            InvalidWorkflow: with every fault.
        """
        return self._kept(parse(definition, self._registry.types), tenant)

    async def compiled(self, definition: Any, tenant: str = DEFAULT, *, stored: bool = False) -> Workflow:
        """Check and compile a definition; a large one off the loop, and only one of those at a time.

        Args:
            definition: plain data.
            tenant: whose it is.
            stored: it comes from the store, see `parse`.

        Raises:
            InvalidWorkflow: with every fault.
        """
        size = size_of(definition)
        compile_it = functools.partial(parse, definition, self._registry.types, stored=stored, size=size)
        if not size.large:
            return self._kept(compile_it(), tenant)
        async with self._compiling:
            return self._kept(await self._read(compile_it), tenant)

    def _kept(self, workflow: Workflow, tenant: str) -> Workflow:
        return self._known(*_stored_as(workflow, tenant)) or self._learn(workflow, tenant)

    async def keep(self, workflow: Workflow, *, listed: bool, tenant: str = DEFAULT) -> Definition:
        """Store a workflow, so that sessions can be brought back with it; a no-op if it is there.

        It is pinned meanwhile: a deletion that begins now takes nothing away that is just being stored, or listed.
        """
        key = stored_id, version = _stored_as(workflow, tenant)
        self._pins[key] += 1
        try:
            while (leaving := self._leaving.get(key)) is not None:
                await asyncio.shield(leaving.over)
            definition = Definition(stored_id, version, workflow.body, stamp(self._clock.now()), listed)
            if (*key, listed) in self._stored:
                self._stored.use((*key, listed), None)
            else:
                self._pins[key] += 1  # also for the write, which goes on though whoever asked for it leaves
                await carried_through(self._put(definition, key))
        finally:
            self._unpin(key)
        return msgspec.structs.replace(definition, workflow_id=workflow.workflow_id)

    async def _put(self, definition: Definition, pinned: tuple[str, str]) -> None:
        unlistings = self._unlistings
        try:
            await self._read(self._store.put_definition, definition)
            self._forget_newest(definition.workflow_id)
            if unlistings == self._unlistings:  # else it may be off the list again
                self._stored.use((*pinned, definition.listed), None)
        finally:
            self._unpin(pinned)

    @asynccontextmanager
    async def held(self, workflow: Workflow, tenant: str) -> AsyncIterator[None]:
        """Store a workflow, and keep it from going with its last session while another one is created with it.

        Where it isn't known what became of the creation, it may yet be committed: the workflow stays then.
        """
        key = _stored_as(workflow, tenant)
        await self.keep(workflow, listed=False, tenant=tenant)
        self._pins[key] += 1  # at once: between the two nobody else has had a turn
        try:
            yield
        except Conflict:
            self._unpin(key)
            raise
        self._unpin(key)

    @contextmanager
    def leaving(self, row: SessionRow) -> Iterator[bool]:
        """While a session is deleted: yields whether its definition may go with it. Who wants to store that waits."""
        key = workflow_key(row.workflow_id, row.tenant), row.workflow_version
        if key in self._pins:
            yield False
            return
        for listed in (True, False):
            self._stored.discard((*key, listed))
        leaving = self._leaving.setdefault(key, _Leaving())
        leaving.count += 1
        try:
            yield True
        finally:
            leaving.count -= 1
            if not leaving.count:
                del self._leaving[key]
                leaving.over.set_result(None)

    def _unpin(self, key: tuple[str, str]) -> None:
        self._pins[key] -= 1
        if not self._pins[key]:
            del self._pins[key]

    async def find(self, workflow_id: str, version: str | None = None, tenant: str = DEFAULT) -> Workflow:
        """Return a tenant's stored workflow, compiled; the newest listed version if none is named.

        Raises:
            NotFound: there is none.
            InvalidWorkflow: it names node types that this process doesn't have.
        """
        key = _key(workflow_id, tenant)
        known = self._newest_of(key) if version is None else self._known(key, version)
        if known is not None:
            return known
        asked, changes = asyncio.get_running_loop().time(), self._changes
        stored: Definition | None = await self._read(self._store.definition, key, version)
        if stored is None:
            raise NotFound("workflow", workflow_id if version is None else f"{workflow_id}@{version}")
        found = self._known(key, stored.version)
        if found is None:
            found = await self.compiled(msgspec.json.decode(stored.body), tenant, stored=True)
        if version is None and changes == self._changes:  # else it may be older than what was stored meanwhile
            self._newest.use(key, (asked, found))
        return found

    def _forget_newest(self, key: str) -> None:
        self._newest.discard(key)
        self._changes += 1

    def _newest_of(self, key: str) -> Workflow | None:
        asked, workflow = self._newest.get(key, (0.0, None))
        return workflow if asyncio.get_running_loop().time() < asked + NEWEST_S else None

    def _known(self, key: str, version: str) -> Workflow | None:
        workflow = self._in_use.get((key, version))
        if workflow is not None:
            self._recent.use((key, version), workflow)
        return workflow

    def _learn(self, workflow: Workflow, tenant: str) -> Workflow:
        key = _stored_as(workflow, tenant)
        self._in_use[key] = workflow
        self._recent.use(key, workflow)
        return workflow

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
        if not await carried_through(self._unlist(key)):
            raise NotFound("workflow", workflow_id)

    async def _unlist(self, key: str) -> bool:
        """Whatever comes of the write, and whoever leaves meanwhile: what it takes off can be listed again."""
        try:
            was_listed: bool = await self._read(self._store.unlist_definition, key)
        finally:
            self._unlistings += 1
            self._forget_newest(key)
            self._stored.forget(lambda stored: stored[0] == key and stored[2])
        return was_listed


def _stored_as(workflow: Workflow, tenant: str) -> tuple[str, str]:
    """The id and the version under which a tenant's workflow is stored."""
    return workflow_key(workflow.workflow_id, tenant), workflow.version


def _key(workflow_id: str, tenant: str) -> str:
    """The id under which a workflow is stored; an id that would be another tenant's key is nobody's."""
    if "/" in workflow_id:
        raise NotFound("workflow", workflow_id)
    return workflow_key(workflow_id, tenant)
