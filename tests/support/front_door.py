"""Sessions driven through the front door: over HTTP and a WebSocket, reviews and signals answered as they come up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from support.watching import contiguous

from sessiond.actors.core.detail import SessionDetail
from sessiond.actors.core.events import Record
from sessiond.gateway.client import Client

Step = Callable[[Client, str, str], Awaitable[object]]
"""What a person or a program does about one wait: given the client, the session's id and the node's."""
Script = Mapping[str, Sequence[Step]]
"""Steps by node id, one for each time that the node waits; a wait without a step is left to its timer."""

_WAITS = ("human_interaction_required", "signal_awaited")


def review(action: str, data: Any = None) -> Step:
    return lambda client, session_id, node_id: client.review(session_id, node_id, action, data)


def signal(name: str, payload: Any = None) -> Step:
    return lambda client, session_id, _: client.signal(session_id, payload, name=name)


def retry(**given: Any) -> Step:
    return lambda client, session_id, node_id: client.retry_node(session_id, node_id, **given)


def skip(output: Any = None) -> Step:
    return lambda client, session_id, node_id: client.skip_node(session_id, node_id, output)


def resume(output: Any = None) -> Step:
    return lambda client, session_id, node_id: client.resume_node(session_id, node_id, output)


def pause() -> Step:
    return lambda client, session_id, _: client.control(session_id, "pause")


def resume_session() -> Step:
    return lambda client, session_id, _: client.control(session_id, "resume")


class Ran(NamedTuple):
    """A session that has ended, and all its events."""

    records: list[Record]
    detail: SessionDetail

    @property
    def output(self) -> Any:
        return self.records[-1].data.get("output")

    @property
    def path(self) -> list[str]:
        """The nodes that completed, or failed, in that order; once for each round."""
        return [change.node_id or "" for change in self._changes("completed", "failed")]

    @property
    def failed(self) -> set[str]:
        return {change.node_id or "" for change in self._changes("failed")}

    def changes(self, node_id: str) -> list[tuple[str, int, int]]:
        """What became of a node, as status, round and attempt."""
        return [
            (record.data["status"], record.data["round"], record.data["attempt"])
            for record in self.records
            if record.event == "node_state_change" and record.node_id == node_id
        ]

    def _changes(self, *statuses: str) -> list[Record]:
        return [r for r in self.records if r.event == "node_state_change" and r.data["status"] in statuses]


async def drive(client: Client, session_id: str, script: Script | None = None) -> Ran:
    """Follow a session from its first event to its end; do what the script says about each wait."""
    steps = {node_id: list(given) for node_id, given in (script or {}).items()}
    records = []
    async for record in client.watch(session_id):
        records.append(record)
        node_id = record.node_id or ""
        if record.event in _WAITS and steps.get(node_id):
            await steps[node_id].pop(0)(client, session_id, node_id)
    contiguous(records)
    assert records[-1].event == "execution:completed"
    assert not any(steps.values()), f"never came up: {steps}"
    return Ran(records, await client.detail(session_id))
