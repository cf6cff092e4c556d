"""Recovery: after a restart, bring every unfinished session back, newest first, a bounded number at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from .errors import SessiondError
from .placement import LocalPlacement
from .supervisor import Activate

logger = logging.getLogger("sessiond.recovery")


async def recover(
    placement: LocalPlacement, unfinished: Callable[[int], Awaitable[list[str]]], at_once: int
) -> list[str]:
    """Activate every session that was running; return the ids of those that couldn't be.

    Paused, pending and ended sessions stay in the store until somebody wants them. A session that can't be
    read is reported and left as it is; the others are not held up.
    """
    began = time.monotonic()
    limit = asyncio.Semaphore(at_once)
    failed: list[str] = []

    async def one(shard: int, session_id: str) -> None:
        async with limit:
            try:
                await placement.shards[shard].supervisor.ask(Activate(session_id), block=False)
            except SessiondError as error:
                failed.append(session_id)
                logger.error("session %s stays as it is: %s", session_id, error)

    count = 0
    for shard in range(len(placement.shards)):
        ids = await unfinished(shard)
        count += len(ids)
        await asyncio.gather(*[one(shard, session_id) for session_id in ids])
    if count:
        logger.info("recovered %d of %d sessions in %.2f s", count - len(failed), count, time.monotonic() - began)
    return failed
