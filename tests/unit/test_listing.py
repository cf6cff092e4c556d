"""Cursors, labels and filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores import row

from sessiond.actors.core.ports import RowQuery
from sessiond.persistence.listing import decode_cursor, encode_cursor, label_terms, matches, page

text = st.text(st.characters(exclude_categories=["Cs"]))


@given(text, text)
def test_a_cursor_names_its_position(created_at: str, session_id: str) -> None:
    cursor = encode_cursor((created_at, session_id))
    assert decode_cursor(cursor) == (created_at, session_id)
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_any_other_text_is_refused_as_a_cursor(cursor: str) -> None:
    with pytest.raises(ValueError, match="is not a cursor of this list"):
        decode_cursor(cursor)


def test_a_label_answers_to_its_key_and_to_key_and_value() -> None:
    assert label_terms({"a": "1", "b:c": "d", "b": "c:d"}) == ["a", "a:1", "b", "b:c", "b:c:d"]
    assert label_terms({}) == []


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (RowQuery(), True),
        (RowQuery(tenant="other"), False),
        (RowQuery(status="running"), True),
        (RowQuery(status="paused"), False),
        (RowQuery(workflow_id="council"), True),
        (RowQuery(workflow_id="x"), False),
        (RowQuery(label="team"), True),
        (RowQuery(label="team:x"), True),
        (RowQuery(label="team:y"), False),
        (RowQuery(waiting=False), True),
        (RowQuery(waiting=True), False),
        (RowQuery(status="running", label="team:y"), False),
    ],
)
def test_a_row_matches_when_every_filter_does(query: RowQuery, wanted: bool) -> None:
    assert matches(row("a", labels={"team": "x"}), query) is wanted


def test_a_page_points_on_only_if_there_is_more() -> None:
    items = [row(name, at=at) for at, name in enumerate("cba")]
    assert page(items, 3).next_cursor is None
    first = page(items, 2)
    assert first.items == items[:2]
    assert first.next_cursor is not None
    assert decode_cursor(first.next_cursor) == (items[1].created_at, "b")
