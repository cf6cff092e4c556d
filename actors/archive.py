"""Archive: what is stored of sessions and their workflows. Who only looks wakes nobody."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from .core.errors import Fault, InvalidInput, LogDiffers, NotFound, StoreUnavailable
from .core.ports import RowPage, RowQuery, SessionRow, Store
from .core.reset import Reset, reset_at
from .core.segment import Segment
from .core.workflow import Workflow
from .definitions import Definitions
from .dispatch.dispatcher import LoopDispatcher
from .restore import Restorer
from .seen import holds
from .shared_reads import SharedReads

PROBE_S: Final = 1.0
"""Seconds in which a store that is there answers a read."""


class Archive:
    """Reads the store off the event loop; the part of a runtime that concerns no session in memory.

    Attributes:
        store: where sessions are kept.
        definitions: the workflows that they run.
        restorer: reads them back.
    """

    store: Store
    definitions: Definitions
    restorer: Restorer
    dispatcher: LoopDispatcher
    _readers: ThreadPoolExecutor
    _probe: SharedReads[[str], SessionRow | None]

    async def workflow_of(self, session_id: str) -> Workflow:
        """Return the workflow that a session runs.

        Raises:
            NotFound: there is no such session.
        """
        return await self.definitions.of(await self.row(session_id))

    async def probe(self) -> None:
        """Return once the store has answered a read that began now or later; of those who ask at once, one reads.

        Raises:
            Unavailable: it didn't, in a second.
        """
        try:
            async with asyncio.timeout(PROBE_S):
                await self._probe("probe")
        except TimeoutError:
            raise StoreUnavailable(f"the store didn't answer a read within {PROBE_S:g} s") from None

    async def _row(self, session_id: str) -> SessionRow | None:
        row: SessionRow | None = await self._read(self.store.row, session_id)
        return row

    async def row(self, session_id: str) -> SessionRow:
        """Return a session's row as stored.

        Raises:
            NotFound: there is none.
        """
        row = await self._row(session_id)
        if row is None:
            raise NotFound("session", session_id)
        return row

    async def rows(self, query: RowQuery) -> RowPage:
        """Return a page of sessions, newest first.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        try:
            page: RowPage = await self._read(self.store.rows, query)
        except ValueError as error:
            raise InvalidInput([Fault("$.cursor", str(error))], "the query") from None
        return page

    async def counts(self, tenant: str) -> dict[str, int]:
        """Return how many sessions of a tenant have each status; one that none has may be left out."""
        counts: dict[str, int] = await self._read(self.store.counts, tenant)
        return counts

    async def events(
        self, session_id: str, after: int = 0, limit: int = 1_048_576, seen: str | None = None
    ) -> list[Segment]:
        """Return stored segments whose last seq is above `after`, about `limit` bytes of them.

        Args:
            session_id: whose.
            after: the last event that the caller has.
            limit: bytes.
            seen: the timestamp of that event, as the caller has it.

        Raises:
            NotFound: there is no such session.
            LogTrimmed: what follows `after` isn't kept any more; `reset_of` has what stands for it.
            LogDiffers: it doesn't hold the event `after`.
        """
        read = functools.partial(self._read, self.store.read)
        segments: list[Segment] = await read(session_id, after, limit)
        doubtful = after > 0 and (seen is not None or not segments)
        if doubtful and not await holds(read, session_id, after, seen):
            await self.row(session_id)
            raise LogDiffers(session_id, after)
        if not segments and not after:
            await self.row(session_id)
        return segments

    async def reset_of(self, session_id: str) -> Reset | None:
        """Return what stands for the events of a session that were trimmed; None if there is no snapshot."""
        snapshot = await self.restorer.base(session_id)
        return None if snapshot is None else reset_at(snapshot)

    async def _read(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run a blocking call, most often on the store, off the loop."""
        return await self.dispatcher.lender.run(self._readers, call, *arguments)
