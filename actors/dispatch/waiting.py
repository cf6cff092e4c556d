"""How a thread, or a task on a loop, waits for something that happens on another thread."""

from __future__ import annotations

import asyncio
from _thread import allocate_lock, get_ident
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

from .courtesy import Courtesy

__all__ = [
    "BlockingOnLoop",
    "LoopThread",
    "LoopWaiter",
    "Target",
    "ThreadWaiter",
    "loop_threads",
    "refuse_to_block",
]


class BlockingOnLoop(RuntimeError):
    """A blocking wait on the thread of an event loop would stop everything that runs there: await instead."""


class Target(Protocol):
    """Something that a foreign thread can hand an item to, on a loop's thread."""

    def admit(self, item: Any) -> None:
        """Take the item; called on the loop's thread."""

    def refuse(self, item: Any) -> None:
        """The loop is gone; called on any thread, with nothing else running there."""


class LoopThread(Protocol):
    """What a future needs of the dispatcher of a thread."""

    loop: asyncio.AbstractEventLoop
    courtesy: Courtesy

    def post(self, target: Target, item: Any) -> None:
        """Hand ``item`` to ``target`` on the loop's thread; any number of posts cost one wake-up."""


loop_threads: Final[WeakValueDictionary[int, LoopThread]] = WeakValueDictionary()
"""The dispatcher of each thread that has one, by thread identifier."""


def refuse_to_block() -> None:
    """Raise if the calling thread runs an event loop.

    Raises:
        BlockingOnLoop: the thread has a running loop or belongs to a dispatcher.
    """
    if asyncio._get_running_loop() is None:
        here = loop_threads.get(get_ident())
        if here is None or here.loop.is_closed():
            return
    raise BlockingOnLoop("a blocking wait on an event loop's thread stops every actor there; use await")


class ThreadWaiter:
    """One thread that waits to be called."""

    __slots__ = ("gate", "resumed")

    def __init__(self) -> None:
        self.gate = allocate_lock()
        self.gate.acquire()
        self.resumed = allocate_lock()
        self.resumed.acquire()

    def __call__(self, _future: object) -> None:
        """Let the thread go on, and the loop know that it wants to."""
        here = loop_threads.get(get_ident())
        if here is not None:
            here.courtesy.resuming.append(self.resumed)
        self.gate.release()

    def wait(self, timeout: float | None) -> bool:
        """Wait for the call, ``timeout`` seconds at most; return whether it came."""
        woken = self.gate.acquire(timeout=-1 if timeout is None else max(0.0, timeout))
        self.resumed.release()
        return woken


class LoopWaiter:
    """One task that awaits a call, from any thread, on the loop where it was made."""

    __slots__ = ("loop", "thread", "waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = get_ident()
        self.waiter: asyncio.Future[None] = loop.create_future()

    def __call__(self, _future: object) -> None:
        """Let the task go on; from any thread."""
        if get_ident() == self.thread:
            self.admit(None)
            return
        there = loop_threads.get(self.thread)
        if there is not None and there.loop is self.loop:
            there.post(self, None)
            return
        try:
            self.loop.call_soon_threadsafe(self.admit, None)
        except RuntimeError:
            self.refuse(None)

    def admit(self, _item: None) -> None:
        """Let the task go on; on the loop's thread."""
        if not self.waiter.done():
            self.waiter.set_result(None)

    def refuse(self, _item: None) -> None:
        """Nobody can await on a closed loop."""
