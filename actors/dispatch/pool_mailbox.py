"""The mailbox of an actor on a worker pool: any thread may put, one thread at a time takes."""

from __future__ import annotations

from _thread import allocate_lock
from collections import deque
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar

from pykka import ActorRef

from .mailbox import STOPPED, Asked, Mailbox
from .supervision import end, fail
from .turn import Pending, answer, serve_control

if TYPE_CHECKING:
    from .pooled_actor import PooledActor
    from .worker_pool import WorkerPool

__all__ = ["PoolMailbox"]

A = TypeVar("A", bound="PooledActor")


class PoolMailbox(Mailbox[A]):
    """See ``Mailbox``. A lock that is taken without waiting says whether the actor runs or is queued to."""

    __slots__ = ("_busy", "_controls", "_data", "_started", "pool")

    def __init__(self, actor: A, parent: ActorRef[Any] | None, pool: WorkerPool) -> None:
        super().__init__(actor, parent)
        self.pool = pool
        self._data: deque[Any] = deque()
        self._controls: deque[Any] = deque()
        self.queue = self._data
        self.control = self._controls
        self._started = False
        self._busy = allocate_lock()
        self._busy.acquire()  # until the constructor is through

    @property
    def directory(self) -> dict[ActorRef[Any], None]:
        """Where the actor is listed while it lives."""
        return self.pool.directory

    def enqueue(self, item: Any) -> None:
        """Put a data item into the lane and have a thread look at it."""
        if self.state == STOPPED:
            raise self.dead()
        self._data.append(item)
        self._schedule()

    def enqueue_control(self, item: Any) -> None:
        """Put a control item into its lane and have a thread look at it."""
        if self.state == STOPPED:
            raise self.dead()
        self._controls.append(item)
        self._schedule()

    def _schedule(self) -> None:
        if self.state == STOPPED:
            # The end of the actor emptied the lanes after it set the state: one of the two sees the item.
            self._refuse_waiting()
        elif self._busy.acquire(blocking=False):
            self.pool.submit(self)

    def begin(self) -> None:
        """Let the actor live: its constructor is through."""
        self.pool.submit(self)

    def _has_work(self) -> bool:
        return bool(self._controls) or (bool(self._data) and not self.suspended)

    # -- on one thread of the pool at a time

    def run(self) -> None:
        """Take a turn: control before data, a share of the messages, then to the end of the line."""
        if not self._started:
            self._start()
        for _ in range(self.pool.throughput):
            if self.state == STOPPED:
                return  # with the lock held: never again
            if self._controls:
                item = self._controls.popleft()
                asked = item if type(item) is Asked else None
                self._refuse_coroutine(serve_control(self, item if asked is None else asked.message, asked))
            elif self._data and not self.suspended:
                self._handle(self._data.popleft())
            else:
                break
        if self.state == STOPPED:
            return
        self._busy.release()
        if self._has_work():
            self._schedule()

    def _start(self) -> None:
        self._started = True
        assert self.actor is not None
        try:
            self.actor.on_start()
        except BaseException as error:  # noqa: BLE001  # ends here, whatever it is
            fail(self, None, error)

    def _handle(self, item: Any) -> None:
        if self.credits is not None:
            self.credits.give()
        if type(item) is Asked:
            self._refuse_coroutine(answer(self, item))
            return
        assert self.actor is not None
        try:
            result = self.actor.on_receive(item)
        except BaseException as error:  # noqa: BLE001  # ends here, whatever it is
            fail(self, None, error)
        else:
            if type(result) is CoroutineType:
                self._refuse_coroutine((result, None))

    def _refuse_coroutine(self, pending: Pending | None) -> None:
        if pending is not None:
            coroutine, asked = pending
            coroutine.close()
            fail(self, asked, TypeError(f"{self} answered with a coroutine, which no thread awaits"))

    def abandon(self) -> None:
        """End the actor: the pool has no thread any more, or its constructor failed."""
        end(self)

    def close(self) -> None:
        """Let go of the actor and refuse everything that waits."""
        self.actor = None
        self._refuse_waiting()
        if self._event is not None:
            self._event.set()

    def _refuse_waiting(self) -> None:
        for lane in (self._controls, self._data):
            while lane:
                try:
                    item = lane.popleft()
                except IndexError:  # a late sender was faster
                    break
                self.refuse(item)
