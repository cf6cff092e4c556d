"""Child sessions, as the nodes and sessions of a runtime reach them.

A child is a session like any other, with a log of its own, in the shard of its root. Its id is
`parent~node~number`, which nobody can ask for from outside. See docs/adr/0011-child-sessions.md.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from .backoff import until_available
from .core.errors import CommandRefused, Fenced, LogTrimmed, NotFound, SessiondError, TerminalError, Unavailable
from .core.events import ChildStarted, unpack
from .core.messages import Command, Create
from .openings import Openings
from .orders import Orders
from .queries import AwaitQuiet

if TYPE_CHECKING:
    from .core.detail import SessionDetail
    from .core.segment import Segment
    from .core.workflow import Workflow
    from .definitions import Definitions
    from .placement import LocalPlacement

MAX_GENERATIONS: Final = 8
"""How deep families may go: a workflow that starts itself would never end."""

T = TypeVar("T")
logger = logging.getLogger("sessiond.children")


def child_id(parent_id: str, node_id: str, index: int, round_: int, attempt: int) -> str:
    """Return the id of a node's child number `index`, from 0, that this attempt would start."""
    again = (f".r{round_}" if round_ > 1 else "") + (f".a{attempt}" if attempt > 1 else "")
    return f"{parent_id}~{node_id}~{index}{again}"


def generation(session_id: str) -> int:
    """Return 0 for a session of its own, 1 for its child, 2 for a child's child, and so on."""
    return session_id.count("~") // 2


class SessionHost(Protocol):
    """What the runtime lends: the sessions' owner."""

    placement: LocalPlacement
    definitions: Definitions

    async def ended(self, session_id: str) -> SessionDetail:
        """Wait until a session has ended."""
        ...

    async def detail(self, session_id: str) -> SessionDetail:
        """Return a session, whole."""
        ...

    async def events(self, session_id: str, after: int = 0) -> list[Segment]:
        """Return stored segments."""
        ...


class ChildSessions:
    """Creates, finds and tells child sessions.

    Attributes:
        openings: turns to start one.
    """

    def __init__(self, host: SessionHost) -> None:
        self._host = host
        self.openings = Openings()
        self._orders = Orders(self._carry_out)

    async def workflow(self, named: str | dict[str, Any], tenant: str) -> Workflow:
        """Return the workflow of a tenant that children are to run: `id`, `id@version`, or a definition.

        Raises:
            NodeError: there is none, for good.
        """
        definitions = self._host.definitions
        try:
            if isinstance(named, str):
                workflow_id, _, wanted = named.partition("@")
                return await _patiently(lambda: definitions.find(workflow_id, wanted or None, tenant))
            workflow = await definitions.compiled(named, tenant)
        except SessiondError as error:
            raise TerminalError(f"no child session can be started: {error}", "unknown_workflow") from None
        return workflow

    async def create(self, workflow: Workflow, command: Create) -> None:
        """Create and start a child, durably; a no-op if the same one exists."""
        known = command.identified(workflow.workflow_id, workflow.version)
        await _patiently(lambda: self._created(workflow, known))

    async def _created(self, workflow: Workflow, command: Create) -> None:
        async with self._host.definitions.held(workflow, command.tenant):
            await self._host.placement.create(workflow, command, fresh=False)

    async def detail(self, session_id: str) -> SessionDetail | None:
        """Return a child, whole, None if there is no such child."""
        try:
            return await _patiently(lambda: self._host.detail(session_id))
        except NotFound:
            return None

    async def ended(self, session_id: str) -> SessionDetail:
        """Wait until a child has ended and return it, whole."""
        return await _patiently(lambda: self._host.ended(session_id))

    async def quiet(self, session_id: str) -> None:
        """Wait until nothing of a child works any more: it is paused and quiet, has ended, or never was."""
        with suppress(NotFound):
            await _patiently(lambda: self._host.placement.command(session_id, AwaitQuiet()))

    async def tell(self, session_id: str, command: Command) -> None:
        """Have a child handle a command, if it is in a state to do so; durable on return."""
        with suppress(NotFound, CommandRefused):
            await _patiently(lambda: self._host.placement.command(session_id, command))

    def order(self, session_id: str, command: Command) -> None:
        """Have a child handle a command some time soon, unless this is closed."""
        self._orders.give(session_id, command)

    async def _carry_out(self, session_id: str, command: Command) -> None:
        try:
            await self.tell(session_id, command)
        except Fenced:
            return  # the new owner makes it good
        except SessiondError as error:
            logger.error("child session %s didn't get its %s: %s", session_id, type(command).__name__, error)

    async def of(self, session_id: str) -> AsyncIterator[str]:
        """Yield the ids of all children that a session ever started, as its log has them."""
        after = 0
        while True:
            try:
                segments = await self._host.events(session_id, after)
            except LogTrimmed as trimmed:
                after = trimmed.first_seq - 1  # no child is older: from the first one on, a log is kept whole
                continue
            if not segments:
                return
            for segment in segments:
                for record in unpack(segment):
                    if isinstance(record.data, ChildStarted):
                        yield record.data.child_id
            after = segments[-1].last_seq

    async def close(self) -> None:
        """Drop orders under way: at the next start, children see for themselves how their parent is."""
        await self._orders.close()


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Wait for as long as the store is away, or full, or behind: an outage fails no node."""
    return await until_available(call, Unavailable)
