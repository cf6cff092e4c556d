"""Progress as the fold of a session's events."""

from __future__ import annotations

import pytest
from support.story import BEGAN, Story

from sessiond.gateway.progress import MAX_TEXT, Progress, duration, printable


def test_a_node_has_its_status_round_attempt_and_time() -> None:
    progress, story = Progress(), Story()
    progress.apply(story.tell(0, "execution:created"))
    progress.apply(story.tell(0, "execution:started"))
    progress.apply(story.change(1, "a", "running", round_=2, attempt=3))
    node = progress.nodes["a"]
    assert (node.status, node.round, node.attempt, node.seconds(BEGAN + 3.5)) == ("running", 2, 3, 2.5)
    assert [n.node_id for n in progress.active()] == ["a"]
    progress.apply(story.change(5, "a", "completed", round_=2, attempt=3))
    assert node.seconds(BEGAN + 99) == 4
    assert not list(progress.active())
    assert (progress.status, progress.elapsed, progress.seq) == ("running", 5, 4)


def test_what_a_node_says_is_kept_for_its_attempt_only_and_bounded() -> None:
    progress, story = Progress(), Story()
    progress.apply(story.change(0, "a", "running"))
    progress.apply(story.token(1, "a", "one "))
    progress.apply(story.token(1, "a", "two"))
    assert (progress.nodes["a"].text, progress.tokens) == ("one two", 2)
    progress.apply(story.token(1, "a", "x" * MAX_TEXT))
    assert progress.nodes["a"].text == "x" * MAX_TEXT
    progress.apply(story.change(2, "a", "running", attempt=2))
    assert progress.nodes["a"].text == ""


def test_a_review_is_open_until_it_is_answered_or_the_session_ends() -> None:
    progress, story = Progress(), Story()
    progress.apply(story.review(0, "a"))
    progress.apply(story.review(0, "b"))
    assert list(progress.reviews) == ["a", "b"]
    progress.apply(story.tell(1, "node_resumed", "a", review_action="approve"))
    assert list(progress.reviews) == ["b"]
    progress.apply(story.tell(2, "execution:completed", status="cancelled"))
    assert (progress.reviews, progress.status) == ({}, "cancelled")


def test_events_it_does_not_know_change_nothing_but_the_seq() -> None:
    progress, story = Progress(), Story()
    progress.apply(story.tell(0, "weather:changed"))
    progress.apply(story.tell(0, "weather:changed", "a", wind=3))
    assert (progress.seq, progress.status, progress.nodes["a"].status) == (2, "pending", "pending")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢 👩\u200d🔬", "plain ü 漢 👩\u200d🔬"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\rb\x08c\x07\x9b31m", "abc31m"),
        ("safe\u202eevil", "safeevil"),
        ("\x1b", ""),
    ],
)
def test_nothing_that_is_said_steers_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 01 s"), (3_599, "59 min 59 s"), (7_325, "2 h 02 min")],
)
def test_durations_are_said_as_a_person_would(seconds: float, said: str) -> None:
    assert duration(seconds) == said
