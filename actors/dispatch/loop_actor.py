"""Actors on an event loop."""

from __future__ import annotations

from typing import Any, ClassVar, Self, TypeVar

from .dispatcher import LoopDispatcher
from .hosted_actor import HostedActor
from .loop_mailbox import LoopMailbox

__all__ = ["LoopActor"]

C = TypeVar("C", bound="LoopActor")


class LoopActor(HostedActor):
    """A Pykka actor that shares an event loop with any number of others.

    ``on_receive`` and ``on_start`` may be ``def`` or ``async def``; while one awaits, later messages of this
    actor wait and other actors run. It never costs a thread, and its life may be as short as one task::

        class Greeter(LoopActor):
            async def on_receive(self, message):
                await asyncio.sleep(message.delay_s)
                return f"hello {message.name}"

        ref = Greeter.start()
        answer = await ref.ask(Greet("Ada", 0.1), block=False)
    """

    starts: ClassVar[bool] = False
    """Whether ``on_start`` does anything: an actor without one is never scheduled for it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.starts = cls.on_start is not HostedActor.on_start

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> LoopMailbox[Self]:
        """Start an actor on the dispatcher of the running loop, or on the default one of the process.

        The default dispatcher has a thread of its own and is made when first needed.
        """
        return LoopDispatcher.current().launch(cls, None, args, kwargs)

    @property
    def mailbox(self) -> LoopMailbox[Any]:
        """The actor's mailbox, which is its ref too."""
        ref = self._actor_ref
        assert isinstance(ref, LoopMailbox)
        return ref

    @property
    def dispatcher(self) -> LoopDispatcher:
        """The dispatcher that runs this actor."""
        return self.mailbox.dispatcher

    def spawn(self, child_class: type[C], *args: Any, **kwargs: Any) -> LoopMailbox[C]:
        """Start a child on the same dispatcher; its failure arrives here as ``ChildFailed``."""
        return self.mailbox.dispatcher.launch(child_class, self._actor_ref, args, kwargs)
