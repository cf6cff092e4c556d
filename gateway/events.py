"""A page of a session's events, as JSON; the stored bytes are passed on as they are."""

from __future__ import annotations

from msgspec import Raw

from ..actors.segment import after, payloads
from .call import Call, Reply
from .wire import EventPage, EventQuery

PAGE_BYTES = 1_048_576
"""About how much of the log one page reads."""


async def page(call: Call) -> Reply:
    """Return the events after a seq, at most `limit` and about 1 MiB of them."""
    query: EventQuery = call.query
    segments = await call.runtime.events(call.path["session_id"], query.after, PAGE_BYTES)
    items: list[Raw] = []
    last = query.after
    for segment in segments:
        first = max(segment.first_seq, query.after + 1)
        found = [Raw(payload) for payload in payloads(after(segment, query.after))]
        found = found[: query.limit - len(items)]
        items += found
        last = first + len(found) - 1
        if len(items) >= query.limit:
            break
    return Reply(EventPage(items, last))
