"""Who the caller is to the server: so that a page can show what its person may do, and nothing else."""

from __future__ import annotations

from .call import Call, Reply
from .responses import Me


async def me(call: Call) -> Reply:
    """Return who the caller is: where the server has no authentication, an anonymous admin."""
    return Reply(Me.of(call.principal))
