"""Mailboxes: where messages wait for an actor.

A mailbox has two lanes. Control messages are served before data whenever both wait; data is first in, first
out. Only the data lane may be bounded, and nothing is ever dropped silently: a full mailbox refuses at the
producer, a closed one answers with ``ActorDeadError``.

The mailbox is the actor's address as well, in one object instead of Pykka's three (ref, inbox, weak
reference): with a hundred thousand idle actors that is most of the memory. It owns the actor while that
lives and lets go of it at the end, however long others keep the address.
"""

from __future__ import annotations

import logging
from _thread import allocate_lock
from collections import deque
from itertools import count
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar, overload

from pykka import ActorDeadError, ActorRef

from ..core.errors import Overloaded
from .control import Control, Kill, Suspend, Unsuspend
from .future import PENDING, LoopFuture
from .substrate import PYKKA_MESSAGES, STOP, StopMessage, SubstrateRef
from .waiting import refuse_to_block

if TYPE_CHECKING:
    from .hosted_actor import HostedActor

__all__ = [
    "Asked",
    "Control",
    "Credits",
    "Kill",
    "Mailbox",
    "MailboxFull",
    "Suspend",
    "Unsuspend",
    "ask",
]

A = TypeVar("A", bound="HostedActor")

EMPTY: Final[Any] = object()
"""Stands in ``Mailbox.first`` when no message does."""

# Where a mailbox is in its life; plain integers because every message compares them.
IDLE: Final = 0  # nothing waits
SCHEDULED: Final = 1  # in the dispatcher's queue
RUNNING: Final = 2  # a handler runs or awaits
SUSPENDED: Final = 3  # only control messages are served
STARTING: Final = 4  # in the dispatcher's queue, on_start comes first
STOPPED: Final = 5

_numbers = count(1)
_creation = allocate_lock()
logger = logging.getLogger(__name__)


class MailboxFull(Overloaded):
    """The data lane of the receiver's mailbox is at its bound: slow down and send again."""

    code = "mailbox_full"


class Asked(LoopFuture[Any]):
    """An envelope that is also the future of its answer.

    Told messages travel bare. What must not be taken for something else on its way (Pykka's own messages, a
    message that is itself an ``Asked``) travels in an envelope marked ``told``, whose answer nobody awaits.
    """

    __slots__ = ("message", "told")

    def __init__(self, message: Any = None, told: bool = False) -> None:
        # Not through super(): this is made for every ask.
        self._value = PENDING
        self._error = None
        self._callbacks = None
        self.message = message
        self.told = told


class PlainTypes(set[type]):
    """The message types seen so far that need no special treatment: one lookup per message instead of many.

    Bounded, so that types made at run time do not live for ever.
    """

    limit: ClassVar[int] = 4096

    def learn(self, kind: type) -> bool:
        """Return whether messages of ``kind`` are plain data, and remember it if so."""
        if issubclass(kind, (Control, Asked)) or kind in PYKKA_MESSAGES:
            return False
        if len(self) >= self.limit:
            self.clear()
        self.add(kind)
        return True


PLAIN: Final = PlainTypes()


class Credits:
    """The bound of a data lane: a place is reserved to send a message and given back when it is handled.

    Safe from any thread: the check and the reservation are one step.
    """

    __slots__ = ("_free", "_lock")

    def __init__(self, bound: int) -> None:
        if bound < 1:
            raise ValueError(f"a mailbox bound must be at least 1, not {bound}")
        self._free = bound
        self._lock = allocate_lock()

    def take(self) -> bool:
        """Reserve a place; return whether there was one."""
        with self._lock:
            if self._free <= 0:
                return False
            self._free -= 1
            return True

    def give(self) -> None:
        """Give a place back."""
        with self._lock:
            self._free += 1


