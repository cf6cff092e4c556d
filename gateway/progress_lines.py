"""Progress as lines that stay: one for each change, and what agents say, each line under its speaker's name."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from ..actors.core.events import Record
from .progress import NodeProgress, Progress, duration, printable

QUIET: Final = frozenset({"start", "end", "parallel", "loop", "switch", "vote", "human_review", "signal", "delay"})
"""Node types that complete or wait as soon as they start: their start isn't worth a line."""

_STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "running": ("▶", "cyan"),
    "suspended": ("?", "yellow"),
    "paused": ("‖", "yellow"),
    "completed": ("✔", "green"),
    "failed": ("✘", "red"),
    "cancelled": ("✘", "magenta"),
    "skipped": ("-", "dim"),
    "pending": ("·", "dim"),
}
_WORDS: Final[Mapping[str, str]] = {"suspended": "waits"}
_COLOURS: Final = ("bright_blue", "bright_magenta", "bright_cyan", "bright_yellow", "bright_green")
_TIME: Final = 11
"""Columns that the time takes."""


class LineView:
    """Writes to a console, line by line.

    Args:
        console: where to.
        node_ids: of the workflow, for columns that line up.
        quiet: nodes whose start goes unmentioned.
    """

    def __init__(self, console: Console, node_ids: Iterable[str] = (), quiet: Iterable[str] = ()) -> None:
        self.console = console
        self.progress = Progress()
        self._quiet = frozenset(quiet)
        self._width = max([6, *(min(len(node_id), 24) for node_id in node_ids)])
        self._open: dict[str, str] = {}
        self._colours: dict[str, str] = {}

    def show(self, record: Record) -> None:
        """Take the next event, and write what is worth a line of it."""
        self.progress.apply(record)
        data = record.data or {}
        if record.node_id is None:
            self._show_session(record.event, data)
            return
        node = self.progress.nodes[record.node_id]
        match record.event:
            case "token_stream":
                self.say(node, printable(data["chunk"]))
            case "node_state_change":
                self._show_change(node)
            case "human_interaction_required":
                self._indented(printable(data["prompt"]), "yellow")
            case "node_resumed" if data.get("review_action"):
                by = f" by {printable(data['reviewer'])}" if data.get("reviewer") else ""
                self._line("completed", node.node_id, f"{data['review_action']}{by}")
            case "tool_execution":
                self._line("running", node.node_id, f"used {printable(data['tool'])}")
            case "progress":
                share = "" if node.fraction is None else f"{node.fraction:.0%} "
                self._line("running", node.node_id, share + node.message)
            case "error" if data["will_retry"]:
                self._line("failed", node.node_id, f"attempt {data['attempt']} failed: {printable(data['error'])}")
            case _:
                pass

    def say(self, node: NodeProgress, chunk: str) -> None:
        """Write what a node said, as far as it fills lines."""
        text = self._open.get(node.node_id, "") + chunk
        while split := first_line(text, self._room):
            line, text = split
            self._spoken(node.node_id, line)
        self._open[node.node_id] = text

    def note(self, text: str, style: str = "yellow") -> None:
        """Write a line of our own."""
        self.write(Text(text, style))

    def flush(self) -> None:
        """Write what is left of unfinished lines."""
        for node_id in list(self._open):
            if text := self._open.pop(node_id):
                self._spoken(node_id, text)

    def pause(self) -> None:
        """Let somebody else write."""
        self.flush()

    def go_on(self) -> None:
        """Write again."""

    def close(self) -> None:
        """Leave the console as it was found."""
        self.flush()

    def write(self, text: Text) -> None:
        """Write one line."""
        self.console.print(text, soft_wrap=True)

    # ---- inside

    @property
    def _room(self) -> int:
        """Columns for what is said, beside the name."""
        return max(20, min(self.console.width, 110) - _TIME - self._width - 3)

    def _show_session(self, event: str, data: dict[str, Any]) -> None:
        match event:
            case "execution:paused":
                reason = f": {printable(data['reason'])}" if data.get("reason") else ""
                self._line("paused", "", f"paused{reason}")
            case "execution:resumed":
                self._line("running", "", "resumed")
            case "execution:quiesced":
                self._line("paused", "", "quiet: nothing runs any more")
            case "execution:recovered":
                self._line("running", "", f"recovered after a crash: {', '.join(data['interrupted'])} runs again")
            case "execution:completed":
                self.flush()
                error = data.get("error")
                why = f": {printable(error['message'])}" if error else ""
                took = f"{duration(self.progress.elapsed)}, {self.progress.tokens} tokens"
                self._line(data["status"], "", f"{data['status']}{why} ({took})")
            case _:
                pass

    def _show_change(self, node: NodeProgress) -> None:
        if node.status == "pending" or (node.status == "running" and node.node_id in self._quiet):
            return
        if node.status != "running" and (rest := self._open.pop(node.node_id, "")):
            self._spoken(node.node_id, rest)
        taken_over = self.progress.reusing and node.status != "skipped"
        words = ["reused" if taken_over else _WORDS.get(node.status, node.status)]
        if node.round > 1:
            words.append(f"round {node.round}")
        if node.attempt > 1:
            words.append(f"attempt {node.attempt}")
        if node.ended is not None and node.seconds(node.ended) >= 0.05:
            words.append(duration(node.seconds(node.ended)))
        if node.status == "failed" and node.message:
            words.append(node.message)
        self._line(node.status, node.node_id, " · ".join(words))

    def _line(self, status: str, name: str, words: str) -> None:
        mark, style = _STYLES[status]
        line = Text()
        line.append(f"{duration(self.progress.elapsed):>{_TIME - 3}} ", "dim")
        line.append(f"{mark} ", style)
        line.append(f"{name:<{self._width}}  " if name else "", "bold")
        line.append(words, style if status in ("failed", "cancelled") or not name else "")
        self.write(line)

    def _spoken(self, node_id: str, text: str) -> None:
        colour = self._colours.setdefault(node_id, _COLOURS[len(self._colours) % len(_COLOURS)])
        line = Text(" " * _TIME)
        line.append(f"{node_id[: self._width]:>{self._width}} │ ", colour)
        line.append(text)
        self.write(line)

    def _indented(self, text: str, style: str) -> None:
        for line in textwrap.wrap(text, self._room) or [""]:
            self.write(Text(" " * (_TIME + self._width) + "   " + line, style))


def first_line(text: str, room: int) -> tuple[str, str] | None:
    """Return the first full line of `text` and the rest, None if it doesn't fill one of `room` columns."""
    end = text.find("\n", 0, room + 1)
    if end >= 0:
        return text[:end], text[end + 1 :]
    if len(text) <= room:
        return None
    cut = text.rfind(" ", 1, room + 1)
    return (text[:room], text[room:]) if cut < 0 else (text[:cut], text[cut + 1 :])
