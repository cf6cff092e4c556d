"""Where a session's events go on this side of the screen: JSON lines, or progress for a person."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import BinaryIO

from rich.console import Console

from ..actors.core.events import Record
from .progress_lines import LineView
from .progress_live import LiveView
from .terminal import LineReader


class JsonLines:
    """Writes each event exactly as on the wire, one on a line, and notes to stderr."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def take(self, payload: bytes, record: Record) -> None:
        """Write an event."""
        self._stream.write(payload + b"\n")
        self._stream.flush()

    def note(self, text: str) -> None:
        """Write a line to stderr."""
        print(text, file=sys.stderr)

    def close(self) -> None:
        """Nothing to leave behind."""


class Screen:
    """Shows progress, and asks; what happens during a question is shown after it.

    Args:
        view: how progress is shown.
        reader: reads what a person types; None if nobody can.
    """

    def __init__(self, view: LineView, reader: LineReader | None = None) -> None:
        self._view = view
        self._reader = reader
        self._held: list[Record] | None = None

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""
        return self._reader is not None

    def take(self, payload: bytes, record: Record) -> None:
        """Show an event."""
        if self._held is None:
            self._view.show(record)
        else:
            self._held.append(record)

    def note(self, text: str) -> None:
        """Show a line that is no event."""
        self._view.note(text)

    tell = note

    async def ask(self, question: str) -> str:
        """Show a question and return the line that was typed.

        Raises:
            EOFError: nobody will answer.
        """
        assert self._reader is not None
        self._held = []
        self._view.pause()
        self._view.console.print(question, style="bold yellow", end="", markup=False, highlight=False)
        try:
            with self._reader:
                return await self._reader.line()
        finally:
            held, self._held = self._held, None
            self._view.go_on()
            for record in held:
                self._view.show(record)

    def close(self) -> None:
        """Leave the terminal as it was found."""
        self._view.close()


def open_screen(node_ids: Iterable[str], quiet: Iterable[str], *, ask: bool = True) -> Screen:
    """Return a screen on stderr: moving if that is a terminal; it can ask if stdin is one, too, and `ask` is set."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        return Screen(LineView(console, node_ids, quiet))
    reader = LineReader(sys.stdin.fileno()) if ask and sys.stdin.isatty() else None
    return Screen(LiveView(console, time.time, node_ids, quiet), reader)
