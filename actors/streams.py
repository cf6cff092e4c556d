"""Event streams: one kind of subscription behind every WebSocket, SSE stream and `async for`.

A subscription is a cursor and a bounded buffer of live segments. It begins in the log and goes live as soon as
the buffer goes on where the log was read to. Over the bound it drops the buffer and reads the log again
from its cursor. A segment at or below the cursor is ignored: the log runs ahead of the loop.
Where the log was trimmed above the cursor, the follower gets a reset: a snapshot, and goes on behind it. So does one
who comes with what the log doesn't hold, since the store lost it: else it would take other events for those it knows.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from .core.errors import CorruptLog, Draining, LogTrimmed
from .core.events import Record
from .core.meters import StreamMeters
from .core.reset import Reset, as_record
from .core.segment import Segment, after, payloads
from .seen import Read, holds
from .shared_reads import SharedReads
from .taps import Tap

FindReset: TypeAlias = Callable[[str], Awaitable[Reset | None]]
"""Returns the session as of some seq, and where its events go on; None if there is no such session any more."""

MAX_LIVE: Final = 262_144
"""Bytes of live segments that one subscription may hold."""
PAGE: Final = 131_072
"""Bytes to read from the log at once."""
WAKE_AT_ONCE: Final = 64
"""Followers that are woken in one turn of the loop: so many write to their sockets before commands are looked at."""


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Framed events `first_seq` … `last_seq` for one subscriber.

    Attributes:
        live: this chunk completes the stored part; set once, on a chunk that may be empty.
        reset: the follower goes on from a snapshot, since its next events aren't kept, or its last ones are lost;
            then `data` is empty.
    """

    first_seq: int
    last_seq: int
    data: bytes
    live: bool
    reset: Reset | None = None


class EventHub:
    """Hands each published segment to the subscribers of its session. Belongs to one event loop.

    Args:
        read: reads a part of a log.
        reset: finds what stands for trimmed events.
        present: finds a session as it is now.

    Attributes:
        closed: whether nothing will be published any more.
        meters: what went through.
        reset: see above.
    """

    def __init__(self, read: Read, reset: FindReset, present: FindReset) -> None:
        self._read = SharedReads(read)
        self.reset = reset
        self._present = present
        self._subscribers: dict[str, list[Subscription]] = {}
        self._taps: list[Tap] = []
        self.closed = False
        self._asleep: deque[Subscription] = deque()
        self.meters = StreamMeters()

    def publish(self, session_id: str, segment: Segment) -> None:
        """Hand out a segment that is stored."""
        meters = self.meters
        meters.events += segment.last_seq - segment.first_seq + 1
        meters.bytes += len(segment.data)
        subscriptions = self._subscribers.get(session_id, ())
        if len(subscriptions) <= WAKE_AT_ONCE:
            for subscription in subscriptions:
                subscription.push(segment)
        else:
            self._push_to_many(subscriptions, segment)
        for tap in self._taps:
            tap.push(session_id, segment)

    def _push_to_many(self, subscriptions: Sequence[Subscription], segment: Segment) -> None:
        """All get the segment now, and are woken some in each turn of the loop: who is late finds more at once."""
        waking = bool(self._asleep)
        self._asleep.extend(subscription for subscription in subscriptions if subscription.take_in(segment))
        if self._asleep and not waking:
            self._wake_some()

    def _wake_some(self) -> None:
        for _ in range(min(WAKE_AT_ONCE, len(self._asleep))):
            self._asleep.popleft().wake()
        if self._asleep:
            asyncio.get_running_loop().call_soon(self._wake_some)

    def tap(self, sees: Callable[[str], bool], lost: Callable[[], None]) -> Tap:
        """Return a tap on every session that `sees` lets through, live only; close it when done.

        `lost` is called when the follower fell so far behind that something was dropped.
        """
        made = Tap(sees, lost, self._taps.remove)
        self._taps.append(made)
        return made

    @property
    def taps(self) -> int:
        """How many follow all sessions."""
        return len(self._taps)

    def subscriptions(self) -> Iterator[Subscription]:
        """Yield every subscription to one session."""
        for subscriptions in self._subscribers.values():
            yield from subscriptions

    def close(self) -> None:
        """Nothing will be published any more: end all subscriptions."""
        self.closed = True
        for subscription in list(self.subscriptions()):
            subscription.close()

    def watched(self, session_id: str) -> bool:
        """Return whether anybody follows the session."""
        return session_id in self._subscribers

    def subscribe(
        self, session_id: str, after_seq: int = 0, *, seen: str | None = None, bound: int = MAX_LIVE
    ) -> Subscription:
        """Return a subscription to the events after `after_seq`; close it when done.

        Args:
            session_id: whose.
            after_seq: the last one that the follower has.
            seen: the timestamp of that one, as the follower has it.
            bound: bytes of live segments that may wait for the follower.
        """
        subscription = Subscription(self, session_id, after_seq, seen, bound)
        self._subscribers.setdefault(session_id, []).append(subscription)
        if self.closed:  # it would wait for ever
            subscription.close()
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        others = self._subscribers.get(subscription.session_id)
        if others and subscription in others:
            others.remove(subscription)
            if not others:
                del self._subscribers[subscription.session_id]

    async def read(self, session_id: str, after_seq: int, limit: int) -> list[Segment]:
        """Read a page of a session's log."""
        self.meters.log_reads += 1
        return await self._read(session_id, after_seq, limit)

    async def lost(self, session_id: str, seq: int, seen: str | None) -> Reset | None:
        """Return what stands for the whole log, if it doesn't hold the event that a follower has seen."""
        return None if await holds(self.read, session_id, seq, seen) else await self._present(session_id)


