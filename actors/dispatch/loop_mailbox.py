"""The mailbox of an actor on an event loop: touched by the loop's thread only, so it needs no lock."""

from __future__ import annotations

import asyncio
from _thread import get_ident
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

from pykka import ActorRef

from .future import LoopFuture
from .mailbox import IDLE, PLAIN, SCHEDULED, STARTING, STOPPED, SUSPENDED, Asked, Kill, Mailbox

if TYPE_CHECKING:
    from .dispatcher import LoopDispatcher
    from .loop_actor import LoopActor
    from .turn import Pending

__all__ = ["START", "LoopMailbox"]

A = TypeVar("A", bound="LoopActor")

START: Final[Any] = object()
"""What a foreign thread posts when it has spawned an actor."""


class LoopMailbox(Mailbox[A]):
    """See ``Mailbox``. The first message of an idle actor waits in a field, only a backlog needs a deque."""

    __slots__ = ("dispatcher", "pending", "task")

    def __init__(self, actor: A, parent: ActorRef[Any] | None, dispatcher: LoopDispatcher) -> None:
        super().__init__(actor, parent)
        self.state = STARTING
        self.dispatcher = dispatcher
        self.pending: Pending | None = None
        self.task: asyncio.Task[None] | None = None

    def tell(self, message: Any) -> None:
        """Send a message and expect no answer.

        Raises:
            ActorDeadError: the actor has stopped.
            MailboxFull: the data lane is at its bound.
        """
        dispatcher = self.dispatcher
        if type(message) not in PLAIN or self.credits is not None or get_ident() != dispatcher.thread_id:
            self.send(message, message)
            return
        # The rest is `_put`, written out: this is the hottest call of all.
        state = self.state
        if state == IDLE:
            self.first = message
            self.state = SCHEDULED
            dispatcher.ready.append(self)
            if not dispatcher.awake:
                dispatcher.wake()
        elif state == STOPPED:
            raise self.dead()
        elif (queue := self.queue) is None:
            self.queue = deque((message,))
        else:
            queue.append(message)

    @overload
    def ask(self, message: Any, *, block: Literal[False], timeout: float | None = None) -> LoopFuture[Any]: ...

    @overload
    def ask(self, message: Any, *, block: Literal[True] = True, timeout: float | None = None) -> Any: ...

    @overload
    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any: ...

    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any:
        """Send a message and return its answer or the future of it: see ``Mailbox.ask``."""
        if (
            block
            or type(message) not in PLAIN
            or self.credits is not None
            or self.state == STOPPED
            or get_ident() != self.dispatcher.thread_id
        ):
            return Mailbox.ask(self, message, block=block, timeout=timeout)
        asked = Asked(message)
        self._put(asked)
        return asked

    def enqueue(self, item: Any) -> None:
        """Put a data item into the lane, on the loop's thread or by way of it."""
        dispatcher = self.dispatcher
        if self.state == STOPPED:
            raise self.dead()
        if get_ident() != dispatcher.thread_id:
            dispatcher.post(self, item)
        else:
            self._put(item)

    def enqueue_control(self, item: Any) -> None:
        """Put a control item into its lane, on the loop's thread or by way of it."""
        dispatcher = self.dispatcher
        if self.state == STOPPED:
            raise self.dead()
        if get_ident() != dispatcher.thread_id:
            dispatcher.post_control(self, item)
        else:
            self._put_control(item)

    def _put(self, item: Any) -> None:
        if self.state == IDLE:
            self.first = item
            self.state = SCHEDULED
            self.dispatcher.schedule(self)
        elif (queue := self.queue) is None:
            self.queue = deque((item,))
        else:
            queue.append(item)

    def _put_control(self, item: Any) -> None:
        if self.control is None:
            self.control = deque((item,))
        else:
            self.control.append(item)
        state = self.state
        if state in (IDLE, SUSPENDED, SCHEDULED):
            # Scheduled already, it may stand far back in the line: an entry found stale later is passed over.
            self.state = SCHEDULED
            self.dispatcher.schedule_urgently(self)
        elif self.task is not None and isinstance(item.message if type(item) is Asked else item, Kill):
            # Not at once: a task that has not begun would never get to run its clean-up.
            self.dispatcher.loop.call_soon(self.task.cancel)

    # -- for the dispatcher, on the loop's thread

    def admit(self, item: Any) -> None:
        """Take a data item that a foreign thread posted, or its word that the actor is built."""
        if item is START:
            self.begin()
        elif self.state == STOPPED:
            self.refuse(item)
        else:
            self._put(item)

    def admit_control(self, item: Any) -> None:
        """Take a control item that a foreign thread posted."""
        if self.state == STOPPED:
            self.refuse(item)
        else:
            self._put_control(item)

    def refuse(self, item: Any) -> None:
        """Answer an item that will never be handled."""
        if item is START:
            self.state = STOPPED
            self.dispatcher.directory.pop(self, None)
            self.close()
        else:
            super().refuse(item)

    def begin(self) -> None:
        """Let the actor live: its constructor is through."""
        actor = self.actor
        if actor is None:
            return
        if actor.starts or self.queue is not None or self.control is not None:
            self.dispatcher.schedule(self)
        else:
            self.state = IDLE

    @property
    def directory(self) -> dict[ActorRef[Any], None]:
        """Where the actor is listed while it lives."""
        return self.dispatcher.directory
