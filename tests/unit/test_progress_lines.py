"""Progress as plain lines."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from support.story import Story

from sessiond.gateway.progress_lines import LineView, first_line


def view(width: int = 80) -> tuple[LineView, io.StringIO]:
    stream = io.StringIO()
    return LineView(Console(file=stream, width=width), ["start", "advocate"], ["start"]), stream


def test_a_session_reads_as_a_transcript() -> None:
    lines, stream = view(60)
    story = Story()
    for record in (
        story.tell(0, "execution:created"),
        story.change(0, "start", "running"),
        story.change(0, "start", "completed"),
        story.change(0, "advocate", "running"),
        story.token(1, "advocate", "A sentence that is longer than the "),
        story.token(2, "advocate", "line.\nAnd [red]more[/red]"),
        story.change(3, "advocate", "completed", round_=2),
        story.tell(3.5, "execution:completed", status="completed"),
    ):
        lines.show(record)
    assert stream.getvalue().splitlines() == [
        "   0.0 s ✔ start     completed",
        "   0.0 s ▶ advocate  running",
        "           advocate │ A sentence that is longer than the",
        "           advocate │ line.",
        "           advocate │ And [red]more[/red]",
        "   3.0 s ✔ advocate  completed · round 2 · 3.0 s",
        "   3.5 s ✔ completed (3.5 s, 2 tokens)",
    ]


def test_control_reviews_and_errors_are_told() -> None:
    lines, stream = view(100)
    story = Story()
    for record in (
        story.tell(0, "execution:paused", reason="lunch", by="ann", in_flight=[]),
        story.tell(0, "execution:quiesced"),
        story.tell(1, "execution:resumed", by="ann", running=[]),
        story.change(1, "ask", "suspended"),
        story.review(1, "ask", "Is it good?"),
        story.tell(2, "node_resumed", "ask", review_action="reject", reviewer="ann"),
        story.tell(2, "error", "ask", error="no", code="rejected", attempt=1, will_retry=False),
        story.change(2, "ask", "failed", error={"code": "rejected", "message": "rejected by ann"}),
        story.tell(2, "execution:recovered", interrupted=["a", "b"]),
        story.tell(2, "execution:completed", status="failed", error={"code": "rejected", "message": "rejected"}),
    ):
        lines.show(record)
    assert [" ".join(line.split()) for line in stream.getvalue().splitlines()] == [
        "0.0 s ‖ paused: lunch",
        "0.0 s ‖ quiet: nothing runs any more",
        "1.0 s ▶ resumed",
        "1.0 s ? ask waits",
        "Is it good?",
        "2.0 s ✔ ask reject by ann",
        "2.0 s ✘ ask failed · rejected by ann",
        "2.0 s ▶ recovered after a crash: a, b runs again",
        "2.0 s ✘ failed: rejected (2.0 s, 0 tokens)",
    ]


def test_what_is_said_at_the_end_without_a_line_end_is_not_lost() -> None:
    lines, stream = view()
    story = Story()
    lines.show(story.change(0, "advocate", "running"))
    lines.show(story.token(0, "advocate", "unfinished"))
    lines.close()
    assert stream.getvalue().endswith("advocate │ unfinished\n")


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("short", None),
        ("", None),
        ("\nx", ("", "x")),
        ("one two three", ("one two", "three")),
        ("one\ntwo", ("one", "two")),
        ("abcdefghijk", ("abcdefghij", "k")),
        (" abcdefghijk", (" abcdefghi", "jk")),
        ("0123456789 x", ("0123456789", "x")),
    ],
)
def test_a_line_is_cut_where_a_word_ends(text: str, split: tuple[str, str] | None) -> None:
    assert first_line(text, 10) == split


def test_a_fork_says_what_it_reuses() -> None:
    lines, stream = view()
    story = Story()
    for record in (
        story.tell(0, "execution:created", forked_from={"session_id": "o", "seq": 9}),
        story.change(0, "advocate", "pending", attempt=0, round_=2),
        story.change(0, "start", "completed"),
        story.tell(0, "execution:started"),
        story.change(0, "advocate", "running", round_=2),
        story.change(1, "advocate", "completed", round_=2),
    ):
        lines.show(record)
    assert [line.split()[2:] for line in stream.getvalue().splitlines()] == [
        ["✔", "start", "reused"],
        ["▶", "advocate", "running", "·", "round", "2"],
        ["✔", "advocate", "completed", "·", "round", "2", "·", "1.0", "s"],
    ]


def test_a_fork_that_is_cancelled_before_its_start_skips_the_rest() -> None:
    lines, stream = view()
    story = Story()
    lines.show(story.tell(0, "execution:created", forked_from={"session_id": "o", "seq": 9}))
    lines.show(story.change(0, "start", "completed"))
    lines.show(story.change(0, "advocate", "skipped", attempt=0))
    assert [line.split()[3:] for line in stream.getvalue().splitlines()] == [
        ["start", "reused"],
        ["advocate", "skipped"],
    ]
