"""Bringing sessions back: after a restart those that were at work, and later those whose timer comes near.

A session that is idle, because it waits for somebody or for a timer that is far away, stays in the store, so a
start takes the same time whatever number of them is stored.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable

from .backoff import until_available
from .placement import LocalPlacement
from .supervisor import Activate

logger = logging.getLogger("sessiond.recovery")

Find = Callable[[int], Awaitable[list[str]]]
"""Returns the sessions of a shard that are to be brought back."""


async def recover(placement: LocalPlacement, unfinished: Find, at_once: int) -> list[str]:
    """Bring every session back that was at work, newest first; return the ids of those that couldn't be.

    A session that can't be read is reported and left as it is; the others are not held up. While the store is away,
    it is asked again.
    """
    began = time.monotonic()
    count, failed = await bring_back(placement, unfinished, at_once)
    if count:
        logger.info("recovered %d of %d sessions in %.2f s", count - len(failed), count, time.monotonic() - began)
    return failed


async def bring_back(placement: LocalPlacement, find: Find, at_once: int) -> tuple[int, list[str]]:
    """Activate the sessions that `find` names, `at_once` at a time in all; return their number and who couldn't be.

    While the store is away it is tried again.
    """
    limit = asyncio.Semaphore(at_once)
    failed: list[str] = []

    async def one(shard: int, session_id: str) -> None:
        async with limit:
            supervisor = placement.shards[shard].supervisor
            try:
                await until_available(lambda: supervisor.ask(Activate(session_id), block=False))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others come back
                failed.append(session_id)
                logger.error("session %s stays as it is: %s", session_id, error)

    async def all_of(shard: int) -> int:
        ids = await until_available(functools.partial(find, shard))
        await asyncio.gather(*[one(shard, session_id) for session_id in ids])
        return len(ids)

    counts = await asyncio.gather(*[all_of(shard) for shard in range(len(placement.shards))])
    return sum(counts), failed
