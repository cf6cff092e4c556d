"""What must hold when a seed has come to its end."""

from __future__ import annotations

from collections.abc import Iterable

from sessiond.actors.restore import state_of

from .clients import Watcher
from .journal import Broken
from .world import World


def check_end(world: World, watchers: Iterable[Watcher]) -> None:
    """Hold what is stored, and what watchers saw, against the checked logs.

    Raises:
        Broken: they differ.
    """
    for watcher in watchers:
        journal = world.journal(watcher.session_id)
        if journal is not None and watcher.seen != journal.seq:
            raise Broken(f"a watcher of {watcher.session_id} saw {watcher.seen} of {journal.seq} events")
    for session_id, journal in world.shared.journals.items():
        stored = world.shared.memory.load(session_id)
        assert stored is not None
        workflow, folded = world.folded(session_id, journal.seq)
        if state_of(workflow, stored) != folded:
            raise Broken(f"snapshot and rest of {session_id} aren't the fold of its log")
        if (stored.row.status, stored.row.seq) != (folded.status, folded.seq):
            raise Broken(f"the row of {session_id} says {stored.row.status} at {stored.row.seq}")
        world.check_kept(session_id)
        _check_outputs(world, session_id)


def _check_outputs(world: World, session_id: str) -> None:
    """What a node completed with is what that attempt of it returned, or what a person put in its place."""
    filled = set[str]()
    for event in world.shared.journals[session_id].events:
        node_id: str = event.get("node_id", "")
        if event["event"] == "node_resumed":
            filled.add(node_id)
        if event["event"] != "node_state_change":
            continue
        data = event["data"]
        if data["status"] == "running":
            filled.discard(node_id)
        spec = world.definitions[session_id]["nodes"][node_id]
        if data["status"] == "completed" and spec["type"] == "work" and node_id not in filled:
            body = world.bodies.get((session_id, node_id, data["round"], data["attempt"]))
            if body is None or body.returned != data["output"]:
                raise Broken(f"{node_id} of {session_id} completed with {data['output']}, which it didn't return")
