"""What the attempts of a session report to it while they run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pykka import ActorRef

from .context import NodeContext
from .core.errors import Overloaded
from .core.events import Fact
from .core.messages import RecordFacts
from .core.ports import Committer
from .queries import AwaitStored

MAX_BACKLOG: Final = 10_000
"""Messages that may wait before facts are refused; all others are bounded by the attempts that run."""


class TokensWaiting:
    """An attempt has chunks that no segment holds yet."""

    __slots__ = ("context",)

    def __init__(self, context: NodeContext) -> None:
        self.context = context


class Reports:
    """The AttemptHost of a session: reports wait their turn in its mailbox.

    Args:
        session: the session.
        backlog: says how many messages it has yet to handle.
        committer: where its commits go.
        park: is told at once when an attempt stands at the gate, or goes on.
    """

    __slots__ = ("_backlog", "_committer", "_session", "parked")

    def __init__(
        self,
        session: ActorRef[Any],
        backlog: Callable[[], int],
        committer: Committer,
        park: Callable[[NodeContext, bool], None],
    ) -> None:
        self._session = session
        self._backlog = backlog
        self._committer = committer
        self.parked = park

    def tokens_waiting(self, context: NodeContext) -> None:
        """An attempt has chunks; its first since the buffer was taken."""
        self._tell(TokensWaiting(context))

    def facts(self, context: NodeContext, facts: tuple[Fact, ...]) -> None:
        """An attempt reports facts.

        Raises:
            Overloaded: it reports faster than they can be stored.
        """
        if isinstance(trouble := self._committer.trouble, Overloaded):
            raise trouble
        if self._backlog() >= MAX_BACKLOG:
            raise Overloaded(f"the session has {MAX_BACKLOG} messages to handle; report less, or later")
        self._tell(RecordFacts(context.node_id, context.round, context.attempt, facts))

    def stored(self) -> Awaitable[None]:
        """Return what is done once all that attempts reported so far is stored."""
        return self._session.ask(AwaitStored(), block=False)

    def _tell(self, message: Any) -> None:
        if self._session.is_alive():
            self._session.tell(message)
