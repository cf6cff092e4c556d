"""What actors without a thread of their own have in common."""

from __future__ import annotations

from inspect import iscoroutinefunction
from threading import Event
from types import TracebackType
from typing import Any, ClassVar

from pykka import ActorRef

from .mailbox import Mailbox
from .substrate import SubstrateActor
from .supervision import end

__all__ = ["HostedActor"]


class HostedActor(SubstrateActor):
    """A Pykka actor that a dispatcher or a pool runs, one message at a time.

    The ref exists before the constructor runs, so that ``__init__`` may use ``actor_ref`` and ``parent`` and
    need not call ``super().__init__()``.
    """

    mailbox_bound: ClassVar[int | None] = None
    """Data messages that may wait at a time; ``None`` for no bound. Control and stop are exempt."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for hook in (cls.on_stop, cls.on_failure):
            if iscoroutinefunction(hook):
                raise TypeError(f"{hook.__qualname__} must be a plain def: nothing is awaited at the end of an actor")

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Create the actor; use ``start`` or ``spawn`` to have it run."""

    @property
    def mailbox(self) -> Mailbox[Any]:
        """The actor's mailbox, which is its ref too."""
        ref = self._actor_ref
        assert isinstance(ref, Mailbox)
        return ref

    @property
    def actor_urn(self) -> str:  # type: ignore[override]  # computed: a string per actor would cost memory
        """The name of the actor, unique in this process."""
        return self.mailbox.actor_urn

    @property
    def actor_stopped(self) -> Event:  # type: ignore[override]  # made on demand
        """An event that is set once the actor has stopped and was let go."""
        return self.mailbox.actor_stopped

    @property
    def parent(self) -> ActorRef[Any] | None:
        """The actor that gets ``ChildFailed`` when this one fails."""
        return self.mailbox.parent

    def stop(self) -> None:
        """Stop after the messages that wait now."""
        self.mailbox.stop(block=False)

    def finish(self) -> None:
        """Stop now, from a handler of the actor itself: ``on_stop`` runs, what waits is refused.

        The handler goes on to its end, and its answer still reaches the asker.
        """
        end(self.mailbox)

    def on_start(self) -> Any:
        """Run before the first message. If it raises, the actor has failed: ``on_failure`` runs.

        On a loop it may be ``async def``. Pykka declares it to return ``None``, which type checkers hold
        against that; ``def on_start(self) -> Any: return self.prepare()`` does the same and satisfies them.
        """

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Run when a told message, or anything with a ``BaseException``, has failed the actor."""
