"""Records of a made-up session, with times that the test chooses."""

from __future__ import annotations

from typing import Any

from sessiond.actors.core.events import Record
from sessiond.actors.core.timestamps import stamp

BEGAN = 1_700_000_000.0


class Story:
    """Makes the next record; `at` is seconds from the beginning."""

    def __init__(self) -> None:
        self.seq = 0

    def tell(self, at: float, event: str, node_id: str | None = None, **data: Any) -> Record:
        self.seq += 1
        return Record(self.seq, "s", event, stamp(BEGAN + at), data, node_id)

    def change(self, at: float, node_id: str, status: str, round_: int = 1, attempt: int = 1, **more: Any) -> Record:
        return self.tell(at, "node_state_change", node_id, status=status, attempt=attempt, round=round_, **more)

    def token(self, at: float, node_id: str, chunk: str) -> Record:
        return self.tell(at, "token_stream", node_id, agent_id=node_id, chunk=chunk)

    def review(self, at: float, node_id: str, prompt: str = "Good?") -> Record:
        actions = ["approve", "reject", "modify"]
        return self.tell(at, "human_interaction_required", node_id, reason="", prompt=prompt, actions=actions)
