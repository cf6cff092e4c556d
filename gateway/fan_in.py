"""Many subscriptions, one socket: each waits its turn, and none takes two turns while another waits.

A turn is one chunk: what is live, or a page of the log. Only who has the turn holds a chunk, so a socket needs the
buffers of its subscriptions and one chunk, however slowly it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from ..actors.core.errors import Conflict, Overloaded
from ..actors.core.lifecycle import TERMINAL
from ..actors.core.tenancy import tenant_of
from ..actors.streams import Subscription
from ..actors.taps import Tap, TapOverflow
from .call import Gateway
from .framing import frames_of, holds_end
from .principal import Principal

BUFFER: Final = 32_768
"""Bytes of live segments that one of many subscriptions may hold."""


class AlreadySubscribed(Conflict):
    """The socket follows this session already."""

    code = "already_subscribed"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"this socket follows {session_id!r} already")


class FanIn:
    """What one socket follows.

    Args:
        principal: who follows, and sees what is its tenant's.
        put: writes frames, and returns when the socket has taken them.
        failed: is told why nothing more can be sent.
    """

    def __init__(
        self,
        gateway: Gateway,
        principal: Principal,
        put: Callable[[bytes], Awaitable[None]],
        failed: Callable[[Exception], None],
    ) -> None:
        self._runtime = gateway.runtime
        self._row = gateway.row
        self._tally = gateway.subscriptions
        self._tenant = principal.tenant
        self._put = put
        self._failed = failed
        self._most = gateway.settings.max_subscriptions
        self._buffer = min(BUFFER, gateway.settings.max_buffer)
        self._turn = asyncio.Lock()  # first come, first served
        self._tap: Tap | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscriptions) + (self._tap is not None)

    async def subscribe(self, session_id: str, after: int, seen: str | None = None) -> None:
        """Follow a session; its first event comes after the caller's next wait.

        Raises:
            NotFound: there is none.
            AlreadySubscribed, Overloaded, TooManyStreams.
        """
        await self._row(session_id)
        if self._tap is not None:
            async with self._turn:
                await self._drain()
        if self._closed:
            return  # meanwhile: nobody would let go of it any more
        self._check(session_id, session_id in self._subscriptions)
        self._tally.enter(self._tenant)
        subscription = self._runtime.hub.subscribe(session_id, after, seen=seen, bound=self._buffer)
        self._subscriptions[session_id] = subscription
        self._begin(self._follow(subscription))

    def follow_all(self) -> None:
        """Follow every session of the tenant, but those that are followed by themselves; live only.

        Raises:
            AlreadySubscribed, Overloaded, TooManyStreams.
        """
        self._check("*", self._tap is not None)
        self._tally.enter(self._tenant)
        self._tap = self._runtime.hub.tap(
            lambda session_id: session_id not in self._subscriptions and tenant_of(session_id) == self._tenant,
            lambda: self._failed(TapOverflow("the socket is too slow for all sessions at once")),
        )
        self._begin(self._drink(self._tap))

    def unsubscribe(self, session_id: str) -> int | None:
        """Follow a session no longer; return the seq up to which it was sent, None if it wasn't followed by itself."""
        subscription = self._subscriptions.pop(session_id, None)
        if subscription is None:
            return None
        subscription.close()
        self._tally.leave(self._tenant)
        return subscription.cursor

    def unfollow_all(self) -> None:
        """Follow only those sessions that are followed by themselves."""
        if self._tap is not None:
            self._tap.close()
            self._tap = None
            self._tally.leave(self._tenant)

    def close(self) -> None:
        """Follow nothing any more."""
        self._closed = True
        self.unfollow_all()
        for session_id in list(self._subscriptions):
            self.unsubscribe(session_id)
        for task in self._tasks:
            task.cancel()

    def _check(self, session_id: str, followed: bool) -> None:
        if followed:
            raise AlreadySubscribed(session_id)
        if len(self) >= self._most:
            raise Overloaded(f"a socket follows at most {self._most} sessions")

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever it is, the socket is closed for it
            self._failed(error)

    async def _follow(self, subscription: Subscription) -> None:
        """Send one session's events up to its terminal one."""
        while await subscription.ready():
            async with self._turn:
                chunk = await subscription.step()
                if chunk is None:
                    continue  # nothing came of it, and others wait
                if self._subscriptions.get(subscription.session_id) is not subscription:
                    return  # let go of while the log was read
                await self._put(frames_of(subscription.session_id, chunk))
            if not (holds_end(chunk.data) or (chunk.live and await self._ended(subscription))):
                continue
            if self._subscriptions.get(subscription.session_id) is subscription:
                self.unsubscribe(subscription.session_id)
            return

    async def _drink(self, tap: Tap) -> None:
        """Send what is published anywhere."""
        while await tap.ready():
            async with self._turn:
                if data := tap.take():
                    await self._put(data)

    async def _drain(self) -> None:
        """Send what the tap holds: nothing of a session's may come out of it once that is followed by itself."""
        with suppress(TapOverflow, StreamClosedError, WebSocketClosedError):  # nothing can be sent any more
            while self._tap is not None and (data := self._tap.take()):
                await self._put(data)

    async def _ended(self, subscription: Subscription) -> bool:
        """Whether nothing can follow, where the client has the terminal event already."""
        row = await self._row(subscription.session_id)
        return row.status in TERMINAL and row.seq <= subscription.cursor
