"""How long whoever asks is kept waiting for an answer that depends on the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from .core.errors import OutcomeUnknown, StoreUnavailable

T = TypeVar("T")


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
