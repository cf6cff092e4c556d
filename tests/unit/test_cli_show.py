"""What commands print for a person."""

from __future__ import annotations

from msgspec import Raw

from sessiond.actors.core.detail import NodeDetail, SessionDetail
from sessiond.actors.core.events import Failure
from sessiond.actors.core.messages import Receipt
from sessiond.actors.core.timestamps import stamp
from sessiond.gateway.cli_show import columns, show_receipt, show_reviews, show_session, show_sessions
from sessiond.gateway.responses import ReviewItem, ReviewList, SessionItem, SessionList

T0, T1 = stamp(1_700_000_000), stamp(1_700_000_090)


def item(session_id: str, waits: tuple[str, ...] = ()) -> SessionItem:
    return SessionItem(session_id, "w", "v", "running", {}, waits, None, 7, T0, T0, None, T0)


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert columns([("a", "b"), ("ccc", "")]) == "a    b\nccc"
    assert columns([]) == ""


def test_a_list_says_who_is_waited_for_and_an_empty_one_says_so() -> None:
    shown = show_sessions(SessionList([item("one"), item("two", ("review", "sign"))], None), 1_700_000_030)
    assert [line.split() for line in shown.splitlines()[1:]] == [
        ["one", "w", "running", "7", "30.0", "s"],
        ["two", "w", "running", "7", "30.0", "s", "review,", "sign"],
    ]
    assert show_sessions(SessionList([], None), 0) == "no sessions"


def test_a_session_that_failed_says_where_and_why() -> None:
    detail = SessionDetail(
        session_id="s",
        workflow_id="w",
        workflow_version="v",
        status="failed",
        in_flight=("b",),
        quiesced=False,
        input=Raw(b"{}"),
        output=Raw(b"null"),
        error=Failure("boom", "it \x1b[31mbroke\x1b[0m", "a"),
        nodes={"a": NodeDetail("failed", 2, 3, T0, T1), "b": NodeDetail("pending", 0, 1, None, None)},
        labels={"team": "x"},
        context=Raw(b"{}"),
        parent_id=None,
        seq=9,
        created_at=T0,
        started_at=T0,
        ended_at=T1,
        updated_at=T1,
    )
    lines = [line.split() for line in show_session(detail, 1_700_000_500).splitlines()]
    assert ["took", "1", "min", "30", "s"] in lines
    assert ["error", "boom", "at", "a:", "it", "broke"] in lines
    assert ["in", "flight", "b"] in lines
    assert ["a", "failed", "3", "2", "1", "min", "30", "s"] in lines
    assert lines[-1] == ["b", "pending", "1", "0"]


def test_a_receipt_says_whether_anything_changed() -> None:
    receipt = Receipt("s", "pause", "paused", True, 4, ("a", "b"))
    assert show_receipt(receipt) == "s is paused (seq 4); still in flight: a, b"
    assert show_receipt(Receipt("s", "pause", "paused", False, 4, ())) == "s is already paused (seq 4)"


def test_a_review_comes_with_the_command_that_answers_it() -> None:
    page = ReviewList([ReviewItem("s", "ask", "w", "running", "", "Good?", ("approve", "reject"))], None)
    assert show_reviews(page) == "s ask: Good?\n  sessiond review s approve|reject --node ask"
    assert show_reviews(ReviewList([], None)) == "no reviews wait"
