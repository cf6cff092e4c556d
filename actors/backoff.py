"""Trying again what must be done while the store is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from .core.errors import StoreUnavailable, Unavailable

T = TypeVar("T")
logger = logging.getLogger("sessiond.backoff")

FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 2.0


async def until_available(call: Callable[[], Awaitable[T]], trouble: type[Unavailable] = StoreUnavailable) -> T:
    """Return what `call` comes to, called again for as long as it raises `trouble`."""
    wait = FIRST_WAIT_S
    while True:
        try:
            return await call()
        except trouble as error:
            logger.warning("trying again: %s", error)
            await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_S)