class Mailbox(SubstrateRef[A]):
    """The mailbox and address of one actor; subclasses say who may touch the lanes, and schedule."""

    __slots__ = (
        "_event",
        "actor",
        "actor_class",
        "control",
        "credits",
        "first",
        "number",
        "parent",
        "queue",
        "state",
        "suspended",
    )

    def __init__(self, actor: A, parent: ActorRef[Any] | None) -> None:
        self.actor: A | None = actor
        self.actor_class = actor.__class__
        self.parent = parent
        self.number = next(_numbers)
        self.first: Any = EMPTY
        self.queue: deque[Any] | None = None
        self.control: deque[Any] | None = None
        bound = actor.mailbox_bound
        self.credits = None if bound is None else Credits(bound)
        self.state: int = IDLE
        self.suspended = False
        self._event: Event | None = None

    @property
    def actor_urn(self) -> str:  # type: ignore[override]  # computed: a string per actor would cost memory
        """The name of the actor, unique in this process."""
        return f"urn:sessiond:actor:{self.number}"

    @property
    def actor_stopped(self) -> Event:  # type: ignore[override]  # made on demand: an Event costs more than the actor
        """An event that is set once the actor has stopped and let go of everything."""
        with _creation:
            event = self._event
            if event is None:
                event = self._event = Event()
        # A teardown that found no event had set `actor` to None before it looked.
        if self.actor is None:
            event.set()
        return event

    def is_alive(self) -> bool:
        """Say whether the actor takes messages."""
        return self.state != STOPPED

    def __len__(self) -> int:
        """Count the data messages that wait."""
        return (self.first is not EMPTY) + len(self.queue or ())

    def __bool__(self) -> bool:
        return True

    def has_data(self) -> bool:
        """Say whether a data message waits."""
        return self.first is not EMPTY or bool(self.queue)

    def killed(self) -> bool:
        """Say whether a ``Kill`` waits."""
        return any(isinstance(item.message if type(item) is Asked else item, Kill) for item in self.control or ())

    @property
    def directory(self) -> dict[ActorRef[Any], None]:
        """Where the actor is listed while it lives."""
        raise NotImplementedError

    # -- sending: from any thread

    def enqueue(self, item: Any) -> None:
        """Put a data item into the lane and schedule the actor; its credit was taken, or it needs none.

        Raises:
            ActorDeadError: the actor has stopped.
        """
        raise NotImplementedError

    def enqueue_control(self, item: Any) -> None:
        """Put a control item into its lane and schedule the actor.

        Raises:
            ActorDeadError: the actor has stopped.
        """
        raise NotImplementedError

    def tell(self, message: Any) -> None:
        """Send a message and expect no answer.

        Raises:
            ActorDeadError: the actor has stopped.
            MailboxFull: the data lane is at its bound.
        """
        self.send(message, message)

    def send(self, item: Any, message: Any) -> None:
        """Choose the lane for ``message``, which travels as ``item``, and reserve its place.

        Raises:
            ActorDeadError: the actor has stopped.
            MailboxFull: the data lane is at its bound.
        """
        if self.state == STOPPED:  # not "full": the credits of what waited at the end are gone
            raise self.dead()
        kind = type(message)
        if kind not in PLAIN and not PLAIN.learn(kind):
            if isinstance(message, Control):
                self.enqueue_control(item)
                return
            if item is message:
                item = Asked(message, told=True)
        if self.credits is not None and kind is not StopMessage and not self.credits.take():
            raise MailboxFull(f"the mailbox of {self} is full")
        self.enqueue(item)

    @overload
    def ask(self, message: Any, *, block: Literal[False], timeout: float | None = None) -> LoopFuture[Any]: ...

    @overload
    def ask(self, message: Any, *, block: Literal[True] = True, timeout: float | None = None) -> Any: ...

    @overload
    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any: ...

    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any:
        """Send a message and return its answer, or with ``block=False`` the future of it.

        Args:
            message: any object.
            block: wait here; only on threads without an event loop.
            timeout: seconds to wait at most.

        Raises:
            BlockingOnLoop: ``block`` on the thread of an event loop; nothing was sent.
            pykka.Timeout: no answer in time.
            Exception: what the handler raised, ``ActorDeadError`` or ``MailboxFull``.
        """
        if block:
            refuse_to_block()
        asked = Asked(message)
        try:
            self.send(asked, message)
        except (ActorDeadError, MailboxFull) as error:
            asked.reject(error)
        return asked.get(timeout=timeout) if block else asked

    @overload  # type: ignore[override]
    def stop(self, *, block: Literal[False], timeout: float | None = None) -> LoopFuture[bool]: ...

    @overload
    def stop(self, *, block: Literal[True] = True, timeout: float | None = None) -> bool: ...

    @overload
    def stop(self, *, block: bool = True, timeout: float | None = None) -> bool | LoopFuture[bool]: ...

    def stop(self, *, block: bool = True, timeout: float | None = None) -> bool | LoopFuture[bool]:
        """Ask the actor to stop after the messages sent before; a suspended actor must be unsuspended first.

        Returns:
            ``True`` if it stopped or was about to, ``False`` if it was dead already; a future of that with
            ``block=False``.

        Raises:
            BlockingOnLoop: ``block`` on the thread of an event loop; nothing was sent.
        """
        if block:
            refuse_to_block()
        asked = Asked(STOP)
        try:
            self.enqueue(asked)
        except ActorDeadError:
            asked.resolve(False)
        return asked.get(timeout=timeout) if block else asked

    # -- the end

    def dead(self) -> ActorDeadError:
        """Make the error for a message that comes too late."""
        return ActorDeadError(f"{self} not found")

    def refuse(self, item: Any) -> None:
        """Answer an item that will never be handled; a told one becomes a dead letter."""
        if type(item) is Asked and not item.told:
            if type(item.message) is StopMessage:
                item.resolve(True)
            else:
                item.reject(ActorDeadError(f"{self} stopped before handling the message"))
            item.message = None
            return
        message = item.message if type(item) is Asked else item
        self.bury(message)

    def bury(self, message: Any) -> None:
        """Account for a told message that nobody handles."""
        logger.debug("dead letter to %s: %r", self, message)

    def close(self) -> None:
        """Let go of the actor and refuse everything that waits; the state is ``STOPPED`` already."""
        self.actor = None
        first, self.first = self.first, EMPTY
        control, self.control = self.control, _CLOSED
        data, self.queue = self.queue, None
        while control:
            self.refuse(control.popleft())
        if first is not EMPTY:
            self.refuse(first)
        while data:
            self.refuse(data.popleft())
        if self._event is not None:
            self._event.set()


_CLOSED: Final[deque[Any]] = deque()  # not None, so that a turn looks up from its data; never written to


def ask(ref: ActorRef[Any], message: Any) -> LoopFuture[Any]:
    """Send ``message`` and return the future of the answer: ``ref.ask(message, block=False)``, typed.

    Raises:
        TypeError: ``ref`` belongs to an actor that has a thread of its own.
    """
    if not isinstance(ref, Mailbox):
        raise TypeError(f"not an actor of a dispatcher or pool: {ref!r}")
    return ref.ask(message, block=False)
