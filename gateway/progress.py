"""How a session goes, folded from its events for a person to look at. Pure: no terminal, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ..actors.core.events import Record
from ..actors.core.timestamps import epoch

MAX_TEXT: Final = 65_536
"""Characters that are kept of what one agent said in one attempt: the newest."""

_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class NodeProgress(msgspec.Struct):
    """One node, in its present round; times in epoch seconds.

    Attributes:
        text: what it streamed in this attempt.
        message: what it last reported, or why it failed.
    """

    node_id: str
    status: str = "pending"
    attempt: int = 0
    round: int = 1
    started: float | None = None
    ended: float | None = None
    text: str = ""
    message: str = ""
    fraction: float | None = None

    def seconds(self, now: float) -> float:
        """Return how long it took, or takes so far."""
        if self.started is None:
            return 0.0
        return max(0.0, (self.ended if self.ended is not None else now) - self.started)


class Progress:
    """A session as its events tell it.

    Attributes:
        status: of the session.
        seq: of the last event.
        nodes: those that did anything yet, in the order they did.
        tokens: chunks streamed so far.
        reviews: what is asked of a person now, by node: the data of `human_interaction_required`.
        began: epoch seconds of the first event.
        now: epoch seconds of the last event.
        result: the data of the terminal event.
        reusing: whether what changes is what a fork takes over; nothing of it ran.
    """

    def __init__(self) -> None:
        self.status = "pending"
        self.seq = 0
        self.nodes: dict[str, NodeProgress] = {}
        self.tokens = 0
        self.reviews: dict[str, dict[str, Any]] = {}
        self.began: float | None = None
        self.now = 0.0
        self.result: dict[str, Any] | None = None
        self.reusing = False

    def apply(self, record: Record) -> None:
        """Take the next event; ones it doesn't know change nothing but `seq`."""
        data = record.data or {}
        self.seq = record.seq
        self.now = epoch(record.timestamp)
        if self.began is None:
            self.began = self.now
        match record.event:
            case "stream:reset":
                self._begin_from(data["snapshot"])
            case "execution:created":
                self.reusing = "forked_from" in data
            case "execution:started" | "execution:resumed":
                self.status, self.reusing = "running", False
            case "execution:paused":
                self.status = "paused"
            case "execution:completed":
                self.status = data["status"]
                self.result = data
                self.reviews.clear()
            case _ if record.node_id is not None:
                self._apply_to_node(self._node(record.node_id), record.event, data)
            case _:
                pass

    def _begin_from(self, snapshot: dict[str, Any]) -> None:
        """Take a snapshot in place of events that aren't kept any more."""
        self.status = snapshot["status"]
        self.nodes.clear()
        self.reviews.clear()
        for node_id, known in snapshot["nodes"].items():
            if known["status"] == "pending" and known["round"] == 1:
                continue
            node = self._node(node_id)
            node.status, node.attempt, node.round = known["status"], known["attempt"], known["round"]
            node.started = epoch(known["started_at"]) if known["started_at"] else None
            node.ended = epoch(known["ended_at"]) if known["ended_at"] else None
            if "wait" in known:
                self.reviews[node_id] = known["wait"]

    def active(self) -> Iterable[NodeProgress]:
        """Yield the nodes that run or wait."""
        return (node for node in self.nodes.values() if node.status in ("running", "suspended"))

    @property
    def elapsed(self) -> float:
        """Seconds from the first event to the last."""
        return 0.0 if self.began is None else self.now - self.began

    def _node(self, node_id: str) -> NodeProgress:
        return self.nodes.setdefault(node_id, NodeProgress(node_id))

    def _apply_to_node(self, node: NodeProgress, event: str, data: dict[str, Any]) -> None:
        match event:
            case "node_state_change":
                self._change(node, data)
            case "token_stream":
                self.tokens += 1
                node.text = (node.text + printable(data["chunk"]))[-MAX_TEXT:]
            case "progress":
                node.message = printable(data.get("message") or "")
                node.fraction = data.get("fraction")
            case "human_interaction_required":
                self.reviews[node.node_id] = data
            case "node_resumed":
                self.reviews.pop(node.node_id, None)
            case _:
                pass

    def _change(self, node: NodeProgress, data: dict[str, Any]) -> None:
        if data["status"] == "running":
            node.started, node.ended, node.text, node.message, node.fraction = self.now, None, "", "", None
        elif data["status"] not in ("suspended", "pending"):
            node.ended = self.now
        node.status, node.attempt, node.round = data["status"], data["attempt"], data["round"]
        if error := data.get("error"):
            node.message = printable(error["message"])


def printable(text: str) -> str:
    """Return `text` without what would steer a terminal: escape sequences and control characters."""
    plain = _ESCAPES.sub("", text)
    return "".join(c for c in plain if c in "\n\t\u200d" or unicodedata.category(c) not in ("Cc", "Cf"))


def duration(seconds: float) -> str:
    """Return seconds as a person would say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
