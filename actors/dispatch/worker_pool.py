"""A few threads for work that blocks: actors with blocking handlers, and single blocking calls.

A mailbox on a pool is in the queue of ready ones at most once, so its actor runs on one thread at a time,
not always the same.
"""

from __future__ import annotations

import atexit
import logging
from _thread import allocate_lock
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread, current_thread
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from pykka import ActorDeadError, ActorRef

from .future import LoopFuture, gather
from .mailbox import Kill
from .pool_mailbox import PoolMailbox
from .substrate import attach
from .waiting import refuse_to_block

if TYPE_CHECKING:
    from .pooled_actor import PooledActor

__all__ = ["WorkerPool"]

A = TypeVar("A", bound="PooledActor")
R = TypeVar("R")

logger = logging.getLogger(__name__)


class _Work(Protocol):
    def run(self) -> None: ...

    def abandon(self) -> None: ...


class _Call:
    """One blocking call."""

    __slots__ = ("_args", "_function", "_future")

    def __init__(self, future: LoopFuture[Any], function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._future = future
        self._function = function
        self._args = args

    def run(self) -> None:
        try:
            result = self._function(*self._args)
        except Exception as error:  # noqa: BLE001  # it is the answer
            self._future.reject(error)
        except BaseException as error:  # noqa: BLE001  # the caller must not die of the call's SystemExit
            wrapped = RuntimeError(f"the call was ended by {error!r}")
            wrapped.__cause__ = error
            self._future.reject(wrapped)
        else:
            self._future.resolve(result)

    def abandon(self) -> None:
        self._future.reject(RuntimeError("the worker pool is closed"))


class WorkerPool:
    """Runs pooled actors and blocking calls on a fixed number of daemon threads.

    Args:
        threads: how many.
        throughput: messages of one actor in a row, at most.
        name: prefix of the threads' names.

    Raises:
        ValueError: no thread at all.
    """

    _default: ClassVar[WorkerPool | None] = None
    _default_guard: ClassVar[Lock] = allocate_lock()

    def __init__(self, threads: int = 4, *, throughput: int = 64, name: str = "actor-pool") -> None:
        if threads < 1:
            raise ValueError(f"a pool needs a thread, not {threads}")
        self.directory: dict[ActorRef[Any], None] = {}
        self.throughput = throughput
        self.closed = False
        self._ready: SimpleQueue[_Work | None] = SimpleQueue()
        self._guard = allocate_lock()
        self._working = threads
        self._threads = [Thread(target=self._work, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    @classmethod
    def default(cls) -> WorkerPool:
        """Return the pool of the process, made when first needed."""
        with cls._default_guard:
            if cls._default is None or cls._default.closed:
                cls._default = cls()
                atexit.register(cls._default.close)
            return cls._default

    def spawn(
        self, actor_class: type[A], *args: Any, parent: ActorRef[Any] | None = None, **kwargs: Any
    ) -> PoolMailbox[A]:
        """Start an actor; from any thread.

        Args:
            actor_class: the class.
            args: for its constructor, which runs here.
            parent: who gets ``ChildFailed`` when the actor fails.
            kwargs: for its constructor.

        Raises:
            RuntimeError: the pool is closed.
        """
        return self.launch(actor_class, parent, args, kwargs)

    def launch(
        self,
        actor_class: type[A],
        parent: ActorRef[Any] | None,
        args: Iterable[Any],
        kwargs: dict[str, Any],
    ) -> PoolMailbox[A]:
        """Start an actor: ``spawn``, with a constructor that may have any parameter names."""
        self._check_open()
        actor = actor_class.__new__(actor_class, *args, **kwargs)
        box = PoolMailbox(actor, parent, self)
        attach(actor, box)
        try:
            actor.__init__(*args, **kwargs)  # type: ignore[misc]
        except BaseException:
            box.abandon()
            raise
        self.directory[box] = None
        box.begin()
        return box

    def run(self, function: Callable[..., R], *args: Any) -> LoopFuture[R]:
        """Call ``function(*args)`` on a thread of the pool and return the future of its result.

        Many results that come while a loop is busy wake it once. A ``BaseException`` of the function arrives
        as ``RuntimeError`` with that as its cause.

        Raises:
            RuntimeError: the pool is closed.
        """
        self._check_open()
        future: LoopFuture[R] = LoopFuture()
        self.submit(_Call(future, function, args))
        return future

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError("the worker pool is closed")

    def submit(self, work: _Work) -> None:
        """Have ``work.run()`` called on a thread, or ``work.abandon()`` if there will be none."""
        self._ready.put(work)
        # The last thread empties the queue after it is counted out: one of the two sees the other.
        if self._working == 0:
            self._abandon()

    def _work(self) -> None:
        while (work := self._ready.get()) is not None:
            work.run()
            del work
        with self._guard:
            self._working -= 1
        if self._working == 0:
            self._abandon()

    def _abandon(self) -> None:
        while not self._ready.empty():
            try:
                work = self._ready.get_nowait()
            except Exception:  # noqa: BLE001  # queue.Empty: another thread was faster
                return
            if work is not None:
                work.abandon()

    def stop_all(self) -> LoopFuture[list[bool]]:
        """Ask every actor to stop after the messages that wait now, the youngest first; from any thread."""
        return gather(ref.stop(block=False) for ref in reversed(list(self.directory)))

    def close(self, timeout: float | None = 5.0) -> None:
        """Kill every actor after the message it is at, refuse what waits, and end the threads.

        Args:
            timeout: seconds to wait for handlers and calls that block; ``None`` does not wait at all, for use
                on an event loop. A thread can't be ended from outside: it dies with the process.

        Raises:
            BlockingOnLoop: asked to wait on the thread of an event loop.
        """
        if timeout is not None:
            refuse_to_block()
        with self._guard:
            first, self.closed = not self.closed, True
        if first:
            for ref in list(self.directory):
                with suppress(ActorDeadError):  # it may end by itself meanwhile
                    ref.tell(Kill())
            for _ in self._threads:
                self._ready.put(None)
        if timeout is not None:
            deadline = monotonic() + timeout
            for thread in self._threads:
                if thread is not current_thread():
                    thread.join(max(0.0, deadline - monotonic()))
