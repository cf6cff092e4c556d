"""The one place that knows Pykka's private names.

Pykka names three hooks "for implementors of new actor types"; a dispatcher needs a few names more. They are
all used here and nowhere else, so that a new Pykka version is one file to read. The distribution pins
``pykka>=4.5,<4.6`` and a test compares the installed version with ``SUPPORTED``; a name that went missing
fails at import with a sentence that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final, NoReturn, TypeVar

import pykka

try:
    from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr
    from pykka.messages import _ActorStop as StopMessage
except ImportError as error:  # pragma: no cover - needs another pykka
    raise ImportError(f"sessiond needs pykka 4.5, whose private names it uses: {error}") from error

__all__ = [
    "PYKKA_MESSAGES",
    "STOP",
    "SUPPORTED",
    "StopMessage",
    "SubstrateActor",
    "SubstrateFuture",
    "SubstrateRef",
    "attach",
    "call_proxy",
]

T = TypeVar("T")
A = TypeVar("A", bound=pykka.Actor)

SUPPORTED: Final = "4.5"
"""The Pykka series, major and minor, whose private names this module was written for."""

STOP: Final = StopMessage()
"""The message that Pykka's ``stop()`` sends: handled in its turn, after everything sent before it."""

PYKKA_MESSAGES: Final[frozenset[type]] = frozenset((StopMessage, ProxyCall, ProxyGetAttr, ProxySetAttr))
"""The types that an actor handles itself instead of passing them to ``on_receive``."""


def call_proxy(actor: pykka.Actor, message: object) -> Any:
    """Do what a message of an ``ActorProxy`` asks of ``actor`` and return the answer.

    Raises:
        AttributeError: the actor has no such attribute.
        TypeError: ``message`` is not one of Pykka's proxy messages.
    """
    match message:
        case ProxyCall(path, args, kwargs):
            return reduce(getattr, path, actor)(*args, **kwargs)  # type: ignore[operator]
        case ProxyGetAttr(path):
            return reduce(getattr, path, actor)
        case ProxySetAttr(path, value):
            setattr(reduce(getattr, path[:-1], actor), path[-1], value)
            return None
        case _:
            raise TypeError(f"not a proxy message: {message!r}")


class SubstrateFuture(pykka.Future[T]):
    """A ``pykka.Future`` without per-instance state of Pykka's own.

    Pykka's constructor makes two attributes for get hooks, which almost no future has: subclasses keep hooks
    themselves.
    """

    def __init__(self) -> None:
        """Create the future; nothing of Pykka's is needed."""


class SubstrateRef(pykka.ActorRef[A]):
    """A ``pykka.ActorRef`` whose subclasses keep their own fields, without Pykka's weak reference."""

    __slots__ = ()

    actor: A | None

    @property
    def _actor_weakref(self) -> Callable[[], A | None]:  # type: ignore[override]
        """What ``ActorProxy`` calls to look at the actor's attributes."""
        return lambda: self.actor


class SubstrateActor(pykka.Actor):
    """A ``pykka.Actor`` that something else than its own thread runs: Pykka's three hooks are never used."""

    @staticmethod
    def _create_actor_inbox() -> NoReturn:
        raise NotImplementedError("the mailbox is made by the dispatcher")

    @staticmethod
    def _create_future() -> NoReturn:
        raise NotImplementedError("the future is made by the mailbox")

    def _start_actor_loop(self) -> NoReturn:
        raise NotImplementedError("the dispatcher runs the actor")


def attach(actor: pykka.Actor, ref: pykka.ActorRef[Any]) -> None:
    """Give ``actor`` its ref, before its constructor runs."""
    actor._actor_ref = ref
