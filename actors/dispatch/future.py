"""Futures that a loop can await and a thread can wait for.

``LoopFuture`` keeps Pykka's contract (``get``, ``set``, ``map`` …) and adds two things: awaiting one never
blocks the event loop, and a blocking ``get()`` on a loop's thread raises at once instead of hanging it.
``Deferred`` lets a handler answer later than it returns.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
import time
from _thread import allocate_lock
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

import pykka

from .substrate import SubstrateFuture
from .waiting import BlockingOnLoop, LoopWaiter, ThreadWaiter, refuse_to_block

__all__ = ["PENDING", "BlockingOnLoop", "Deferred", "LoopFuture", "gather"]

T = TypeVar("T")
M = TypeVar("M")
R = TypeVar("R")

ExcInfo: TypeAlias = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

PENDING: Final[Any] = object()
_guard: Final = allocate_lock()  # held for a few instructions; one for all futures, since each would cost memory
logger = logging.getLogger(__name__)


class LoopFuture(SubstrateFuture[T]):
    """A value that is there now or later: await it on any loop, or ``get()`` it on any other thread.

    The first outcome wins. Callbacks run once, in the order they were added, on the thread that sets the
    outcome, or at once if it is there already; what they raise is logged.
    """

    __slots__ = ("_callbacks", "_error", "_value")

    # Only derived futures have these, in their instance dictionary.
    _hook: Callable[[float | None], T] | None = None
    _parents: tuple[pykka.Future[Any], ...] = ()

    def __init__(self) -> None:
        self._value: Any = PENDING
        self._error: tuple[BaseException, TracebackType | None] | None = None
        self._callbacks: list[Callable[[LoopFuture[Any]], object]] | None = None

    def __repr__(self) -> str:
        outcome = "pending" if self._value is PENDING else "failed" if self._error else "done"
        return f"<{type(self).__name__} {outcome}>"

    def done(self) -> bool:
        """Say whether ``get()`` would return or raise without waiting."""
        if self._value is not PENDING:
            return True
        return bool(self._parents) and all(isinstance(p, LoopFuture) and p.done() for p in self._parents)

    # -- the side that has the answer

    def resolve(self, value: Any) -> None:
        """Set the value unless there is an outcome already; for the one owner of the answer."""
        if self._value is PENDING:
            self._value = value
            if self._callbacks is not None:
                self._notify()

    def reject(self, error: BaseException) -> None:
        """Set the exception unless there is an outcome already; for the one owner of the answer."""
        if self._value is PENDING:
            self._error = (error, error.__traceback__)
            self._value = None
            if self._callbacks is not None:
                self._notify()

    def set(self, value: T | None = None) -> None:
        """Set the value.

        Raises:
            queue.Full: there is an outcome already.
        """
        self._claim(value, None)

    def set_exception(self, exc_info: ExcInfo | BaseException | None = None) -> None:
        """Set an exception: an instance, a ``sys.exc_info()`` tuple, or the one being handled.

        Raises:
            queue.Full: there is an outcome already.
        """
        if isinstance(exc_info, BaseException):
            exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
        kind, error, traceback = sys.exc_info() if exc_info is None else exc_info
        if error is None:
            error = kind() if kind is not None else RuntimeError("set_exception() without an exception")
        self._claim(None, (error, traceback))

    def _claim(self, value: Any, error: tuple[BaseException, TracebackType | None] | None) -> None:
        with _guard:
            if self._value is not PENDING or self._hook is not None:
                raise queue.Full
            self._error = error
            self._value = value
        self._notify()

    def _notify(self) -> None:
        with _guard:
            callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            try:
                callback(self)
            except Exception:
                logger.exception("a callback of %r failed", self)

    # -- the side that wants it

    def add_done_callback(self, callback: Callable[[LoopFuture[T]], object]) -> None:
        """Call ``callback(future)`` once there is an outcome.

        Raises:
            TypeError: the value is computed on demand by a hook, so that it is never "done" by itself.
        """
        if self._hook is not None and self._value is PENDING:
            self._follow_parents(callback)
            return
        with _guard:
            if self._callbacks is None:
                self._callbacks = []
            self._callbacks.append(cast("Callable[[LoopFuture[Any]], object]", callback))
        # Whoever sets the outcome takes the list after the value is there: one of the two sees the other.
        if self._value is not PENDING:
            self._notify()

    def remove_done_callback(self, callback: Callable[[LoopFuture[T]], object]) -> None:
        """Forget a callback that has not run; do nothing if it has."""
        with _guard:
            if self._callbacks is not None and callback in self._callbacks:
                self._callbacks.remove(cast("Callable[[LoopFuture[Any]], object]", callback))

    def _follow_parents(self, callback: Callable[[LoopFuture[T]], object]) -> None:
        parents = [parent for parent in self._parents if isinstance(parent, LoopFuture)]
        if not parents or len(parents) != len(self._parents):
            raise TypeError("a future with a get hook is computed on demand; await it or get() it")
        missing = iter(range(len(parents) - 1))

        def one_is_done(_parent: LoopFuture[Any]) -> None:
            if next(missing, None) is None:
                callback(self)

        for parent in parents:
            parent.add_done_callback(one_is_done)

    def get(self, *, timeout: float | None = None) -> T:
        """Return the value, waiting for it on a thread that runs no event loop.

        Args:
            timeout: seconds to wait at most; ``None`` waits for ever.

        Raises:
            pykka.Timeout: nothing came in time.
            BlockingOnLoop: there is no outcome yet and the thread runs an event loop.
            BaseException: the encapsulated exception.
        """
        if self._value is PENDING:
            if (hook := self._hook) is not None:
                self.resolve(hook(timeout))
                return cast(T, self._value)
            self._wait(timeout)
        if self._error is not None:
            error, traceback = self._error
            raise error.with_traceback(traceback)
        value: T = self._value
        return value

    def _wait(self, timeout: float | None) -> None:
        refuse_to_block()
        deadline = None if timeout is None else time.monotonic() + timeout
        waiter = ThreadWaiter()
        self.add_done_callback(waiter)
        if not waiter.wait(timeout):
            self.remove_done_callback(waiter)
            if self._value is PENDING:
                raise pykka.Timeout(f"{timeout} seconds")
        if (hook := self._hook) is not None and self._value is PENDING:
            self.resolve(hook(None if deadline is None else max(0.0, deadline - time.monotonic())))

    def __await__(self) -> Generator[Any, None, T]:
        if self._value is PENDING:
            if self._hook is None:
                # `_suspend`, written out: every ask that is awaited comes here.
                waiter = LoopWaiter(asyncio.get_running_loop())
                self.add_done_callback(waiter)
                try:
                    yield from waiter.waiter
                except BaseException:
                    self.remove_done_callback(waiter)
                    raise
            if self._hook is not None:
                yield from self._settle()
        if self._error is None and self._value is not PENDING:
            value: T = self._value
            return value
        return self.get()

    __iter__ = __await__

    def _suspend(self) -> Generator[Any, None, None]:
        waiter = LoopWaiter(asyncio.get_running_loop())
        self.add_done_callback(waiter)
        try:
            yield from waiter.waiter
        except BaseException:
            self.remove_done_callback(waiter)
            raise

    def _settle(self) -> Generator[Any, None, None]:
        """Get ready to call the hook: wait for the parents here, for anything else on a thread."""
        loop = asyncio.get_running_loop()
        own = bool(self._parents)
        for parent in self._parents:
            if isinstance(parent, LoopFuture):
                if not parent.done():
                    yield from (parent._suspend() if parent._hook is None else parent._settle())
                own = own and parent.done()
            else:
                own = False
        if not own:
            self.resolve((yield from loop.run_in_executor(None, self.get)))

    # -- derived futures: computed when somebody wants them, as in Pykka

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        """Compute the value by ``func(timeout)`` when it is wanted.

        Raises:
            queue.Full: there is an outcome already.
        """
        with _guard:
            if self._value is not PENDING:
                raise queue.Full
            self._hook = func
        # A thread that waits already must learn that it has to compute now.
        self._notify()

    def map(self, func: Callable[[T], M]) -> LoopFuture[M]:
        """Return a future of ``func(value)``."""
        return _derived(super().map(func), self)

    def filter(self: LoopFuture[Any], func: Callable[[Any], bool]) -> LoopFuture[Iterable[Any]]:
        """Return a future of the list of the items for which ``func`` is true."""
        return _derived(super().filter(func), self)

    def join(self: LoopFuture[Any], *futures: pykka.Future[Any]) -> LoopFuture[Iterable[Any]]:
        """Return a future of the list of the values of this future and the others."""
        return _derived(super().join(*futures), self, *futures)

    def reduce(self: LoopFuture[Any], func: Callable[[R, Any], R], *args: R) -> LoopFuture[R]:
        """Return a future of ``functools.reduce(func, value, *args)``."""
        return _derived(super().reduce(func, *args), self)


def _derived(future: pykka.Future[M], *parents: pykka.Future[Any]) -> LoopFuture[M]:
    derived = cast("LoopFuture[M]", future)
    derived._parents = parents
    return derived


def gather(futures: Iterable[pykka.Future[M]]) -> LoopFuture[list[M]]:
    """Return a future of the list of the values of ``futures``, in their order."""
    wanted = tuple(futures)
    gathered: LoopFuture[list[M]] = LoopFuture()
    if wanted:
        gathered.set_get_hook(lambda timeout: [future.get(timeout=timeout) for future in wanted])
    else:
        gathered.set([])
    return _derived(gathered, *wanted)


class Deferred(Generic[T]):
    """An answer that a handler gives later: return it, and set it any time after.

    The dispatcher links it to the asker when the handler returns it, and the actor goes on with its next
    message. Under ``tell`` there is nobody to answer and setting it does nothing. An actor that stops with
    unresolved ones leaves its askers waiting: answering them in ``on_stop`` is the actor's business.
    """

    __slots__ = ("_error", "_reply", "_value")

    def __init__(self) -> None:
        self._value: Any = PENDING
        self._error: BaseException | None = None
        self._reply: LoopFuture[Any] | None = None

    def set(self, value: T | None = None) -> None:
        """Answer with a value.

        Raises:
            queue.Full: it was set before.
        """
        if self._value is not PENDING:
            raise queue.Full
        self._value = value
        if self._reply is not None:
            self._reply.resolve(value)

    def set_exception(self, error: BaseException) -> None:
        """Answer with an exception, which is raised in the asker.

        Raises:
            queue.Full: it was set before.
        """
        if self._value is not PENDING:
            raise queue.Full
        self._error = error
        self._value = None
        if self._reply is not None:
            self._reply.reject(error)

    def answer_to(self, reply: LoopFuture[Any]) -> None:
        """Link the asker's future; for dispatchers."""
        self._reply = reply
        if self._value is not PENDING:
            if self._error is not None:
                reply.reject(self._error)
            else:
                reply.resolve(self._value)
