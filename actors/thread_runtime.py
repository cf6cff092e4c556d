"""The runtime's twin for threads: the same calls, blocking, over an event loop on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

from msgspec import UNSET

from .core.detail import SessionDetail
from .core.errors import Draining
from .core.events import Record
from .core.messages import Answered, Receipt, Signalled
from .core.ports import Store
from .handle import Session
from .runtime import Runtime

T = TypeVar("T")


class ThreadRuntime:
    """A Runtime for programs without an event loop; a context manager.

    Args:
        store: as for Runtime.open.
        settings: as for Runtime.open.
    """

    def __init__(self, store: str | Store = "sqlite:///sessions.db", **settings: Any) -> None:
        self._opening = store, settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sessiond", daemon=True)
        self._context: AbstractAsyncContextManager[Runtime] | None = None
        self._runtime: Runtime | None = None
        self._guard = threading.Lock()
        self._ended = False

    def __enter__(self) -> Self:
        self._thread.start()
        store, settings = self._opening
        try:
            self._context = Runtime.open(store, **settings)
            self._runtime = self.run(self._context.__aenter__())
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._context is not None
        try:
            self.run(self._context.__aexit__(None, None, None))
        finally:
            self._end_loop()

    def _end_loop(self) -> None:
        with self._guard:
            self._ended = True
            ending = asyncio.run_coroutine_threadsafe(self._end_tasks(), self._loop)
        ending.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end_tasks(self) -> None:
        """Whatever other threads still wait for ends here: after the loop nobody would answer them."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the runtime's loop and wait for its result.

        Raises:
            Draining: the runtime is closed, or was meanwhile.
        """
        with self._guard:
            if self._ended:
                work.close()
                raise Draining("the runtime is closed")
            future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            if self._ended:
                raise Draining("the runtime was closed meanwhile") from None
            raise

    @property
    def runtime(self) -> Runtime:
        """The runtime itself; its methods belong on its loop: `run(runtime.rows(…))`."""
        assert self._runtime is not None, "use it as a context manager"
        return self._runtime

    def start(self, workflow: Any, **options: Any) -> ThreadSession:
        """Create and start a session; the arguments are those of Runtime.create."""
        return ThreadSession(self, self.run(self.runtime.start(workflow, **options)))

    def session(self, session_id: str) -> ThreadSession:
        """Return a handle on a session, whether it exists or not."""
        return ThreadSession(self, self.runtime.session(session_id))


class ThreadSession:
    """A Session with blocking calls.

    Attributes:
        id: the session's id.
    """

    __slots__ = ("_owner", "_session", "id")

    def __init__(self, owner: ThreadRuntime, session: Session) -> None:
        self._owner = owner
        self._session = session
        self.id = session.id

    def once(self, command_id: str) -> ThreadSession:
        """Return a handle for one command, which is carried out once by this name; see Session.once."""
        return ThreadSession(self._owner, self._session.once(command_id))

    def start(self, by: str | None = None) -> Receipt:
        """Start a pending session."""
        return self._owner.run(self._session.start(by))

    def pause(self, reason: str | None = None, by: str | None = None) -> Receipt:
        """Pause; from the answer to the resume no node starts."""
        return self._owner.run(self._session.pause(reason, by))

    def resume(self, by: str | None = None) -> Receipt:
        """Go on after a pause."""
        return self._owner.run(self._session.resume(by))

    def stop(self, reason: str | None = None, by: str | None = None) -> Receipt:
        """End at once, as failed with code `stopped`."""
        return self._owner.run(self._session.stop(reason, by))

    def cancel(self, reason: str | None = None, by: str | None = None) -> Receipt:
        """End as cancelled."""
        return self._owner.run(self._session.cancel(reason, by))

    def review(self, node_id: str, action: str, data: Any = None, reviewer: str | None = None) -> Answered:
        """Answer a review: approve, reject or modify."""
        return self._owner.run(self._session.review(node_id, action, data, reviewer))

    def resume_node(self, node_id: str, output: Any, by: str | None = None) -> Answered:
        """Complete any suspended node with `output`."""
        return self._owner.run(self._session.resume_node(node_id, output, by))

    def retry_node(self, node_id: str, input: Any = UNSET, by: str | None = None) -> Answered:
        """Have a node run again that failed and is suspended; see Session.retry_node."""
        return self._owner.run(self._session.retry_node(node_id, input, by))

    def skip_node(self, node_id: str, output: Any = None, by: str | None = None) -> Answered:
        """Complete a node that failed and is suspended, with `output` in place of its own."""
        return self._owner.run(self._session.skip_node(node_id, output, by))

    def signal(
        self, name: str | None = None, payload: Any = None, *, node_id: str | None = None, by: str | None = None
    ) -> Signalled:
        """Signal whichever node waits for `name`, or the node `node_id`; see Session.signal."""
        return self._owner.run(self._session.signal(name, payload, node_id=node_id, by=by))

    def fork(self, **request: Any) -> ThreadSession:
        """Create a new session that reuses what this one has completed; the arguments are those of Session.fork."""
        return ThreadSession(self._owner, self._owner.run(self._session.fork(**request)))

    def detail(self) -> SessionDetail:
        """Return the session, whole, as far as it is durable."""
        return self._owner.run(self._session.detail())

    def events(self, after: int = 0) -> Iterator[Record]:
        """Yield every event after seq `after`; ends after the terminal event."""
        stream = self._session.events(after)
        while True:
            try:
                yield self._owner.run(anext(stream))  # type: ignore[arg-type]  # an async generator's step is a coroutine
            except StopAsyncIteration:
                return

    def result(self) -> Any:
        """Wait for the end and return the output.

        Raises:
            SessionEnded: it failed or was cancelled.
        """
        return self._owner.run(self._session.result())
