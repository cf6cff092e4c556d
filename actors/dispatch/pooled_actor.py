"""Actors whose handlers block, on a pool of threads."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any, Self, TypeVar

from .hosted_actor import HostedActor
from .pool_mailbox import PoolMailbox
from .worker_pool import WorkerPool

__all__ = ["PooledActor", "WorkerPool"]

C = TypeVar("C", bound="PooledActor")


class PooledActor(HostedActor):
    """A Pykka actor that borrows a thread while it has messages; its handlers may block.

    As many of them can block at a time as the pool has threads: an actor that waits there for another one of
    the same pool may wait for ever. ``Kill`` can't interrupt a handler; it takes effect after it.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for handler in (cls.on_start, cls.on_receive):
            if iscoroutinefunction(handler):
                raise TypeError(f"{handler.__qualname__} must be a plain def: a pool has no event loop")

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> PoolMailbox[Self]:
        """Start an actor on the default pool of the process."""
        return WorkerPool.default().launch(cls, None, args, kwargs)

    @property
    def mailbox(self) -> PoolMailbox[Any]:
        """The actor's mailbox, which is its ref too."""
        ref = self._actor_ref
        assert isinstance(ref, PoolMailbox)
        return ref

    @property
    def pool(self) -> WorkerPool:
        """The pool that runs this actor."""
        return self.mailbox.pool

    def spawn(self, child_class: type[C], *args: Any, **kwargs: Any) -> PoolMailbox[C]:
        """Start a child on the same pool; its failure arrives here as ``ChildFailed``."""
        return self.pool.launch(child_class, self._actor_ref, args, kwargs)
