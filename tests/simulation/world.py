"""One seed's world: time, the store, the processes, and every promise that can be checked while it runs."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections import deque
from random import Random
from typing import Any, Final

from sessiond.actors.core.decision import MOST_RECORDS
from sessiond.actors.core.detail import describe
from sessiond.actors.core.events import unpack
from sessiond.actors.core.extent import NO_LIMIT, LogLimit
from sessiond.actors.core.node import NodeType
from sessiond.actors.core.parse import parse
from sessiond.actors.core.ports import Snapshot
from sessiond.actors.core.reset import Reset
from sessiond.actors.core.sharding import shard_of
from sessiond.actors.core.snapshot import thaw
from sessiond.actors.core.state import SessionState, fold
from sessiond.actors.core.workflow import Workflow
from sessiond.actors.nodes import register_builtin

from .faults import Faults
from .graphs import GraphMaker
from .journal import Broken, Journal
from .loop import Scheduler
from .nodes import registry
from .process import Body, Process
from .store import SharedStore

TAIL: Final = 60
"""Lines of the trace that are kept."""
QUIET_S: Final = 190.0
"""Seconds, more than the longest timer of a node and the error of two clocks."""
EXPECTED: Final = (
    "fenced: ",
    "is lost to this process",
    "the store is away",
    "trying again: ",
    "the store is back",
    "stays as it is",
    "can't be looked up now",
    "a thread can't be killed",
    "a commit was refused",
)
"""What the product may log as a warning or worse while the store is spoiled."""


class World:
    """Everything of one seed.

    Attributes:
        seed: where all chance comes from.
        processes: those alive.
        bodies: every attempt whose code ever ran, by session, node, round and attempt.
        definitions: the workflow of each session.
        most_records: after how many a decision breaks off.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        chance = Random(f"{seed}/schedule")
        callback_s = chance.choice([0.00001, 0.0001, 0.001])
        reply_s = chance.choice([0.0005, 0.005, 0.05])
        self.scheduler = Scheduler(chance, callback_s, reply_s)
        self.inline = chance.random() < 0.4
        self.throughput = chance.choice([1, 3, 64])
        self.snapshot_bytes = chance.choice([300, 2_000, 1_048_576])
        self.log_limit = Random(f"{seed}/limit").choice([NO_LIMIT, LogLimit(4), LogLimit(24), LogLimit(None, 1_200)])
        self.most_records = Random(f"{seed}/decisions").choice([MOST_RECORDS, MOST_RECORDS, 12, 6])
        self.passivate_s = chance.choice([8.0 if reply_s < 0.05 else 60.0, 60.0, 3_600.0])
        self.last_noted = 0.0
        self.faults = Faults(Random(f"{seed}/faults"))
        self.random = Random(f"{seed}/workload")
        self.processes: list[Process] = []
        self.dead: list[Process] = []
        self.bodies: dict[tuple[str, str, int, int], Body] = {}
        self.definitions: dict[str, dict[str, Any]] = Families()
        self.requests: dict[str, dict[str, Any]] = {}
        self.workflows: dict[str, Workflow] = {}
        self.error: Broken | None = None
        self._hash = hashlib.blake2b(digest_size=8)
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._count = 0
        self.shared = SharedStore(self, chance.choice([1, 1, 3]))

    # ---- the trace

    def note(self, what: str, *about: Any) -> None:
        """Add a line to the trace."""
        if what != "refused":  # who lost the store goes on trying, with every round of its timers
            self.last_noted = self.scheduler.now
        line = f"{self.scheduler.now:.6f} {what} {' '.join(map(str, about))}"
        self._hash.update(line.encode())
        self._tail.append(line)
        self._count += 1

    @property
    def at_rest(self) -> bool:
        """Whether nothing has happened for so long that nothing will, but for the rounds of passivation."""
        return self.scheduler.now - self.last_noted > QUIET_S + 2 * self.passivate_s

    @property
    def digest(self) -> str:
        """A hash of the whole trace."""
        return self._hash.hexdigest()

    @property
    def tail(self) -> list[str]:
        """The last lines of the trace."""
        return list(self._tail)

    def broken(self, why: str) -> None:
        """A promise was broken: remember the first, and stop.

        Raises:
            Broken: always; whoever catches it can't make it undone.
        """
        error = Broken(why)
        if self.error is None:
            self.error = error
            self.note("BROKEN", why)
        raise error

    # ---- processes

    def start(self) -> Process:
        """Start a process; it claims the store from whoever has it."""
        process = Process(self, len(self.processes) + len(self.dead) + 1)
        self.processes.append(process)
        self.note("start", process.number)
        process.spawn(self._open, process)
        return process

    async def _open(self, process: Process) -> None:
        try:
            await process.open()
        except Exception as error:  # noqa: BLE001 - the store is away: whoever operates it starts another
            self.note("unopened", process.number, type(error).__name__)
            process.crash("not opened")

    def gone(self, process: Process) -> None:
        """A process is no more."""
        self.processes.remove(process)
        self.dead.append(process)

    def owns(self, process: Process, session_id: str) -> bool:
        """Whether a process owns a session's shard."""
        return self.shared.owners.get(shard_of(session_id, self.shared.memory.shards)) == process.number

    def draw_skew(self) -> float:
        """Seconds by which a machine's wall clock is wrong."""
        return self.scheduler.chance() * 120 - 60 if "skew" in self.faults.kinds else 0.0

    # ---- sessions

    def define(self, session_id: str) -> dict[str, Any]:
        """Make up the workflow of a session."""
        maker = GraphMaker(self.random, "poison" in self.faults.kinds)
        definition = self.definitions[session_id] = maker.make(f"w-{session_id}")
        return definition

    def definition_of(self, session_id: str) -> dict[str, Any]:
        """Return the workflow of a session."""
        return self.definitions[session_id]

    def journal(self, session_id: str) -> Journal | None:
        """Return a session's stored log, if there is one."""
        return self.shared.journals.get(session_id)

    def folded(self, session_id: str, until: int) -> tuple[Workflow, SessionState]:
        """Return what the first `until` events of a log amount to."""
        workflow = self.workflows.get(session_id)
        if workflow is None:
            workflow = self.workflows[session_id] = parse(self.definitions[session_id], known_types())
        state = SessionState(session_id)
        for segment in self.shared.journals[session_id].segments:
            if segment.last_seq <= until:
                fold(workflow, state, unpack(segment))
        return workflow, state

    def check_snapshot(self, snapshot: Snapshot) -> None:
        """A snapshot must be what the stored log amounts to up to its seq."""
        journal = self.journal(snapshot.session_id)
        if journal is None or snapshot.seq > journal.seq:
            self.broken(f"a snapshot of {snapshot.session_id} at {snapshot.seq} runs ahead of its log")
        if not 0 <= snapshot.trim < snapshot.seq:
            self.broken(f"a log is trimmed up to {snapshot.trim}, its snapshot is of {snapshot.seq}")
        assert journal is not None
        if any(event["event"] == "child:started" for event in journal.events[: snapshot.trim]):
            self.broken(f"{snapshot.session_id} is trimmed up to {snapshot.trim}: who knows its children now?")
        if journal.events[snapshot.seq - 1]["event"] == "execution:completed":
            self.broken(f"a snapshot of {snapshot.session_id} hides its end from who is reset to it")
        _, state = self.folded(snapshot.session_id, snapshot.seq)
        if thaw(snapshot.data) != state:
            self.broken(f"a snapshot of {snapshot.session_id} at {snapshot.seq} isn't the fold of its log")
        self.note("snapshot", snapshot.session_id, snapshot.seq, snapshot.trim)

    def check_kept(self, session_id: str) -> None:
        """What is kept of a log is its end, with no gap between that and the snapshot."""
        kept, journal = self.shared.kept(session_id), self.journal(session_id)
        stored = self.shared.memory.load(session_id)
        assert journal is not None
        assert stored is not None
        covered = stored.snapshot.seq if stored.snapshot else 0
        if not kept or kept != journal.segments[-len(kept) :] or kept[0].first_seq > covered + 1:
            first = kept[0].first_seq if kept else None
            self.broken(f"the log of {session_id} begins at {first}, its snapshot is of {covered}")

    def check_reset(self, session_id: str, seen: int, reset: Reset) -> None:
        """A reset is told only to who needs it, and its snapshot is what the log amounts to before `first_seq`."""
        seq = reset.first_seq - 1
        self.note("reset", session_id, seen, seq)
        if self.shared.kept(session_id)[0].first_seq <= seen + 1:
            self.broken(f"a watcher of {session_id} at {seen} is reset to {seq} without need")
        journal = self.journal(session_id)
        if seq <= seen or journal is None or seq > journal.seq:
            self.broken(f"a watcher of {session_id} at {seen} is reset to {seq}")
        workflow, state = self.folded(session_id, seq)
        if reset.snapshot != describe(workflow, state, ()):
            self.broken(f"the snapshot of a reset of {session_id} isn't the fold of its log up to {seq}")


@functools.cache
def known_types() -> dict[str, NodeType]:
    """The node types of the simulation, to compile workflows with."""
    found = registry(None)
    register_builtin(found)
    return found.types


class Families(dict[str, dict[str, Any]]):
    """The workflow of each session; that of a child stands in its parent's."""

    def __missing__(self, session_id: str) -> dict[str, Any]:
        parent, node_id, _ = session_id.rsplit("~", 2)
        inner: dict[str, Any] = self[parent]["nodes"][node_id]["properties"]["workflow"]
        return inner


class Listener(logging.Handler):
    """Holds the product to it that it logs no error that the faults don't explain."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world
        self.heard: list[str] = []
        self.deaf = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what nobody expects."""
        loop = self._world.scheduler.running
        message = record.getMessage()
        if self.deaf or (loop is not None and loop.dead) or any(known in message for known in EXPECTED):
            return
        if "poison" in self._world.faults.kinds and "Poison" in repr(record.exc_info):
            return
        cause = record.exc_info[1] if record.exc_info else None
        self._world.note("logged", message.partition("urn:")[0], type(cause).__name__)
        self.heard.append(f"{message}: {cause!r}")
