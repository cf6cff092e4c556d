"""A session whose log is trimmed: it talks, asks a person, and talks again; and what a watcher makes of its events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
from support.graphs import graph, registry

from sessiond import NodeRegistry, Runtime, Session
from sessiond.actors.core.errors import LogTrimmed
from sessiond.actors.core.events import Record
from sessiond.actors.core.reset import StreamReset

WORDS = 120
LIMIT = 40
TALKS = graph(
    {
        "t": {"type": "talks", "next_ids": ["r"]},
        "r": {"type": "human_review", "next_ids": ["u"], "properties": {"prompt": "?"}},
        "u": {"type": "talks", "next_ids": ["b"]},
        "b": [],
    },
    workflow_id="talks",
)
LOOP = graph(
    {
        "t": {"type": "talks", "next_ids": ["l"]},
        "l": {"type": "loop", "next_ids": ["t", "r"], "properties": {"max_rounds": 2}},
        "r": {"type": "human_review", "properties": {"prompt": "?"}},
    },
    workflow_id="loop",
)


def talkers(made: NodeRegistry | None = None) -> NodeRegistry:
    types = made or registry()

    @types.node("talks")
    async def talks(context: Any) -> Any:
        for number in range(WORDS):
            await context.emit(f"{number} ")
            if number % 4 == 0:
                await context.stored()
        return {"node": context.node_id, "round": context.round, "attempt": context.attempt}

    return types


async def asks(session: Session, after: int = 0) -> None:
    """Until it asks: a watcher who was overtaken by a trim finds that in the snapshot of its reset."""
    async for record in session.events(after):
        if record.event == "human_interaction_required":
            return
        if isinstance(record, StreamReset) and record.snapshot.nodes["r"].status == "suspended":
            return
    raise AssertionError("the session ended without a question")


async def trimmed(runtime: Runtime, session_id: str) -> int:
    """Where the log of a session begins, once it was trimmed: it needs a snapshot, and nobody waits for those."""
    while True:
        try:
            await runtime.events(session_id)
        except LogTrimmed as error:
            return error.first_seq
        await asyncio.sleep(0)


def folded(snapshot: dict[str, Any], events: Iterable[Record]) -> dict[str, Any]:
    """What a client knows of a session, from a snapshot and the events after it: no code of the engine's."""
    known = {"status": snapshot["status"], "seq": snapshot["seq"], "output": snapshot["output"]}
    nodes = {node_id: _shown(node) for node_id, node in snapshot["nodes"].items()}
    for event in events:
        assert event.seq == known["seq"] + 1
        known["seq"] = event.seq
        match event.event:
            case "node_state_change":
                nodes[event.node_id or ""] = _shown(event.data)
            case "execution:paused":
                known["status"] = "paused"
            case "execution:resumed" | "execution:started":
                known["status"] = "running"
            case "execution:completed":
                known |= {"status": event.data["status"], "output": event.data.get("output")}
    return {**known, "nodes": nodes}


def plain(detail: Any) -> dict[str, Any]:
    """A detail as a client gets it."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(detail))
    return found


def _shown(node: dict[str, Any]) -> tuple[Any, ...]:
    output = node.get("output") if node["status"] == "completed" else None
    return (node["status"], node["attempt"], node["round"], output)
