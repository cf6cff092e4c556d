"""What a session's log must look like: an independent check of every event at the moment when it is stored.

It knows nothing of the engine: the rules below are those of the wire contract and of the design's promises, written
down a second time and as plainly as possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sessiond.actors.core.segment import Segment, payloads

STATUS_EVENTS: Final = {
    "execution:started": ({"pending"}, "running"),
    "execution:paused": ({"running"}, "paused"),
    "execution:resumed": ({"paused"}, "running"),
}
NODE_MOVES: Final = {
    "pending": {"running", "skipped"},
    "running": {"running", "suspended", "completed", "failed"},
    "suspended": {"running", "suspended", "completed", "failed"},
    "completed": set[str](),
    "failed": {"running"},
    "skipped": set[str](),
}
END_OF: Final = {
    "completed": {"running"},
    "failed": {"running", "paused"},
    "cancelled": {"pending", "running", "paused"},
}
WAITS: Final = {"human_interaction_required": "person", "signal_awaited": "signal", "timer:set": "timer"}
_decode = msgspec.json.Decoder().decode


class Broken(AssertionError):
    """A promise was broken."""


class NodeModel:
    """One node, in its present round."""

    __slots__ = ("attempt", "chunks", "output", "round", "status", "taken", "timed", "wait")

    def __init__(self, round_: int = 1) -> None:
        self.status = "pending"
        self.round = round_
        self.attempt = 0
        self.taken: list[str] | None = None
        self.wait: str | None = None
        self.timed = False
        self.chunks = 0
        self.output: Any = None


class Journal:
    """The stored log of one session, and what it says so far.

    Attributes:
        frames: the payload of each event.
        authors: which process stored each event.
        commands: names of commands that caused something.
        nodes: what the log says of each node.
    """

    def __init__(self, session_id: str, definition: Mapping[str, Any]) -> None:
        self.session_id = session_id
        self.graph: dict[str, Any] = definition["nodes"]
        self.start: str = definition["start_node_id"]
        self.frames: list[bytes] = []
        self.segments: list[Segment] = []
        self.authors: list[int] = []
        self.events: list[dict[str, Any]] = []
        self.status = ""
        self.quiesced = False
        self.commands: set[str] = set()
        self.nodes = {node_id: NodeModel() for node_id in self.graph}
        self._incoming: dict[str, list[str]] = {node_id: [] for node_id in self.graph}
        for node_id, spec in self.graph.items():
            for target in spec["next_ids"][1 if spec["type"] == "loop" else 0 :]:
                self._incoming[target].append(node_id)
        self._bodies = {n: self._body(n) for n, spec in self.graph.items() if spec["type"] == "loop"}

    @property
    def seq(self) -> int:
        """The last stored seq."""
        return len(self.frames)

    @property
    def ended(self) -> bool:
        """Whether the terminal event is stored."""
        return self.status in END_OF

    def refuse(self, why: str) -> None:
        """Raise: a promise was broken here."""
        raise Broken(f"session {self.session_id} at seq {self.seq}: {why}")

    def append(self, segment: Segment, author: int) -> None:
        """Take a segment that was stored by process `author`."""
        if segment.first_seq != self.seq + 1:
            self.refuse(f"a segment begins with {segment.first_seq}")
        self.segments.append(segment)
        found = [bytes(payload) for payload in payloads(segment.data)]
        events = [_decode(payload) for payload in found]
        ends = bool(events) and events[-1]["event"] == "execution:completed"
        for frame, event in zip(found, events, strict=True):
            self.frames.append(frame)
            self.authors.append(author)
            self.events.append(event)
            self._take(event, ends)
        if segment.last_seq != self.seq:
            self.refuse(f"a segment says that it ends with {segment.last_seq}")

    def _take(self, event: dict[str, Any], ends: bool) -> None:
        if event["seq"] != self.seq or event["session_id"] != self.session_id:
            self.refuse(f"holds an event of {event['session_id']!r} with seq {event['seq']}")
        if self.ended:
            self.refuse(f"{event['event']} follows the terminal event")
        if (named := event.get("command_id")) is not None:
            if named in self.commands:
                self.refuse(f"the command {named} was carried out twice")
            self.commands.add(named)
        name, data = event["event"], event.get("data") or {}
        if (name == "execution:created") != (self.seq == 1):
            self.refuse(f"{name} stands at seq {self.seq}")
        if name in STATUS_EVENTS:
            sources, status = STATUS_EVENTS[name]
            if self.status not in sources:
                self.refuse(f"{name} in status {self.status!r}")
            self.status, self.quiesced = status, False
        elif name == "execution:created":
            self.status = data["status"]
        elif name == "execution:quiesced":
            if self.status != "paused" or self.quiesced:
                self.refuse(f"quiesced in status {self.status!r}")
            self.quiesced = True
        elif name == "execution:completed":
            self._end(data)
        elif name == "execution:recovered":
            running = {n for n, node in self.nodes.items() if node.status == "running"}
            if set(data["interrupted"]) != running:
                self.refuse(f"recovered says {data['interrupted']}, running were {sorted(running)}")
        elif "node_id" in event:
            self._of_node(event, self.nodes[event["node_id"]], ends)

    def _end(self, data: dict[str, Any]) -> None:
        if self.status not in END_OF[data["status"]]:
            self.refuse(f"{data['status']} follows {self.status!r}")
        left = [n for n, node in self.nodes.items() if node.status in ("running", "suspended")]
        if left:
            self.refuse(f"ends while {left} aren't through")
        self.status = data["status"]

    def _of_node(self, event: dict[str, Any], node: NodeModel, ends: bool) -> None:
        name, data = event["event"], event.get("data") or {}
        if name == "node_state_change":
            self._move(event["node_id"], node, data, ends)
        elif name in WAITS:
            if node.status != "suspended":
                self.refuse(f"{name} of {event['node_id']}, which is {node.status}")
            node.wait = WAITS[name]
            node.timed = name == "timer:set" or "timeout_s" in data
        elif name == "node_resumed":
            if node.status != "suspended" or node.wait is None:
                self.refuse(f"{event['node_id']} is resumed, but waits for nothing")
            node.wait = None
        elif name == "token_stream" and node.status != "running":
            self.refuse(f"{event['node_id']} talks, but is {node.status}")
        elif name == "token_stream" and data["chunk"].startswith("#"):
            if data["chunk"] != f"#{node.round}.{node.attempt}.{node.chunks}":
                self.refuse(f"{data['chunk']} of {event['node_id']} isn't its next chunk, {node.chunks}")
            node.chunks += 1
        elif name == "error" and data["attempt"] != node.attempt:
            self.refuse(f"attempt {data['attempt']} of {event['node_id']} failed, {node.attempt} is the present one")

    def _move(self, node_id: str, node: NodeModel, data: dict[str, Any], ends: bool) -> None:
        status = data["status"]
        if status not in NODE_MOVES[node.status]:
            self.refuse(f"{node_id} goes from {node.status} to {status}")
        if data["round"] != node.round:
            self.refuse(f"{node_id} is in round {node.round}, the event says {data['round']}")
        if data["attempt"] != node.attempt + (status == "running"):
            self.refuse(f"attempt {data['attempt']} of {node_id} is {status} after attempt {node.attempt}")
        if status == "running" and self.status != "running":
            self.refuse(f"{node_id} starts while the session is {self.status}")
        if status == "skipped" and self.status != "running" and not ends:
            self.refuse(f"{node_id} is skipped while the session is {self.status}")
        if node.status == "pending" and not ends:
            self._check_join(node_id, status)
        node.status, node.attempt, node.taken = status, data["attempt"], data.get("taken")
        if status == "running":
            node.wait, node.chunks = None, 0
        if status == "completed":
            node.output = data.get("output")
            body = self._bodies.get(node_id)
            if body and node.taken and node.taken[0] == self.graph[node_id]["next_ids"][0]:
                for member in body:
                    self.nodes[member] = NodeModel(self.nodes[member].round + 1)

    def _check_join(self, node_id: str, status: str) -> None:
        """A node starts when its join is met, and is skipped when it can't be met any more."""
        if node_id == self.start:
            return
        edges = [self._edge(source, node_id) for source in self._incoming[node_id]]
        taken, still_open = edges.count("taken"), edges.count("open")
        join = self.graph[node_id].get("join", "all")
        needed = 1 if join in ("all", "any") else join["at_least"]
        met = taken >= needed and not (join == "all" and still_open)
        possible = taken + still_open >= needed
        if (status == "running" and not met) or (status == "skipped" and possible):
            self.refuse(f"{node_id} is {status}; its edges are {edges}, its join is {join}")

    def _edge(self, source: str, target: str) -> str:
        node = self.nodes[source]
        if node.status in ("completed", "failed") and (node.taken is None or target in node.taken):
            return "taken"
        return "dead" if node.status in ("completed", "failed", "skipped") else "open"

    def _body(self, loop: str) -> set[str]:
        """The nodes between where a loop goes back to and the loop itself."""
        down = self._reach(self.graph[loop]["next_ids"][0], lambda n: self.graph[n]["next_ids"][self._first(n) :])
        return down & self._reach(loop, lambda n: self._incoming[n])

    def _first(self, node_id: str) -> int:
        return 1 if self.graph[node_id]["type"] == "loop" else 0

    @staticmethod
    def _reach(begin: str, follow: Any) -> set[str]:
        seen, todo = {begin}, [begin]
        while todo:
            fresh = [n for n in follow(todo.pop()) if n not in seen]
            seen.update(fresh)
            todo += fresh
        return seen
