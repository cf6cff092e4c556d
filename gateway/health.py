"""Whether the process lives, and whether it should be sent work."""

from __future__ import annotations

from itertools import islice
from typing import Final

from msgspec import UNSET

from ..actors.core.errors import Fenced
from .call import Call, Reply
from .responses import Health

MOST_NAMED: Final = 100
"""Quarantined sessions that readiness names."""


async def live(call: Call) -> Reply:
    """Answer: the event loop turns."""
    return Reply(Health())


async def ready(call: Call) -> Reply:
    """Answer 200 while commands are welcome, 503 while the store is away, is another's, or the server drains."""
    call.gateway.check_open()
    trouble = call.runtime.writer.trouble
    if trouble is not None:
        raise trouble
    if fenced := call.runtime.writer.fenced:
        raise Fenced(min(fenced))
    await call.runtime.probe()  # a server that has nothing to write finds out by reading
    if call.gateway.auth.required:
        return Reply(Health())  # anybody may ask: ids are for those who may see the sessions, and in the log
    quarantined = tuple(islice(call.runtime.restorer.quarantined, MOST_NAMED))
    return Reply(Health(quarantined=quarantined or UNSET))
