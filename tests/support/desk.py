"""A writer in the test's hands."""

from __future__ import annotations

import asyncio

from sessiond.actors.core.meters import WriterMeters
from sessiond.actors.core.ports import Commit, Snapshot, Store, Ticket, WriterHost


class Desk:
    """A writer that stores nothing: the test settles every commit."""

    def __init__(self, host: WriterHost, store: Store) -> None:
        self.tickets: asyncio.Queue[Ticket] = asyncio.Queue()
        self.trouble = None
        self.fenced: set[int] = set()
        self.meters = WriterMeters()

    def submit(self, shard: int, commit: Commit, ticket: Ticket) -> None:
        self.tickets.put_nowait(ticket)

    def keep(self, shard: int, snapshot: Snapshot) -> None:
        pass

    async def drain(self) -> None:
        pass
