"""The timers of one session, set on the loop from what its state says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from .core.events import Failure
from .core.messages import Abort, Command, FireTimer
from .core.state import SessionState
from .core.timestamps import epoch


class Alarms:
    """Timers under way; each tells its session a command when it runs out."""

    __slots__ = ("_handles", "_tell")

    def __init__(self, tell: Callable[[Command], None]) -> None:
        self._tell = tell
        self._handles: list[asyncio.TimerHandle] | None = None

    def set(self, state: SessionState, now: float) -> None:
        """Replace all timers by those that `state` asks for at `now` (epoch seconds)."""
        self.clear()
        loop = asyncio.get_running_loop()
        handles = [loop.call_later(max(0.0, due - now), self._tell, command) for due, command in timers(state)]
        self._handles = handles or None

    def clear(self) -> None:
        """Stop all timers."""
        for handle in self._handles or ():
            handle.cancel()
        self._handles = None


def timers(state: SessionState) -> Iterator[tuple[float, Command]]:
    """Yield when (epoch seconds) which command is due; nothing while the session doesn't run."""
    if state.status != "running":
        return
    for node_id, node in state.nodes.items():
        if node.timer is not None and node.timer.since is not None:
            yield node.timer.since + node.timer.left, FireTimer(node_id, node.round, node.attempt)
    if state.deadline_s is not None and state.started_at is not None:
        late = Failure("deadline", f"the session didn't end within its {state.deadline_s} s")
        yield epoch(state.started_at) + state.deadline_s, Abort(late)
