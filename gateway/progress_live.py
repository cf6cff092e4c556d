"""Progress in a terminal: lines that stay, and below them a region that moves while nodes run.

What agents say appears side by side as it comes; a node that is through leaves its text above, for good.
The region is drawn at most every 80 ms and never higher than the terminal, so that it doesn't flicker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..actors.core.events import Record
from .progress import NodeProgress, duration
from .progress_lines import LineView, first_line

FRAME_S: Final = 0.08
"""Seconds between two drawings."""
_LEAST_COLUMNS: Final = 36
"""Columns below which two texts side by side can't be read."""
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class LiveView(LineView):
    """A LineView with a moving region at its foot.

    Args:
        console: a terminal.
        now: the wall clock, in epoch seconds.
        node_ids: see LineView.
        quiet: see LineView.
    """

    def __init__(
        self, console: Console, now: Callable[[], float], node_ids: Iterable[str] = (), quiet: Iterable[str] = ()
    ) -> None:
        super().__init__(console, node_ids, quiet)
        self._now = now
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._live.start()
        self._animation = asyncio.get_running_loop().create_task(self._animate())

    def show(self, record: Record) -> None:
        """Take the next event."""
        super().show(record)
        if self.progress.result is not None:
            self.close()

    def say(self, node: NodeProgress, chunk: str) -> None:
        """Leave it to the moving region until the node is through."""
        self._open[node.node_id] = self._open.get(node.node_id, "") + chunk

    def flush(self) -> None:
        """Leave what was said above the region, for good."""
        for node_id in list(self._open):
            self._leave(node_id)

    def pause(self) -> None:
        """Take the region away, for somebody else to write."""
        self._animation.cancel()
        self._live.stop()

    def go_on(self) -> None:
        """Bring the region back."""
        self._live.start()
        self._animation = asyncio.get_running_loop().create_task(self._animate())

    def close(self) -> None:
        """Take the region away for good."""
        self.pause()
        super().close()

    def _spoken(self, node_id: str, text: str) -> None:
        """Wrap what a node said as a whole."""
        self._open[node_id] = text
        self._leave(node_id)

    def _leave(self, node_id: str) -> None:
        text = self._open.pop(node_id, "").strip()
        while split := first_line(text, self._room):
            line, text = split
            super()._spoken(node_id, line)
        if text:
            super()._spoken(node_id, text)

    # ---- the region

    async def _animate(self) -> None:
        while True:
            self._live.update(self.region(), refresh=True)
            await asyncio.sleep(FRAME_S)

    def region(self) -> RenderableType:
        """Return the region as it is now: a line for each node that runs or waits, and what they say."""
        active = list(self.progress.active())
        height = max(6, self.console.height - 2)
        most = max(2, height // 3)
        table = Table.grid(padding=(0, 2))
        for node in active[:most]:
            table.add_row(*self._row(node))
        if len(active) > most:
            table.add_row("", f"… and {len(active) - most} more", "", "")
        speaking = [node for node in active if node.text]
        return Group(self._texts(speaking, height - most - 1), table) if speaking else Group(table)

    def _row(self, node: NodeProgress) -> tuple[Text, Text, Text, Text]:
        now = self._now()
        waits = node.status == "suspended"
        mark = "?" if waits else _SPINNER[int(now / FRAME_S) % len(_SPINNER)]
        words = "waits" if waits else "paused" if self.progress.status == "paused" else "runs"
        if node.round > 1:
            words += f" · round {node.round}"
        if node.attempt > 1:
            words += f" · attempt {node.attempt}"
        share = "" if node.fraction is None else f"{node.fraction:.0%} "
        return (
            Text(f"  {mark}", "yellow" if waits else "cyan"),
            Text(node.node_id, "bold"),
            Text(words),
            Text(f"{duration(node.seconds(now))}  {share}{node.message}"),
        )

    def _texts(self, nodes: list[NodeProgress], height: int) -> RenderableType:
        """The end of what each says, side by side where they fit."""
        width = self.console.width
        fit = max(1, min(len(nodes), width // _LEAST_COLUMNS))
        shown, column = nodes[:fit], width // fit - 1
        panels = [
            Panel(_tail(node.text, column - 4, max(3, height - 2)), title=Text(node.node_id, "bold"), width=column)
            for node in shown
        ]
        return Columns(panels, padding=(0, 1, 0, 0))


def _tail(text: str, width: int, lines: int) -> Text:
    """The last lines of a text, wrapped."""
    console = Console(width=width, color_system=None)
    wrapped = Text(text[-width * lines * 2 :].lstrip()).wrap(console, width)
    return Text("\n").join(wrapped[-lines:])
