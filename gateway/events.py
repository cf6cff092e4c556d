"""A page of a session's events, as JSON; the stored bytes are passed on as they are."""

from __future__ import annotations

from msgspec import UNSET, Raw

from ..actors.core.errors import LogDiffers, LogTrimmed, NotFound
from ..actors.core.reset import Reset
from ..actors.core.segment import Segment, after, payloads
from ..actors.runtime import Runtime
from .call import Call, Reply
from .requests import EventQuery
from .responses import EventPage

PAGE_BYTES = 1_048_576
"""About how much of the log one page reads."""


async def page(call: Call) -> Reply:
    """Return the events after a seq, at most `limit` and about 1 MiB of them.

    Where events after that seq were trimmed, or the log doesn't hold what the client has seen, `reset` has a snapshot,
    and the items go on behind it.
    """
    query: EventQuery = call.query
    segments, reset = await _read(call.runtime, call.path["session_id"], query.after, query.seen)
    items: list[Raw] = []
    begin = last = query.after if reset is None else reset.first_seq - 1
    for segment in segments:
        first = max(segment.first_seq, begin + 1)
        found = [Raw(payload) for payload in payloads(after(segment, begin))]
        found = found[: query.limit - len(items)]
        items += found
        last = first + len(found) - 1
        if len(items) >= query.limit:
            break
    return Reply(EventPage(items, last, UNSET if reset is None else reset))


async def _read(runtime: Runtime, session_id: str, after: int, seen: str | None) -> tuple[list[Segment], Reset | None]:
    """Return what follows a seq, or a snapshot and what follows that.

    Raises:
        NotFound: there is no such session.
    """
    reset: Reset | None = None
    while True:
        try:
            return await runtime.events(session_id, after, PAGE_BYTES, seen), reset
        except (LogTrimmed, LogDiffers) as error:
            find = runtime.reset_of if isinstance(error, LogTrimmed) else runtime.present_of
            reset = await find(session_id)
            if reset is None:
                raise NotFound("session", session_id) from None  # deleted meanwhile
            after, seen = reset.first_seq - 1, None
