"""Which sessions are in memory: those at work come back after a restart, idle ones leave, timers wake them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from .core.errors import NotFound, SessiondError, StoreBroken, Unavailable
from .core.ports import Clock, Committer, Store
from .core.timestamps import stamp
from .options import Options
from .passivation import sweep
from .placement import LocalPlacement
from .recovery import bring_back, recover

logger = logging.getLogger("sessiond.presence")

AT_ONCE: Final = 256
"""Sessions that are looked up to be deleted at once."""


class Presence:
    """Brings the sessions of a runtime into memory and lets them go, and deletes those that are out of date.

    Every `Options.passivate_s` seconds sessions in which nothing happens leave memory, and idle ones come back
    whose timer is due before the next round but one. So each is in memory, with a timer of its own, when its
    time has come, however many wait in the store.

    Args:
        read: runs a blocking call on the store off the loop.

    Attributes:
        recovered: done once every session that was at work is back.
        passivated: how many sessions have left memory, those included that came back since.
    """

    recovered: asyncio.Task[list[str]]

    def __init__(
        self,
        store: Store,
        committer: Committer,
        read: Callable[..., Awaitable[Any]],
        clock: Clock,
        options: Options,
    ) -> None:
        self._store = store
        self._committer = committer
        self._read = read
        self._clock = clock
        self._options = options
        self.passivated = 0

    def start(self, placement: LocalPlacement, delete: Callable[[str], Awaitable[None]]) -> None:
        """Begin to recover, and to look after timers, memory and what is out of date.

        Args:
            placement: where sessions live.
            delete: removes a session that has ended.
        """
        self._delete = delete
        loop = asyncio.get_running_loop()
        self._placement = placement
        self._rounds = loop.create_task(self._go_round())
        self.recovered = loop.create_task(recover(placement, self._unfinished, self._options.recovery_at_once))

    async def close(self) -> None:
        """Bring nobody back any more."""
        for task in (self.recovered, self._rounds):
            task.cancel()
        await asyncio.gather(self.recovered, self._rounds, return_exceptions=True)

    def soon(self, wakes_at: float | None) -> bool:
        """Return whether a session whose timer is due then (epoch seconds) is needed in memory."""
        return wakes_at is not None and wakes_at <= self._horizon()

    async def passivate(self) -> list[str]:
        """Have every session leave memory that heard nothing since this was last done; return their ids."""
        left = await sweep([shard.sessions for shard in self._placement.shards])
        self.passivated += len(left)
        return left

    async def wake(self) -> None:
        """Bring idle sessions back whose timer comes near."""
        await bring_back(self._placement, self._due, self._options.recovery_at_once)

    async def expire(self) -> int:
        """Delete the sessions that ended longer ago than they are to be kept; return their number.

        One that can't be deleted, since its log can't be read for one, stays and holds up no other.
        """
        if self._options.retain_s is None:
            return 0
        before = stamp(self._clock.now() - self._options.retain_s)
        count = 0
        for shard in range(self._store.shards):
            kept: set[str] = set()
            families: dict[str, bool] = {}
            while ids := [each for each in await self._expired(shard, before, len(kept)) if each not in kept]:
                for session_id in ids:
                    if await self._stays(session_id, families) or not await self._deleted(session_id):
                        kept.add(session_id)
                    else:
                        count += 1
        if count:
            logger.info("deleted %d sessions that ended before %s", count, before)
        return count

    async def _stays(self, session_id: str, families: dict[str, bool]) -> bool:
        """Whether it is a child session and its family is there: it goes with that, which may ask for it again."""
        root, tilde, _ = session_id.partition("~")
        if tilde and root not in families:
            families[root] = await self._read(self._store.row, root) is not None
        return bool(tilde) and families[root]

    async def _deleted(self, session_id: str) -> bool:
        try:
            await self._delete(session_id)
        except (Unavailable, StoreBroken):
            raise
        except NotFound:
            return False  # somebody was quicker
        except SessiondError as error:
            logger.error("session %s is out of date and can't be deleted: %s", session_id, error)
            return False
        return True

    async def _go_round(self) -> None:
        while True:
            for duty in (self.wake, self.expire):
                await self._done(duty)
            await asyncio.sleep(self._options.passivate_s)
            await self._done(self.passivate)

    async def _done(self, duty: Callable[[], Awaitable[Any]]) -> None:
        """Whatever one round meets, there are further ones: timers wait for them."""
        try:
            await duty()
        except SessiondError as error:
            logger.error("a round is left out: %s", error)
        except Exception:
            logger.exception("a round is left out")

    def _horizon(self) -> float:
        return self._clock.now() + 2 * self._options.passivate_s

    async def _unfinished(self, shard: int) -> list[str]:
        found: list[str] = await self._read(self._store.unfinished, shard)
        return found

    async def _expired(self, shard: int, before: str, kept: int) -> list[str]:
        """Those that are kept come again, so there have to be more."""
        return await self._of_ours(shard, self._store.expired, before, AT_ONCE + 2 * kept)

    async def _due(self, shard: int) -> list[str]:
        return await self._of_ours(shard, self._store.due, self._horizon())

    async def _of_ours(self, shard: int, find: Callable[..., list[str]], *arguments: Any) -> list[str]:
        """Look sessions up in a shard; a new owner looks after those of one that was taken."""
        if shard in self._committer.fenced:
            return []
        found: list[str] = await self._read(find, shard, *arguments)
        return found
