"""The writer's thread: commits groups one after the other, and repeats one until the store takes it."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from ..actors.core.errors import StoreBroken, Unavailable
from ..actors.core.ports import Store
from .group import Group

logger = logging.getLogger("sessiond.writer")

FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 2.0


class CommitLine(Protocol):
    """Where groups wait for the store, and are committed one after the other."""

    def put(self, group: Group) -> None:
        """Queue a group."""
        ...

    def close(self) -> None:
        """Finish what is queued, unless the store is away, and take no more."""
        ...


Stored: TypeAlias = Callable[[], None]
Troubled: TypeAlias = Callable[[Unavailable | None], None]
MakeLine: TypeAlias = Callable[[Store, asyncio.AbstractEventLoop, Stored, Troubled], CommitLine]
"""Makes a commit line; the arguments are those of CommitThread."""


def attempts(group: Group, store: Store, troubled: Troubled) -> Iterator[float]:
    """Attempt a group until it is through; yields the seconds to wait before each further attempt.

    Args:
        group: done at the end, unless the caller gives up waiting.
        store: where it goes.
        troubled: told each time why it has to be repeated, and None once it is through after all.
    """
    wait, away = FIRST_WAIT_S, False
    try:
        while (trouble := group.attempt(store)) is not None:
            away = True
            troubled(trouble)
            yield wait
            wait = min(wait * 2, LONGEST_WAIT_S)
    except Exception as error:
        logger.exception("the store failed in an unexpected way")
        group.give_up(StoreBroken(f"the store failed in an unexpected way: {error!r}"))
    if away:
        troubled(None)


class CommitThread:
    """Takes groups in order; a later one never overtakes an earlier one.

    Args:
        stored: called on the loop after a group is done.
        troubled: called on the loop when the store goes away (why) and when it is back (None).
    """

    def __init__(
        self,
        store: Store,
        loop: asyncio.AbstractEventLoop,
        stored: Stored,
        troubled: Troubled,
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
            for wait in attempts(group, self._store, partial(self._call, self._troubled)):
                if self._closing.wait(wait):
                    return  # closed while the store was away
            self._call(self._stored)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            logger.debug("the loop is closed")
