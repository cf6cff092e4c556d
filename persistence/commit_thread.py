"""The writer's thread: commits groups one after the other, and repeats one until the store takes it."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from ..actors.errors import StoreBroken, StoreError, Unavailable
from ..actors.ports import Batch, Store

logger = logging.getLogger("sessiond.writer")

FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 2.0


class Group:
    """Commits that go to the store together.

    Attributes:
        appends: what was submitted, in order.
        batches: the same by shard.
        outcomes: what became of each batch.
        done: whether every batch has its final outcome.
    """

    __slots__ = ("appends", "batches", "done", "outcomes")

    def __init__(self, appends: Sequence[Any], batches: list[Batch]) -> None:
        self.appends = appends
        self.batches = batches
        self.outcomes: list[StoreError | Unavailable | None] = []
        self.done = False


class CommitThread:
    """Takes groups in order; a later one never overtakes an earlier one.

    Args:
        stored: called on the loop after groups are done; many groups may share one call.
        troubled: called on the loop when the store goes away (why) and when it is back (None).
    """

    def __init__(
        self,
        store: Store,
        loop: asyncio.AbstractEventLoop,
        stored: Callable[[], None],
        troubled: Callable[[Unavailable | None], None],
    ) -> None:
        self._store = store
        self._loop = loop
        self._stored = stored
        self._troubled = troubled
        self._groups: queue.SimpleQueue[Group | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, group: Group) -> None:
        """Queue a group; starts the thread with the first."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sessiond-writer", daemon=True)
            self._thread.start()
        self._groups.put(group)

    def close(self, timeout_s: float = 5.0) -> None:
        """Finish what is queued, unless the store is away, and end the thread."""
        self._closing.set()
        self._groups.put(None)
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while (group := self._groups.get()) is not None:
            try:
                if not self._commit(group):
                    return
            except Exception as error:  # a bug in an adapter: nobody may wait for ever
                logger.exception("the store failed in an unexpected way")
                broken = StoreBroken(f"the store failed in an unexpected way: {error!r}")
                group.outcomes = [broken for _ in group.batches]
            group.done = True
            self._call(self._stored)

    def _commit(self, group: Group) -> bool:
        """Commit until each batch has a final outcome; False if closed before."""
        wait, away = FIRST_WAIT_S, False
        outcomes: dict[int, StoreError | Unavailable | None] = {}
        todo = group.batches
        while True:
            results = self._store.commit(todo)
            outcomes.update({batch.shard: result for batch, result in zip(todo, results, strict=True)})
            todo = [batch for batch in todo if isinstance(outcomes[batch.shard], Unavailable)]
            if not todo:
                break
            away = True
            reason = outcomes[todo[0].shard]
            assert isinstance(reason, Unavailable)
            self._call(self._troubled, reason)
            if self._closing.wait(wait):
                return False
            wait = min(wait * 2, LONGEST_WAIT_S)
        group.outcomes = [outcomes[batch.shard] for batch in group.batches]
        if away or group.outcomes is None:
            self._call(self._troubled, None)
        return True

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            logger.debug("the loop is closed")
