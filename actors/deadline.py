"""How long whoever asks is kept waiting for an answer that depends on the store, and what goes on without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, Final, TypeVar

from .core.errors import OutcomeUnknown, StoreUnavailable

T = TypeVar("T")

_going_on: Final[set[asyncio.Task[Any]]] = set()
"""Tasks that nobody may wait for any more; a loop holds its tasks only weakly."""


async def carried_through(work: Coroutine[Any, Any, T]) -> T:
    """Await work that goes on to its end though whoever asked for it leaves."""
    task = asyncio.get_running_loop().create_task(work)
    _going_on.add(task)
    task.add_done_callback(_forget)
    return await asyncio.shield(task)


def _forget(task: asyncio.Task[Any]) -> None:
    _going_on.discard(task)
    if not task.cancelled():
        task.exception()  # whoever asked may have left: then nobody else looks at it


async def done_in_time(command: Awaitable[T], session_id: str, seconds: float) -> T:
    """Await the answer to a command; giving up doesn't take it back: its commit stays queued.

    Raises:
        OutcomeUnknown: it didn't come in time.
    """
    try:
        async with asyncio.timeout(seconds):
            return await command
    except TimeoutError:
        raise OutcomeUnknown(session_id, seconds) from None


async def shown_in_time(question: Awaitable[T], session_id: str, seconds: float) -> T:
    """Await the answer to a question, which waits behind the commits of its session.

    Raises:
        StoreUnavailable: it didn't come in time.
    """
    try:
        async with asyncio.timeout(seconds):
            return await question
    except TimeoutError:
        raise StoreUnavailable(f"commits of session {session_id!r} are under way; ask again later") from None
