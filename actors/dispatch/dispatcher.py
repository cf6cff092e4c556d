"""Many actors on one event loop.

Only the loop's thread touches a mailbox. It takes ready mailboxes in turn, each for at most ``throughput``
messages or until the slice of time is over, and then lets the event loop look at its sockets and timers.
Foreign threads append to a shared queue and wake the loop, once for any number of messages and not at all
while it is awake: at most one run of the dispatcher is ever queued, since a second one would starve the loop.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import time
from _thread import allocate_lock, get_ident
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from pykka import ActorRef

from .courtesy import Courtesy, Lender
from .future import LoopFuture, gather
from .loop_mailbox import START, LoopMailbox
from .mailbox import RUNNING, Kill
from .substrate import attach
from .supervision import end
from .turn import Pending, await_handlers, lose, take_turn
from .waiting import Target, loop_threads, refuse_to_block

if TYPE_CHECKING:
    from .loop_actor import LoopActor

__all__ = ["LoopDispatcher"]

A = TypeVar("A", bound="LoopActor")

TURNS_PER_RUN: Final = 1024  # bounds a run where the injected clock stands still
ADMISSIONS_PER_TURN: Final = 256

logger = logging.getLogger(__name__)


class LoopDispatcher:
    """Runs actors on one event loop.

    Args:
        loop: the loop; by default the running one.
        throughput: messages of one actor in a row, at most.
        slice_s: seconds until the event loop gets its turn, when actors are always busy.
        clock: monotonic seconds; pass ``loop.time`` of a loop with virtual time to make turns repeatable.
        sleep: blocks the thread for some seconds, to let other threads have the interpreter.

    Raises:
        RuntimeError: no loop was given and none is running.
    """

    _default: ClassVar[LoopDispatcher | None] = None
    _default_guard: ClassVar[Lock] = allocate_lock()

    def __init__(
        self,
        loop: AbstractEventLoop | None = None,
        *,
        throughput: int = 64,
        slice_s: float = 0.002,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.loop = asyncio.get_running_loop() if loop is None else loop
        self.directory: dict[ActorRef[Any], None] = {}
        self.ready: deque[LoopMailbox[Any]] = deque()
        self.urgent: deque[LoopMailbox[Any]] = deque()
        self.courtesy = Courtesy(clock(), sleep)
        self.lender = Lender(self.loop, self.courtesy, clock)
        self.awake = False
        self.closed = False
        self.thread_id: int | None = None
        self._gone = False
        self._closing = False
        self._foreign: deque[tuple[Target, Any]] = deque()
        self._foreign_control: deque[tuple[LoopMailbox[Any], Any]] = deque()
        self.throughput = throughput
        self.slice_s = slice_s
        self.clock = clock
        self._context = copy_context()
        self._wake_guard = allocate_lock()
        self._thread: Thread | None = None
        if asyncio._get_running_loop() is self.loop:
            self._bind()

    def _bind(self) -> None:
        self.thread_id = get_ident()
        loop_threads[self.thread_id] = self

    # -- where actors come from

    @classmethod
    def in_thread(
        cls,
        loop_factory: Callable[[], AbstractEventLoop] = asyncio.new_event_loop,
        *,
        throughput: int = 64,
        slice_s: float = 0.002,
    ) -> Self:
        """Make a dispatcher on a new loop in a daemon thread of its own; ``close()`` ends both."""
        dispatcher = cls(loop_factory(), throughput=throughput, slice_s=slice_s)
        bound = Event()
        dispatcher._thread = Thread(target=dispatcher._main, args=(bound,), name="actor-loop", daemon=True)
        dispatcher._thread.start()
        bound.wait()
        return dispatcher

    def _main(self, bound: Event) -> None:
        asyncio.set_event_loop(self.loop)
        self._bind()
        self.loop.call_soon(bound.set)
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(self._end_tasks())
            self.loop.close()
            asyncio.set_event_loop(None)
            self._abandon()

    async def _end_tasks(self) -> None:
        """Cancel what others left on the dispatcher's own loop."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)
        await self.loop.shutdown_asyncgens()

    @classmethod
    def current(cls) -> LoopDispatcher:
        """Return the dispatcher of the running loop, made if need be, or without a loop the default one."""
        loop = asyncio._get_running_loop()
        if loop is not None:
            here = loop_threads.get(get_ident())
            if isinstance(here, LoopDispatcher) and here.loop is loop and not here.closed:
                return here
            return cls(loop)
        with cls._default_guard:
            if cls._default is None or cls._default.closed:
                cls._default = cls.in_thread()
                atexit.register(cls._default.close)
            return cls._default

    def spawn(
        self, actor_class: type[A], *args: Any, parent: ActorRef[Any] | None = None, **kwargs: Any
    ) -> LoopMailbox[A]:
        """Start an actor; from any thread.

        Args:
            actor_class: the class.
            args: for its constructor, which runs here.
            parent: who gets ``ChildFailed`` when the actor fails.
            kwargs: for its constructor.

        Raises:
            RuntimeError: the dispatcher is closed.
        """
        return self.launch(actor_class, parent, args, kwargs)

    def launch(
        self,
        actor_class: type[A],
        parent: ActorRef[Any] | None,
        args: Iterable[Any],
        kwargs: dict[str, Any],
    ) -> LoopMailbox[A]:
        """Start an actor: ``spawn``, with a constructor that may have any parameter names."""
        if self.closed:
            raise RuntimeError("the dispatcher is closed")
        actor = actor_class.__new__(actor_class, *args, **kwargs)
        box = LoopMailbox(actor, parent, self)
        attach(actor, box)
        try:
            actor.__init__(*args, **kwargs)  # type: ignore[misc]
        except BaseException:
            box.refuse(START)
            raise
        self.directory[box] = None
        if get_ident() == self.thread_id:
            box.begin()
        else:
            self.post(box, START)
        return box

    # -- how work gets here

    def schedule(self, box: LoopMailbox[Any]) -> None:
        """Give the mailbox a turn, after those that wait for theirs; on the loop's thread."""
        self.ready.append(box)
        if not self.awake:
            self.wake()

    def schedule_urgently(self, box: LoopMailbox[Any]) -> None:
        """Give the mailbox a turn at once; on the loop's thread."""
        self.urgent.append(box)
        if not self.awake:
            self.wake()

    def post(self, target: Target, item: Any) -> None:
        """Hand ``item`` to ``target`` on the loop's thread; from any thread, one wake-up for many."""
        self._foreign.append((target, item))
        if not self.awake or self._gone:
            self.wake()

    def post_control(self, box: LoopMailbox[Any], item: Any) -> None:
        """Hand a control item to a mailbox, ahead of what was posted; from any thread."""
        self._foreign_control.append((box, item))
        if not self.awake or self._gone:
            self.wake()

    def wake(self) -> None:
        """Have ``_run`` called soon, unless that is under way; from any thread."""
        try:
            with self._wake_guard:
                if not self.awake:
                    # First the flag: the run may be over before this thread goes on.
                    self.awake = True
                    if get_ident() == self.thread_id:
                        self.loop.call_soon(self._run, context=self._context)
                    else:
                        self.loop.call_soon_threadsafe(self._run, context=self._context)
        except RuntimeError:  # the loop is closed
            self._gone = True
        if self._gone:
            self._abandon()

    def _admit(self) -> None:
        control = self._foreign_control
        while control:
            box, item = control.popleft()
            box.admit_control(item)
        foreign = self._foreign
        for _ in range(min(len(foreign), ADMISSIONS_PER_TURN)):
            target, item = foreign.popleft()
            target.admit(item)

    def _abandon(self) -> None:
        """Refuse everything: the loop is closed, so any thread may."""
        self.closed = self._gone = True
        if self.thread_id is not None and loop_threads.get(self.thread_id) is self:
            del loop_threads[self.thread_id]
        for lane in (self._foreign_control, self._foreign):
            while lane:
                try:
                    target, item = lane.popleft()
                except IndexError:  # another thread was faster
                    break
                target.refuse(item)

    # -- turns

    def _run(self) -> None:
        if self.thread_id is None:
            self._bind()
        ready, urgent, clock = self.ready, self.urgent, self.clock
        foreign, foreign_control, courtesy = self._foreign, self._foreign_control, self.courtesy
        resuming = courtesy.resuming
        deadline = clock() + self.slice_s
        try:
            for _ in range(TURNS_PER_RUN):
                if foreign or foreign_control:
                    self._admit()
                if urgent:
                    box = urgent.popleft()
                    if (pending := take_turn(box, deadline)) is not None:
                        self._start_task(box, pending)
                if ready:
                    box = ready.popleft()
                    if (pending := take_turn(box, deadline)) is not None:
                        self._start_task(box, pending)
                elif not urgent and not foreign:
                    break
                if resuming:
                    courtesy.let_threads_resume()
                if clock() >= deadline:
                    break
        finally:
            self._end_run()

    def _end_run(self) -> None:
        """Stay awake while anything waits; else look once more at what came before the flag was down."""
        if self.ready or self.urgent or self._foreign or self._foreign_control:
            self.courtesy.stand_back(self.clock())
            self.loop.call_soon(self._run, context=self._context)
            return
        self.courtesy.resuming.clear()
        self.awake = False
        if self._foreign or self._foreign_control:
            self.wake()

    def _start_task(self, box: LoopMailbox[Any], pending: Pending) -> None:
        box.pending = pending
        box.task = self.loop.create_task(await_handlers(box))
        box.task.add_done_callback(partial(_task_ended, box))

    # -- the end

    def end(self, box: LoopMailbox[Any]) -> None:
        """Stop an actor now, on the loop's thread."""
        end(box)

    def stop_all(self) -> LoopFuture[list[bool]]:
        """Ask every actor to stop after the messages that wait now, the youngest first; from any thread.

        Returns:
            A future that is done when all have stopped, of what ``ref.stop()`` answered for each.
        """
        return gather(ref.stop(block=False) for ref in reversed(list(self.directory)))

    def close(self, timeout: float = 5.0) -> None:
        """Kill every actor and take no new ones; with a thread of its own, end that too.

        ``on_stop`` runs for each, what waits is answered with ``ActorDeadError``, awaiting handlers are
        cancelled. On the loop's thread those end as soon as the loop goes on: ``aclose`` waits for them.

        Args:
            timeout: seconds that cancelled handlers get, where the dispatcher has its own thread.

        Raises:
            BlockingOnLoop: the dispatcher has its own thread and this is it, or another loop's.
        """
        if self._thread is not None:
            self._close_thread(self._thread, timeout)
        elif self.loop.is_closed():
            self._abandon()
        elif self.thread_id is None or self.thread_id == get_ident():
            self._kill_all()
        else:
            self.loop.call_soon_threadsafe(self._kill_all)

    async def aclose(self, timeout: float = 5.0) -> None:
        """Kill every actor, take no new ones, and give cancelled handlers ``timeout`` seconds to end."""
        ending = self._kill_all()
        if ending:
            await asyncio.wait(ending, timeout=timeout)

    def _close_thread(self, thread: Thread, timeout: float) -> None:
        refuse_to_block()
        with self._wake_guard:
            first, self._closing = not self._closing, True
        if first:
            asyncio.run_coroutine_threadsafe(self.aclose(timeout), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
        thread.join()

    def _kill_all(self) -> list[asyncio.Task[None]]:
        self.closed = True
        waiting = []
        for box in list(self.directory):
            assert isinstance(box, LoopMailbox)
            if box.task is not None:
                waiting.append(box.task)
            if box.state == RUNNING:
                box.enqueue_control(Kill())
            else:
                end(box)
        return waiting


def _task_ended(box: LoopMailbox[Any], task: asyncio.Task[None]) -> None:
    if box.task is task:
        box.task = None
        lose(box)
