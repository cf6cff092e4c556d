"""Where a session lives: shards, and the one seam through which commands reach them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from pykka import ActorDeadError, ActorRef

from .core.errors import Draining, SessionFailed
from .core.lifecycle import Status
from .core.messages import Create, Created
from .core.sharding import shard_of
from .core.workflow import Workflow
from .dispatch.mailbox import EMPTY, Mailbox
from .queries import AwaitEnd, AwaitQuiet, Begin, NoLongerAwaited
from .session import SessionActor
from .supervisor import Activate, Forget, Open, Supervisor

TRIES: Final = 3
"""How often a command is repeated when its session leaves memory just then."""


class Shard:
    """The unit of ownership: a supervisor, its sessions, one owner token.

    Attributes:
        sessions: the sessions in memory, id → ref.
        token: the owner token under which this process writes.
    """

    __slots__ = ("number", "sessions", "supervisor", "token")

    def __init__(
        self,
        number: int,
        token: str,
        supervisor: ActorRef[Supervisor],
        sessions: dict[str, ActorRef[SessionActor]],
    ) -> None:
        self.number = number
        self.token = token
        self.supervisor = supervisor
        self.sessions = sessions


def standing(ref: ActorRef[SessionActor]) -> tuple[Status, int] | None:
    """Return a session's status and how many messages wait for it; None once it has left memory."""
    actor = ref.actor if isinstance(ref, Mailbox) else None
    return (actor.status, len(actor.mailbox)) if isinstance(actor, SessionActor) else None


def next_message(ref: ActorRef[SessionActor]) -> object | None:
    """Return what a session handles next, as it waits in its mailbox; None if nothing does."""
    if not isinstance(ref, Mailbox):
        return None
    if ref.control:
        return cast(object, ref.control[0])
    if ref.first is not EMPTY:
        return cast(object, ref.first)
    return ref.queue[0] if ref.queue else None


class Placement(Protocol):
    """Finds the owner of a session, wherever that runs."""

    async def command(self, session_id: str, message: Any) -> Any:
        """Have the session handle `message` and return its reply.

        Raises:
            NotFound: there is no such session.
        """
        ...

    async def create(self, workflow: Workflow, message: Create, *, fresh: bool) -> Created:
        """Have a new session handle `message`, or the one of that id, unless `fresh` says there can be none."""
        ...


class LocalPlacement:
    """All shards in this process."""

    def __init__(self, shards: list[Shard]) -> None:
        self.shards = shards

    def shard(self, session_id: str) -> Shard:
        """Return the session's shard."""
        return self.shards[shard_of(session_id, len(self.shards))]

    async def command(self, session_id: str, message: Any) -> Any:
        """Have the session handle `message`, bringing it into memory if it isn't there.

        Raises:
            NotFound: there is no such session.
        """
        shard = self.shard(session_id)
        for _ in range(TRIES):
            ref = shard.sessions.get(session_id)
            if ref is None or not ref.is_alive():
                ref = await _supervised(shard, Activate(session_id))
            try:
                return await ref.ask(message, block=False)
            except ActorDeadError:
                continue  # it left memory between the look-up and the message
            except asyncio.CancelledError:
                if isinstance(message, (AwaitEnd, AwaitQuiet)) and ref.is_alive():
                    ref.tell(NoLongerAwaited(message))
                raise
        raise SessionFailed(f"session {session_id!r} left memory {TRIES} times in a row")

    async def create(self, workflow: Workflow, message: Create, *, fresh: bool) -> Created:
        """Have a new session handle `message`, or the one of that id, unless `fresh` says there can be none.

        Raises:
            SessionExists: the id was used for another request.
        """
        shard = self.shard(message.session_id)
        for _ in range(TRIES):
            ref = await _supervised(shard, Open(message.session_id, workflow, fresh))
            try:
                created: Created = await ref.ask(Begin(workflow, message), block=False)
            except ActorDeadError:
                continue  # it ended between the look-up and the message
            return created
        raise SessionFailed(f"session {message.session_id!r} left memory {TRIES} times in a row")

    async def forget(self, session_id: str) -> None:
        """Let go of a session that was deleted, whether it is in memory or about to be."""
        with suppress(ActorDeadError):  # the runtime is being closed
            await self.shard(session_id).supervisor.ask(Forget(session_id), block=False)


async def _supervised(shard: Shard, message: Open | Activate) -> ActorRef[SessionActor]:
    """Have the supervisor find or make the session's actor.

    Raises:
        Draining: the runtime is being closed.
    """
    try:
        ref: ActorRef[SessionActor] = await shard.supervisor.ask(message, block=False)
    except ActorDeadError:
        raise Draining("the runtime is shutting down") from None
    return ref
