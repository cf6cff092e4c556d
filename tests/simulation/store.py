"""The store, as each simulated process sees it: the real semantics of memory://, behind a link that the seed spoils.

A batch is applied whole or not at all. Around that anything may go wrong: an operation fails before it is applied; it
is applied and the answer is lost; the store is away, or full, for a while; the process crashes before or after; a
commit of a crashed process is still on the wire and arrives later, perhaps after the next owner's claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sessiond.actors.core.errors import StoreError, StoreFull, StoreUnavailable, Unavailable
from sessiond.actors.core.ports import Batch, Definition, RowPage, RowQuery, SessionRow, Stored
from sessiond.actors.core.segment import Segment
from sessiond.persistence.memory import MemoryStore

from .journal import Broken, Journal
from .loop import Crashed

if TYPE_CHECKING:
    from .process import Process
    from .world import World

T = TypeVar("T")


class SharedStore:
    """What is stored, and who owns it: survives every process.

    Attributes:
        owners: which process claimed each shard last.
        journals: the checked log of each session.
    """

    def __init__(self, world: World, shards: int) -> None:
        self.memory = MemoryStore(shards)
        self.owners: dict[int, int] = {}
        self.journals: dict[str, Journal] = {}
        self._world = world

    def claim(self, process: Process, shard: int, nonce: str) -> str:
        """Make a process the owner of a shard."""
        token = self.memory.claim(shard, nonce)
        self.owners[shard] = process.number
        self._world.note("claim", process.number, shard, token)
        return token

    def apply(self, process: Process, batch: Batch) -> StoreError | Unavailable | None:
        """Apply a batch, and check whatever was new in it."""
        (answer,) = self.memory.commit([batch])
        world = self._world
        if answer is not None:
            world.note("refused", process.number, batch.shard, type(answer).__name__)
            return answer
        if self.owners.get(batch.shard) != process.number:
            world.broken(f"process {process.number} wrote to shard {batch.shard} of {self.owners.get(batch.shard)}")
        for commit in batch.commits:
            self._append(process, commit.session_id, commit.segment)
        for snapshot in batch.snapshots:
            world.check_snapshot(snapshot)
            world.check_kept(snapshot.session_id)
        return None

    def kept(self, session_id: str) -> list[Segment]:
        """What is left of a session's log."""
        return self.memory._logs[session_id]

    def _append(self, process: Process, session_id: str, segment: Segment) -> None:
        world = self._world
        journal = self.journals.get(session_id)
        if journal is None:
            journal = self.journals[session_id] = Journal(session_id, world.definition_of(session_id))
        if segment.first_seq > journal.seq:
            begin = journal.seq
            try:
                journal.append(segment, process.number)
            except Broken as error:
                world.broken(str(error))
            names = [event["event"] for event in journal.events[begin:]]
            world.note("stored", process.number, session_id, segment.first_seq, *names)
        elif segment not in journal.segments:
            world.broken(f"another segment {segment.first_seq} of {session_id} was taken")


class StoreLink:
    """One process's link to the store; the port `Store`.

    Args:
        inline: whether the writer may commit on the loop.
    """

    def __init__(self, process: Process, shared: SharedStore, inline: bool) -> None:
        self._process = process
        self._world = process.world
        self._shared = shared
        self.shards = shared.memory.shards
        self._inline = inline

    def _through(self, name: str, call: Callable[[], T]) -> T:
        """Carry one operation other than a commit through whatever goes wrong."""
        fault = self._world.faults.draw(self._process, name)
        if fault in ("away", "before", "full"):
            raise StoreUnavailable(f"the store is away: {name}")
        if fault == "crash":
            self._process.crash(f"before {name}")
            raise Crashed
        result = call()
        if fault == "lost":
            raise StoreUnavailable(f"no answer to {name}")
        if fault == "crash after":
            self._process.crash(f"after {name}")
            raise Crashed
        return result

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        """Commit each batch; see Store."""
        answers: list[StoreError | Unavailable | None] = []
        process = self._process
        for batch in batches:
            fault = self._world.faults.draw(process, "commit")
            if fault == "full":
                answers.append(StoreFull("the store is full"))
                continue
            if fault in ("away", "before"):
                answers.append(StoreUnavailable("the store is away"))
                continue
            if fault == "crash":
                process.crash("before commit")
                raise Crashed
            answer = self._shared.apply(process, batch)
            if fault == "crash after":
                process.crash("after commit")
            if not process.alive:
                raise Crashed
            answers.append(StoreUnavailable("no answer to a commit") if fault == "lost" else answer)
        return answers

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        """Do the same, if this world's stores are quick and nobody else writes just now; see Store."""
        return self.commit(batches) if self._inline and not self._world.faults.others_write() else None

    def claim(self, shard: int, nonce: str) -> str:
        """Claim a shard; see Store."""
        return self._through("claim", lambda: self._shared.claim(self._process, shard, nonce))

    def load(self, session_id: str) -> Stored | None:
        """Return a session; see Store."""
        return self._through("load", lambda: self._shared.memory.load(session_id))

    def read(self, session_id: str, after: int, limit: int) -> list[Segment]:
        """Return a part of a log, seldom as much as was asked for; see Store."""
        less = min(limit, self._world.faults.page())
        return self._through("read", lambda: self._shared.memory.read(session_id, after, less))

    def unfinished(self, shard: int) -> list[str]:
        """Return running sessions; see Store."""
        return self._through("unfinished", lambda: self._shared.memory.unfinished(shard))

    def due(self, shard: int, before: float) -> list[str]:
        """Return idle sessions whose timer comes near; see Store."""
        return self._through("due", lambda: self._shared.memory.due(shard, before))

    def row(self, session_id: str) -> SessionRow | None:
        """Return a row; see Store."""
        return self._through("row", lambda: self._shared.memory.row(session_id))

    def rows(self, query: RowQuery) -> RowPage:
        """Return a page of rows; see Store."""
        return self._through("rows", lambda: self._shared.memory.rows(query))

    def put_definition(self, definition: Definition) -> None:
        """Keep a definition; see Store."""
        self._through("put", lambda: self._shared.memory.put_definition(definition))

    def definition(self, workflow_id: str, version: str | None) -> Definition | None:
        """Return a definition; see Store."""
        return self._through("definition", lambda: self._shared.memory.definition(workflow_id, version))

    def __getattr__(self, name: str) -> Any:
        """What nothing goes wrong with: lists of definitions, deletion, the end."""
        return getattr(self._shared.memory, name)
