"""The statements that list sessions in SQLite, each led by one index in the order of the list."""

from __future__ import annotations

from typing import Final

from ..actors.core.ports import RowQuery
from .listing import decode_cursor

SELECT_RUNNING: Final = (
    "SELECT id FROM sessions WHERE status = 'running' AND idle = 0 ORDER BY created_at DESC, id DESC"
)
"""Ids of the running sessions that aren't idle, newest first."""

SELECT_DUE: Final = (
    "SELECT id FROM sessions WHERE idle = 1 AND wakes_at IS NOT NULL AND wakes_at <= ? ORDER BY wakes_at"
)
"""Ids of the idle sessions whose timer is due by then, earliest first."""

SELECT_COUNTS: Final = (
    "SELECT status, count(*) FROM sessions INDEXED BY sessions_by_status WHERE tenant = ? GROUP BY status"
)
"""How many sessions of a tenant have each status; the index holds all that is read."""

SELECT_EXPIRED: Final = "SELECT id FROM sessions WHERE ended_at < ? ORDER BY ended_at LIMIT ?"
"""Ids of the sessions that ended before a time, earliest first."""


def select_rows(query: RowQuery) -> tuple[str, list[object]]:
    """Return the statement for a page's records and one more, and its values.

    The index of labels leads when a label is asked for, since no other finds a rare one.

    Raises:
        ValueError: the cursor is none of ours.
    """
    source, lead = "sessions s", "s"
    where = ["s.tenant = ?"]
    values: list[object] = [query.tenant]
    if query.waiting:
        # The planner has no statistics, and would walk all sessions of the tenant in order of time.
        source = "sessions s INDEXED BY sessions_waiting"
    if query.label is not None:
        source, lead = "labels l CROSS JOIN sessions s ON s.number = l.session", "l"
        where += ["l.tenant = ?", "l.term = ?"]
        values += [query.tenant, query.label]
    if query.status is not None:
        where.append("s.status = ?")
        values.append(query.status)
    if query.workflow_id is not None:
        where.append("s.workflow_id = ?")
        values.append(query.workflow_id)
    if query.waiting is not None:
        where.append(f"s.waiting = {int(query.waiting)}")
    if query.cursor is not None:
        where.append(f"({lead}.created_at, {lead}.id) < (?, ?)")
        values += decode_cursor(query.cursor)
    order = f"{lead}.created_at DESC, {lead}.id DESC"
    values.append(query.limit + 1)
    return f"SELECT s.record FROM {source} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?", values
