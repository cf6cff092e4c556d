"""Supervisor: owns the sessions of one shard: spawns, finds, activates and restarts them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pykka import ActorRef

from .definitions import Definitions
from .environment import Environment
from .errors import NotFound, SessiondError
from .events import Failure, unpack
from .loop_actor import LoopActor
from .mailbox import ChildFailed, Control, Deferred
from .messages import Abort, Recover
from .ports import Stored
from .session import SessionActor
from .state import SessionState, fold, thaw
from .workflow import Workflow

logger = logging.getLogger("sessiond.supervisor")

RESTARTS: Final = 3
"""How often a session that fails inside is recovered within PERIOD_S before it is ended as failed."""
PERIOD_S: Final = 60.0


class Open:
    """Spawn an actor for a new session; the answer is its ref."""

    __slots__ = ("session_id", "workflow")

    def __init__(self, session_id: str, workflow: Workflow) -> None:
        self.session_id = session_id
        self.workflow = workflow


class Activate:
    """Bring a stored session into memory; the answer is its ref."""

    __slots__ = ("session_id",)

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id


class FailOver(Control):
    """A session met a bug inside: recover it from its log."""

    __slots__ = ("session_id",)

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id


Load = Callable[[str], Awaitable[Stored | None]]


class Supervisor(LoopActor):
    """Owns the sessions of one shard.

    Attributes:
        sessions: the directory, session id → ref; read by the placement, written here only.
    """

    def __init__(
        self,
        environment: Environment,
        shard: int,
        sessions: dict[str, ActorRef[SessionActor]],
        definitions: Definitions,
        load: Load,
    ) -> None:
        super().__init__()
        self.sessions = sessions
        self._env = environment
        self._shard = shard
        self._definitions = definitions
        self._load = load
        self._activating: dict[str, list[Deferred]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: dict[str, deque[float]] = {}

    def on_receive(self, message: Any) -> Any:
        """Handle one message."""
        match message:
            case Open():
                state = SessionState(message.session_id)
                return self._spawn(message.workflow, state)
            case Activate():
                return self._activate(message.session_id)
            case FailOver():
                return self._fail_over(message.session_id)
            case ChildFailed():
                return None  # the session itself asks for a fail-over once its commits are through
            case _:
                raise TypeError(f"a supervisor can't handle {type(message).__name__}")

    def on_stop(self) -> None:
        """Stop activations under way."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, workflow: Workflow, state: SessionState) -> ActorRef[SessionActor]:
        ref = self.spawn(SessionActor, self._env, self._shard, workflow, state)
        self.sessions[state.session_id] = ref
        return ref

    def _activate(self, session_id: str) -> Any:
        if (ref := self.sessions.get(session_id)) is not None and ref.is_alive():
            return ref
        reply = Deferred()
        waiting = self._activating.get(session_id)
        if waiting is not None:
            waiting.append(reply)
            return reply
        self._activating[session_id] = [reply]
        self._begin(session_id)
        return reply

    def _begin(self, session_id: str) -> None:
        task = asyncio.get_running_loop().create_task(self._bring_back(session_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bring_back(self, session_id: str) -> None:
        try:
            ref = await self._recovered(session_id)
        except Exception as error:  # noqa: BLE001 - one bad session mustn't hurt the shard
            if not isinstance(error, SessiondError):
                logger.exception("session %s can't be brought back", session_id)
            for reply in self._activating.pop(session_id, ()):
                reply.set_exception((type(error), error, None))
            return
        for reply in self._activating.pop(session_id, ()):
            reply.set(ref)

    async def _recovered(self, session_id: str) -> ActorRef[SessionActor]:
        stored = await self._load(session_id)
        if stored is None:
            raise NotFound("session", session_id)
        workflow = await self._definitions.find(stored.row.workflow_id, stored.row.workflow_version)
        state = restore(workflow, stored)
        ref = self._spawn(workflow, state)
        if state.in_status("running") and not state.terminal:
            ref.tell(Recover())
        elif state.status == "running":
            ref.tell(Recover())  # arms its timers
        return ref

    def _fail_over(self, session_id: str) -> None:
        self.sessions.pop(session_id, None)
        now = self._env.clock.now()
        times = self._failures.setdefault(session_id, deque(maxlen=RESTARTS + 1))
        times.append(now)
        if session_id not in self._activating:
            self._activating[session_id] = []
            self._begin(session_id)
        if len(times) > RESTARTS and now - times[0] < PERIOD_S:
            failure = Failure("crash_loop", f"the session failed inside {len(times)} times in {PERIOD_S:.0f} s")
            abort = Deferred()
            abort.add_done_callback(lambda done: done.get().tell(Abort(failure)) if done.done() else None)
            self._activating[session_id].append(abort)


def restore(workflow: Workflow, stored: Stored) -> SessionState:
    """Return the state that a stored session's snapshot and log amount to.

    Raises:
        CorruptLog, FutureVersion: they can't be read.
    """
    state = SessionState(stored.row.session_id) if stored.snapshot is None else thaw(stored.snapshot.data)
    for segment in stored.segments:
        records = [record for record in unpack(segment) if record.seq > state.seq]
        fold(workflow, state, records)
    return state