class Subscription:
    """One follower of one session.

    Attributes:
        cursor: the last seq that was handed to the follower.
        behind: whether it reads the log; else it is live.
    """

    __slots__ = (
        "_announced",
        "_bound",
        "_buffer",
        "_closed",
        "_hub",
        "_proven",
        "_seen",
        "_size",
        "_told",
        "_waiter",
        "behind",
        "cursor",
        "session_id",
    )

    def __init__(self, hub: EventHub, session_id: str, after_seq: int, seen: str | None, bound: int) -> None:
        self._hub = hub
        self.session_id = session_id
        self.cursor = after_seq
        self.behind = True
        self._bound = bound
        self._buffer: list[Segment] = []
        self._size = 0
        self._told: int | None = None
        self._announced = False
        self._proven = after_seq == 0
        self._seen = seen
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    def push(self, segment: Segment) -> None:
        """Take a published segment, and let the follower know."""
        if self.take_in(segment):
            self.wake()

    def take_in(self, segment: Segment) -> bool:
        """Take a published segment; return whether the follower waits for it and isn't about to be woken.

        While the log is being read the segment waits, so that the two meet without a gap.
        """
        if segment.last_seq <= self.cursor:
            return False
        self._told = segment.last_seq
        expected = (self._buffer[-1].last_seq if self._buffer else self.cursor) + 1
        if segment.first_seq != expected or self._size > self._bound:
            self._forget()
            self.behind = True
        first = not self._buffer
        self._buffer.append(segment)
        self._size += len(segment.data)
        return first and self._waiter is not None

    async def ready(self) -> bool:
        """Wait until `step` has something to give, or to read; False once closed."""
        while not (self._closed or self.behind or self._buffer):
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return not self._closed

    async def pull(self) -> Chunk | None:
        """Wait for events after the cursor and return them, many at once if they are there; None once closed.

        The chunk that completes the stored part is marked `live`; it may be empty.
        """
        while await self.ready():
            if (chunk := await self.step()) is not None:
                return chunk
        return None

    async def step(self) -> Chunk | None:
        """Return what waits, or a page of the log; None if there is nothing, without waiting for more."""
        if self.behind:
            if self._seen is not None and (reset := await self._lost()) is not None:
                return self._go_on_from(reset)
            try:
                segments = await self._hub.read(self.session_id, self.cursor, PAGE)
            except LogTrimmed:
                if (reset := await self._hub.reset(self.session_id)) is not None:
                    self._check_forward(reset)
                    return self._go_on_from(reset)
                segments = []
            if not segments and (reset := await self._lost()) is not None:
                return self._go_on_from(reset)
            self._proven = True
            chunk = self._take(segments) if segments else None
            if self._caught_up(not segments):
                self.behind = False
                if not self._announced:
                    self._announced = True
                    data, first = (chunk.data, chunk.first_seq) if chunk else (b"", self.cursor + 1)
                    return Chunk(first, self.cursor, data, True)
            return chunk
        if self._buffer:
            segments = self._buffer
            self._forget()
            return self._take(segments)
        return None

    async def _lost(self) -> Reset | None:
        """Once for each follower: see whether the log holds what it comes with."""
        if self._proven:
            return None
        self._proven = True
        return await self._hub.lost(self.session_id, self.cursor, self._seen)

    def _check_forward(self, reset: Reset) -> None:
        if reset.first_seq <= self.cursor + 1:
            seq = reset.first_seq - 1
            raise CorruptLog(f"the log of {self.session_id!r} lacks what follows {self.cursor}, a snapshot is at {seq}")

    def _go_on_from(self, reset: Reset) -> Chunk:
        """Take a snapshot in place of what can't be had; what comes after it is read next."""
        self.cursor = reset.first_seq - 1
        return Chunk(reset.first_seq, self.cursor, b"", False, reset)

    def _caught_up(self, exhausted: bool) -> bool:
        """Whether what waits in the buffer goes on from the cursor, or nothing was published beyond it.

        Before the first publication only a read that found nothing more tells: the log may have many pages.
        """
        while self._buffer and self._buffer[0].last_seq <= self.cursor:
            self._size -= len(self._buffer.pop(0).data)
        if self._buffer:
            return self._buffer[0].first_seq <= self.cursor + 1
        return exhausted or (self._told is not None and self._told <= self.cursor)

    def _forget(self) -> None:
        self._buffer = []
        self._size = 0

    @property
    def lag(self) -> int:
        """How many published events the follower hasn't taken, as far as it was told of them."""
        return max(0, (self._told or 0) - self.cursor)

    @property
    def held(self) -> int:
        """Bytes of live segments in the buffer."""
        return self._size

    def close(self) -> None:
        """End the subscription; a waiting `pull` returns None."""
        if not self._closed:
            self._closed = True
            self._hub.drop(self)
            self.wake()

    async def records(self) -> AsyncIterator[Record]:
        """Yield the events one by one; `data` is plain JSON data. Ends after the terminal event.

        Where events were trimmed, a StreamReset comes in their place.

        Raises:
            Draining: the runtime was closed before.
        """
        while (chunk := await self.pull()) is not None:
            if chunk.reset is not None:
                yield as_record(chunk.reset)
            for record in unpack_plain(chunk):
                yield record
                if record.event == "execution:completed":
                    return
        if self._hub.closed:
            raise Draining("the runtime was closed before the session ended")

    def _take(self, segments: list[Segment]) -> Chunk:
        first = self.cursor + 1
        parts = [after(segment, self.cursor) for segment in segments]
        if segments[0].first_seq > first:
            first = segments[0].first_seq
        self.cursor = max(self.cursor, segments[-1].last_seq)
        return Chunk(first, self.cursor, parts[0] if len(parts) == 1 else b"".join(parts), False)

    def wake(self) -> None:
        """Let the follower know that there is something for it."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


_decode_record = msgspec.json.Decoder(Record).decode


def unpack_plain(chunk: Chunk | Segment) -> list[Record]:
    """Return the records with `data` as plain JSON data."""
    return [_decode_record(payload) for payload in payloads(chunk.data)]
