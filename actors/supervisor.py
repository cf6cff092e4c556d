"""Supervisor: owns the sessions of one shard: spawns, finds, activates and restarts them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from pykka import ActorDeadError, ActorRef

from .backoff import until_available
from .core.errors import Draining, Fenced, NotFound, SessiondError
from .core.events import Failure
from .core.lifecycle import TERMINAL
from .core.messages import Abort, Cancel, Pause, Recover, Stop
from .core.ports import SessionRow
from .core.state import SessionState
from .core.workflow import Workflow
from .dispatch.future import Deferred
from .dispatch.loop_actor import LoopActor
from .dispatch.mailbox import Control, Mailbox
from .dispatch.supervision import ChildFailed, RestartBudget
from .environment import Environment
from .restore import Restored, Restorer
from .session import SessionActor

logger = logging.getLogger("sessiond.supervisor")

RESTARTS: Final = 3
"""How often a session that fails inside is recovered within PERIOD_S before it is ended as failed."""
PERIOD_S: Final = 60.0


class Open:
    """Spawn an actor for a new session, or find the one of that id; the answer is its ref.

    Attributes:
        fresh: nobody can have had this id before, so the store needn't be asked.
    """

    __slots__ = ("fresh", "session_id", "workflow")

    def __init__(self, session_id: str, workflow: Workflow, fresh: bool) -> None:
        self.session_id = session_id
        self.workflow = workflow
        self.fresh = fresh


class Activate:
    """Bring a stored session into memory; the answer is its ref."""

    __slots__ = ("session_id",)

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id


class Forget:
    """A session was deleted: its actor stops, and what was read of it before isn't brought back."""

    __slots__ = ("session_id",)

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id


class FailOver(Control):
    """A session met a bug inside: recover it from its log."""

    __slots__ = ("session_id",)

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id


class _Activation:
    """A session on its way into memory.

    Attributes:
        replies: of those who asked for it.
        wanted: the workflow of a new session, for somebody who asked for one if there is none.
        outdated: the session was deleted meanwhile, so what is being read of it is no more.
    """

    __slots__ = ("outdated", "replies", "wanted")

    def __init__(self) -> None:
        self.replies: list[Deferred[ActorRef[SessionActor]]] = []
        self.wanted: Workflow | None = None
        self.outdated = False

    def join(self, wanted: Workflow | None) -> Deferred[ActorRef[SessionActor]]:
        """Return a promise of the session."""
        self.wanted = self.wanted or wanted
        reply = Deferred[ActorRef[SessionActor]]()
        self.replies.append(reply)
        return reply


