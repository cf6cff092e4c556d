"""Deletion of a session that has ended, whole: its events, its children, and a definition that nobody else runs."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from .children import ChildSessions
from .core.errors import CommandRefused, NotFound
from .core.lifecycle import TERMINAL, Status, allowed
from .core.messages import Stop
from .core.ports import SessionRow
from .deadline import carried_through

if TYPE_CHECKING:
    from .runtime import Runtime


class Deletion:
    """Deletes the sessions of a runtime.

    Args:
        read: runs a blocking call on the store off the loop.
    """

    def __init__(self, runtime: Runtime, children: ChildSessions, read: Callable[..., Awaitable[Any]]) -> None:
        self._runtime = runtime
        self._children = children
        self._read = read

    async def of(self, session_id: str) -> None:
        """Remove a session, its children first; if it is cut short in between, it can be asked for again.

        Raises:
            NotFound: there is none.
            CommandRefused: it hasn't ended.
            Fenced: its shard has another owner.
        """
        row = await self._runtime.row(session_id)
        status = cast(Status, row.status)
        if status not in TERMINAL:
            raise CommandRefused("delete", status, allowed(status))
        async for child_id in self._children.of(session_id):
            with suppress(NotFound):
                await self._bereave(child_id, session_id)
                await self.of(child_id)
        if not await carried_through(self._removed(session_id, row)):
            raise NotFound("session", session_id)

    async def _bereave(self, child_id: str, parent_id: str) -> None:
        """End a child whose parent has ended, if it doesn't know yet: a crash may have kept that from a paused one."""
        runtime = self._runtime
        if (await runtime.row(child_id)).status not in TERMINAL:
            with suppress(CommandRefused):  # it knows by now; its end may still be under way
                await runtime.placement.command(child_id, Stop(f"session {parent_id!r} has ended", parent_id))
            await runtime.ended(child_id)

    async def _removed(self, session_id: str, row: SessionRow) -> bool:
        runtime = self._runtime
        with runtime.definitions.leaving(row) as whole:
            token = runtime.placement.shard(session_id).token
            delete = functools.partial(runtime.store.delete, session_id, token=token, with_definition=whole)
            deleted: bool = await self._read(delete)
        if deleted:
            await runtime.placement.forget(session_id)  # its id may be used again
        return deleted
