"""A store in memory that the test holds: commits and reads wait, or fail, as it says."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence

from sessiond.actors.core.errors import StoreError, StoreUnavailable, Unavailable
from sessiond.actors.core.ports import Batch, Stored
from sessiond.actors.core.segment import Segment
from sessiond.persistence.memory import MemoryStore


class Valve:
    """Lets threads through, or makes them wait."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._met = threading.Event()

    def shut(self) -> None:
        self._met.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def pass_through(self) -> None:
        self._met.set()
        self._open.wait(30)

    async def met(self) -> None:
        """Wait until somebody stands before it, or went through, since it was shut."""
        await asyncio.to_thread(self._met.wait, 30)


class HeldStore(MemoryStore):
    """Commits go to the writer's thread.

    Attributes:
        commits: what commits pass.
        loads: what loads pass.
        reads: what reads of a log pass.
        deletions: what deletions pass.
        away: how often each read is refused before it is answered, by its name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.commits = Valve()
        self.loads = Valve()
        self.reads = Valve()
        self.deletions = Valve()
        self.away: Counter[str] = Counter()

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        self.commits.pass_through()
        return super().commit(batches)

    def commit_at_once(self, batches: Sequence[Batch]) -> None:
        return None

    def load(self, session_id: str) -> Stored | None:
        self._refuse("load")
        self.loads.pass_through()
        return super().load(session_id)

    def read(self, session_id: str, after_seq: int, limit: int) -> list[Segment]:
        self.reads.pass_through()
        return super().read(session_id, after_seq, limit)

    def delete(self, session_id: str, *, token: str | None = None, with_definition: bool = True) -> bool:
        self.deletions.pass_through()
        return super().delete(session_id, token=token, with_definition=with_definition)

    def unfinished(self, shard: int) -> list[str]:
        self._refuse("unfinished")
        return super().unfinished(shard)

    def _refuse(self, name: str) -> None:
        if self.away[name] > 0:
            self.away[name] -= 1
            raise StoreUnavailable(f"{name} has no answer")