FindRow = Callable[[str], Awaitable[SessionRow | None]]


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
        restorer: Restorer,
        row: FindRow,
    ) -> None:
        super().__init__()
        self.sessions = sessions
        self._env = environment
        self._shard = shard
        self._restorer = restorer
        self._row = row
        self._activating: dict[str, _Activation] = {}
        self._parked: dict[str, _Activation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._doomed: set[str] = set()
        self._budgets: dict[str, RestartBudget] = {}

    def on_receive(self, message: Any) -> Any:
        """Handle one message.

        Raises:
            Fenced: the shard has another owner; what was here has stopped, and nothing is brought back.
        """
        if isinstance(message, (Open, Activate)) and self._shard in self._env.committer.fenced:
            raise Fenced(self._shard)
        match message:
            case Open(session_id=session_id, workflow=workflow):
                if message.fresh:
                    return self._spawn(workflow, SessionState(session_id))
                return self._activate(session_id, workflow)
            case Activate():
                return self._activate(message.session_id)
            case Forget():
                return self._forget(message.session_id)
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
        for activation in (*self._activating.values(), *self._parked.values()):
            for reply in activation.replies:
                reply.set_exception(Draining("the runtime is shutting down"))

    def _spawn(self, workflow: Workflow, state: SessionState, *left: Any) -> ActorRef[SessionActor]:
        ref = self.spawn(SessionActor, self._env, self._shard, workflow, state, *left)
        self.sessions[state.session_id] = ref
        return ref

    def _activate(self, session_id: str, wanted: Workflow | None = None) -> Any:
        ref = self.sessions.get(session_id)
        if ref is not None and ref.is_alive():
            return ref
        if ref is not None:  # it failed inside: its log can't be read before its last commits are in there
            return self._parked.setdefault(session_id, _Activation()).join(wanted)
        if session_id not in self._activating:
            self._bring_back(session_id, _Activation())
        return self._activating[session_id].join(wanted)

    def _bring_back(self, session_id: str, activation: _Activation) -> None:
        self._activating[session_id] = activation
        self._begin(self._brought_back(session_id, activation))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _brought_back(self, session_id: str, activation: _Activation) -> None:
        try:
            ref = await self._recovered(session_id, activation)
        except Exception as error:
            if not isinstance(error, SessiondError):
                logger.exception("session %s can't be brought back", session_id)
            del self._activating[session_id]
            for reply in activation.replies:
                reply.set_exception(error)
            return
        del self._activating[session_id]
        for reply in activation.replies:
            reply.set(ref)

    async def _recovered(self, session_id: str, activation: _Activation) -> ActorRef[SessionActor]:
        restored, parent = await self._restored(session_id, activation)
        if restored is None and activation.wanted is not None:
            return self._spawn(activation.wanted, SessionState(session_id))
        if restored is None:
            raise NotFound("session", session_id)
        state = restored.state
        ref = self._spawn(restored.workflow, state, restored.row.idle, restored.extent, restored.since)
        if session_id in self._doomed:
            self._doomed.discard(session_id)
            failure = Failure("crash_loop", f"the session failed inside {RESTARTS + 1} times in {PERIOD_S:.0f} s")
            ref.tell(Abort(failure))
        elif state.status in ("running", "paused"):
            if state.parent_id is not None:
                follow(ref, state.parent_id, parent)
            ref.tell(Recover())
        return ref

    async def _restored(self, session_id: str, activation: _Activation) -> tuple[Restored | None, SessionRow | None]:
        """Read a session back, and its parent's row; again if it was deleted meanwhile."""
        while True:
            activation.outdated = False
            restored = await self._restorer.restore(session_id)
            parent_id = None if restored is None else restored.state.parent_id
            parent = None if parent_id is None else await self._row(parent_id)
            if not activation.outdated:
                return restored, parent

    def _forget(self, session_id: str) -> None:
        if (activation := self._activating.get(session_id)) is not None:
            activation.outdated = True
        ref = self.sessions.get(session_id)
        actor = ref.actor if isinstance(ref, Mailbox) else None
        if ref is not None and isinstance(actor, SessionActor) and actor.status in TERMINAL:  # else it is a new one
            del self.sessions[session_id]
            ref.stop(block=False)
        self._budgets.pop(session_id, None)
        self._restorer.forget(session_id)

    def _fail_over(self, session_id: str) -> None:
        """Recover a session that met a bug; one that does so again and again is ended."""
        self.sessions.pop(session_id, None)
        now = self._env.clock.now()
        self._budgets = {each: budget for each, budget in self._budgets.items() if not budget.untouched(now)}
        budget = self._budgets.setdefault(session_id, RestartBudget(RESTARTS, PERIOD_S))
        if not budget.spend(now):
            self._doomed.add(session_id)
        if parked := self._parked.pop(session_id, None):
            self._bring_back(session_id, parked)
        self._begin(self._go_on(session_id))

    async def _go_on(self, session_id: str) -> None:
        """Activate a session that nobody asks for, once the store lets us; who does ask meanwhile isn't held up."""
        with suppress(ActorDeadError):  # the runtime is being closed
            try:
                await until_available(lambda: self.actor_ref.ask(Activate(session_id), block=False))
            except SessiondError as error:
                logger.error("session %s stays as it is: %s", session_id, error)


def follow(child: ActorRef[SessionActor], parent_id: str, parent: SessionRow | None) -> None:
    """Tell a child session what its parent was told, in case a crash came between.

    A paused child is left to its parent's resume.
    """
    if parent is None or parent.status in TERMINAL:
        why = f"session {parent_id!r} has ended"
        cancelled = parent is not None and parent.status == "cancelled"
        child.ask(Cancel(why, parent_id) if cancelled else Stop(why, parent_id), block=False)
    elif parent.status == "paused":
        child.ask(Pause(by=parent_id), block=False)
