"""Orders to child sessions, carried out some time soon, a bounded number at once for each tenant.

When a session ends it may have thousands of children to tell. Told all together, they would stand before everybody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from .core.messages import Command
from .core.tenancy import tenant_of

AT_ONCE: Final = 8
"""Orders of one tenant that are being carried out: each may end a thousand tasks."""


class Orders:
    """Orders that wait, begun in the order in which they were given.

    Args:
        carry_out: has a session handle a command; it raises nothing.
        at_once: orders of one tenant under way.
    """

    def __init__(self, carry_out: Callable[[str, Command], Awaitable[None]], at_once: int = AT_ONCE) -> None:
        self._carry_out = carry_out
        self._at_once = at_once
        self._waiting: dict[str, deque[tuple[str, Command]]] = {}
        self._under_way: dict[str, set[asyncio.Task[None]]] = {}
        self._closed = False

    def give(self, session_id: str, command: Command) -> None:
        """Have a session handle a command some time soon, unless this is closed."""
        if self._closed:
            return
        tenant = tenant_of(session_id)
        self._waiting.setdefault(tenant, deque()).append((session_id, command))
        if len(self._under_way.setdefault(tenant, set())) < self._at_once:
            self._begin(tenant)

    def _begin(self, tenant: str) -> None:
        task = asyncio.get_running_loop().create_task(self._work(tenant))
        self._under_way[tenant].add(task)
        task.add_done_callback(lambda done: self._through(tenant, done))

    async def _work(self, tenant: str) -> None:
        waiting = self._waiting[tenant]
        while waiting:
            session_id, command = waiting.popleft()
            await self._carry_out(session_id, command)

    def _through(self, tenant: str, task: asyncio.Task[None]) -> None:
        under_way = self._under_way[tenant]
        under_way.discard(task)
        if self._waiting[tenant]:
            self._begin(tenant)  # given when all were through already, and counted still
        elif not under_way:
            del self._under_way[tenant], self._waiting[tenant]

    async def close(self) -> None:
        """Drop those that wait and those under way."""
        self._closed = True
        for waiting in self._waiting.values():
            waiting.clear()
        tasks = [task for under_way in self._under_way.values() for task in under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
