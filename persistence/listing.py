"""What lists of sessions have in common in every store: filters, labels as search terms, page cursors.

Pages are keyset pages (https://use-the-index-luke.com/no-offset): a cursor names the last row of its
page, so rows that come or go elsewhere neither repeat nor hide one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import msgspec

from ..actors.core.ports import RowPage, RowQuery, SessionRow
from ..actors.core.tenancy import workflow_key

Position = tuple[str, str]
"""A row's place in the list: (created_at, session_id), newest first."""

_CURSOR_VERSION: Final = 1
_decode_cursor = msgspec.json.Decoder(tuple[int, str, str]).decode


def label_terms(labels: Mapping[str, str]) -> list[str]:
    """Return every filter that these labels answer: `key` and `key:value` of each, without repeats."""
    return sorted({term for key, value in labels.items() for term in (key, f"{key}:{value}")})


def definition_of(row: SessionRow) -> tuple[str, str]:
    """Return under which id and version the definition is stored that a session has."""
    return workflow_key(row.workflow_id, row.tenant), row.workflow_version


def matches(row: SessionRow, query: RowQuery) -> bool:
    """Tell whether `query` wants `row`, its cursor and limit aside."""
    return (
        row.tenant == query.tenant
        and query.status in (None, row.status)
        and query.workflow_id in (None, row.workflow_id)
        and query.waiting in (None, bool(row.waits))
        and (query.label is None or query.label in label_terms(row.labels))
    )


def page(rows: list[SessionRow], limit: int) -> RowPage:
    """Return the first `limit` of `rows`, which hold at least one more if there is another page."""
    items = rows[:limit]
    more = len(rows) > limit
    return RowPage(items, encode_cursor((items[-1].created_at, items[-1].session_id)) if more else None)


def encode_cursor(last: Position) -> str:
    """Return the cursor of the page after the row at `last`."""
    packed = msgspec.json.encode((_CURSOR_VERSION, *last))
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str) -> Position:
    """Return the position that a cursor names.

    Raises:
        ValueError: it is none of ours.
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, created_at, session_id = _decode_cursor(packed)
    except (binascii.Error, UnicodeError, ValueError, msgspec.MsgspecError) as error:
        raise ValueError(f"{cursor!r} is not a cursor of this list") from error
    if version != _CURSOR_VERSION:
        raise ValueError(f"{cursor!r} is not a cursor of this list")
    return created_at, session_id
