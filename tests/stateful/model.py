"""What one session should be, in a page: the model that the real thing is compared with.

The workflow: `a`, then side by side a review `r` and a task `h`, then a signal `w`, then a task `b` whose failure
asks a person.
"""

from __future__ import annotations

from typing import Any, Final

BEFORE: Final = {"a": (), "r": ("a",), "h": ("a",), "w": ("r", "h"), "b": ("w",)}
TASKS: Final = ("a", "h", "b")
NEXT: Final = {"a": ["r", "h"], "r": ["w"], "h": ["w"], "w": ["b"], "b": []}
KINDS: Final[dict[str, dict[str, Any]]] = {
    "a": {"type": "held"},
    "h": {"type": "held"},
    "b": {"type": "held", "on_error": "suspend"},
    "r": {"type": "human_review", "properties": {"prompt": "?"}},
    "w": {"type": "signal", "properties": {"name": "go"}},
}
DEFINITION: Final = {
    "workflow_id": "model",
    "start_node_id": "a",
    "nodes": {node: {**KINDS[node], "next_ids": NEXT[node]} for node in BEFORE},
}
MOVES: Final = {
    "pending": {"start": "running", "cancel": "cancelled"},
    "running": {"start": "running", "pause": "paused", "stop": "failed", "cancel": "cancelled"},
    "paused": {"pause": "paused", "resume": "running", "stop": "failed", "cancel": "cancelled"},
    "cancelled": {"cancel": "cancelled"},
}
"""What a control command makes of a status; what isn't here is refused."""


class Model:
    """One session.

    Attributes:
        status: of the session.
        nodes: the status of each node.
        attempts: how many attempts each node has had.
        live: tasks whose code runs in the present process.
        signals: how many came before anybody waited.
    """

    def __init__(self) -> None:
        self.status = "pending"
        self.nodes = dict.fromkeys(BEFORE, "pending")
        self.attempts = dict.fromkeys(BEFORE, 0)
        self.live: set[str] = set()
        self.signals = 0

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")

    def control(self, action: str) -> bool | None:
        """Apply a control command; return whether it changed anything, None if it is refused."""
        after = MOVES.get(self.status, {}).get(action)
        if after is None:
            return None
        before, self.status = self.status, after
        if after == before:
            return False
        if action == "resume":
            self._restart()
        if after == "running":
            self._advance()
        elif self.ended:
            self._end()
        return True

    def crash(self) -> None:
        """The process is gone, and another one has taken over."""
        self.live.clear()
        if self.status == "running":
            self._restart()

    def close(self, node: str) -> None:
        """A node has completed, for whatever reason."""
        self.nodes[node] = "completed"
        self.live.discard(node)
        self._advance()

    def fail(self, node: str) -> None:
        """A node has failed."""
        self.live.discard(node)
        if node == "b":
            self.nodes[node] = "suspended"
        else:
            self.nodes[node] = "failed"
            self.status = "failed"
            self._end()

    def retry(self, node: str) -> None:
        """A person has a failed node run again."""
        self._begin(node)

    def signal(self) -> bool:
        """A signal comes; return whether somebody waited for it."""
        if self.nodes["w"] == "suspended":
            self.close("w")
            return True
        self.signals += 1
        return False

    def _restart(self) -> None:
        for node, status in self.nodes.items():
            if status == "running" and node not in self.live:
                self._begin(node)

    def _begin(self, node: str) -> None:
        self.attempts[node] += 1
        if node in TASKS:
            self.nodes[node] = "running"
            self.live.add(node)
        elif node == "w" and self.signals:
            self.signals -= 1
            self.nodes[node] = "completed"
        else:
            self.nodes[node] = "suspended"

    def _advance(self) -> None:
        for node, before in BEFORE.items():
            ready = all(self.nodes[source] == "completed" for source in before)
            if self.status == "running" and self.nodes[node] == "pending" and ready:
                self._begin(node)
        if self.status == "running" and set(self.nodes.values()) == {"completed"}:
            self.status = "completed"

    def _end(self) -> None:
        self.live.clear()
        for node, status in self.nodes.items():
            if status in ("running", "suspended"):
                self.nodes[node] = "failed"
            elif status == "pending":
                self.nodes[node] = "skipped"
