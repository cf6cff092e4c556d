"""The writer's thread without a thread: groups go to the store one after the other, each step when the seed says."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessiond.actors.core.errors import Unavailable
from sessiond.actors.core.ports import Store
from sessiond.persistence.commit_thread import Stored, Troubled, attempts
from sessiond.persistence.group import Group

from .loop import Crashed

if TYPE_CHECKING:
    from .process import Process


class SimulatedCommitLine:
    """Does what CommitThread does, on virtual time; see CommitLine."""

    def __init__(
        self, process: Process, store: Store, loop: asyncio.AbstractEventLoop, stored: Stored, troubled: Troubled
    ) -> None:
        self._process = process
        self._store = store
        self._loop = loop
        self._stored = stored
        self._troubled = troubled
        self._groups: deque[Group] = deque()
        self._tries: Iterator[float] | None = None
        self._through = False
        self._repeating = False
        self._closed = False

    def put(self, group: Group) -> None:
        """Queue a group."""
        self._groups.append(group)
        if len(self._groups) == 1:
            self._begin()

    def _begin(self) -> None:
        scheduler = self._process.world.scheduler
        self._tries = attempts(self._groups[0], self._store, self._tell_trouble)
        self._repeating = False
        scheduler.later(scheduler.delay(), self._attempt)

    def _attempt(self) -> None:
        """The store's part: what is on the wire arrives although its sender is dead, or doesn't."""
        process, scheduler = self._process, self._process.world.scheduler
        if self._closed or not (process.alive or process.haunts):
            return
        assert self._tries is not None
        try:
            wait = next(self._tries, None)
        except Crashed:
            return
        if wait is None:
            self._through = True
            scheduler.later(scheduler.delay(), self._report)
        else:
            self._repeating = True
            scheduler.later(wait, self._attempt)

    def _report(self) -> None:
        """Tell the loop that a group is through, and take the next one."""
        if self._closed or not self._process.alive:
            return
        self._tell_stored()
        if self._groups:
            self._begin()

    def _tell_stored(self) -> None:
        self._groups.popleft()
        self._through = False
        self._loop.call_soon_threadsafe(self._stored)

    def _tell_trouble(self, trouble: Unavailable | None) -> None:
        self._loop.call_soon_threadsafe(self._troubled, trouble)

    def close(self) -> None:
        """Finish what is queued, unless the store is away: the loop's thread waits for that."""
        self._closed = True
        if self._through:
            self._tell_stored()
        elif self._repeating:
            return
        while self._groups:
            for _ in attempts(self._groups[0], self._store, self._tell_trouble):
                return  # the store is away
            self._tell_stored()
