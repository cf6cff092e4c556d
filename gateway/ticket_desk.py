"""The operation that issues tickets for streams."""

from __future__ import annotations

from ..actors.core.timestamps import stamp
from .call import Call, Reply
from .requests import TicketRequest
from .responses import TicketIssued


async def issue(call: Call) -> Reply:
    """Issue a ticket that opens one WebSocket or SSE stream, of one session or of any, within 30 seconds."""
    body: TicketRequest = call.body
    session_id = None
    if body.session_id is not None:
        session_id = call.principal.session(body.session_id)
        await call.runtime.row(session_id)
    ticket, expires_at = call.gateway.auth.tickets.issue(call.principal, session_id)
    return Reply(TicketIssued(ticket, stamp(expires_at)), 201)
