"""The moving region of a terminal, drawn to a string."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeAlias

import pytest
from rich.console import Console
from support.story import BEGAN, Story

from sessiond.gateway.progress_live import LiveView

Screen: TypeAlias = Callable[[LiveView], list[str]]


@pytest.fixture
def screen() -> Screen:
    def draw(view: LiveView) -> list[str]:
        console = Console(file=io.StringIO(), width=view.console.width, height=view.console.height)
        with console.capture() as drawn:
            console.print(view.region())
        return drawn.get().splitlines()

    return draw


def live(width: int = 100, height: int = 20, now: float = 2.0) -> tuple[LiveView, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, height=height, color_system=None)
    return LiveView(console, lambda: BEGAN + now), stream


async def test_two_agents_speak_side_by_side(screen: Screen) -> None:
    view, _ = live()
    story = Story()
    for node_id in ("advocate", "sceptic"):
        view.show(story.change(0, node_id, "running"))
        view.show(story.token(1, node_id, f"I am the {node_id}."))
    drawn = screen(view)
    [spoken] = [line for line in drawn if "I am" in line]
    assert "I am the advocate." in spoken
    assert "I am the sceptic." in spoken
    assert [" ".join(line.split()[1:]) for line in drawn[-2:]] == ["advocate runs 2.0 s", "sceptic runs 2.0 s"]
    view.close()


async def test_a_narrow_terminal_shows_one_at_a_time(screen: Screen) -> None:
    view, _ = live(width=50)
    story = Story()
    for node_id in ("advocate", "sceptic"):
        view.show(story.change(0, node_id, "running"))
        view.show(story.token(1, node_id, "word " * 20))
    assert max(len(line) for line in screen(view)) <= 50
    view.close()


async def test_the_region_never_outgrows_the_terminal(screen: Screen) -> None:
    view, _ = live(height=16)
    story = Story()
    for index in range(200):
        view.show(story.change(0, f"n{index}", "running"))
        view.show(story.token(1, f"n{index}", "word " * 500))
    drawn = screen(view)
    assert len(drawn) < 16
    assert any("196 more" in line for line in drawn)
    view.close()


async def test_what_was_said_stays_above_when_the_node_is_through(screen: Screen) -> None:
    view, stream = live()
    story = Story()
    view.show(story.change(0, "advocate", "running"))
    view.show(story.token(1, "advocate", "My point\nis this."))
    assert "My point" not in stream.getvalue()
    view.show(story.change(2, "advocate", "completed"))
    written = stream.getvalue()
    assert written.index("│ My point") < written.index("│ is this.") < written.index("✔ advocate")
    assert not "".join(screen(view)).strip()
    view.close()


async def test_the_terminal_gets_its_cursor_back() -> None:
    view, stream = live()
    view.show(Story().tell(0, "execution:completed", status="completed"))
    view.close()
    written = stream.getvalue()
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
