"""Whether the process lives, and whether it should be sent work."""

from __future__ import annotations

from .call import Call, Reply
from .wire import Health


async def live(call: Call) -> Reply:
    """Answer: the event loop turns."""
    return Reply(Health())


async def ready(call: Call) -> Reply:
    """Answer 200 while commands are welcome, 503 while the store is away or the server drains."""
    call.gateway.check_open()
    trouble = call.runtime.writer.trouble
    if trouble is not None:
        raise trouble
    return Reply(Health())
