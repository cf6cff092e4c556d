"""What the outside sees of a session."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .events import Failure, ForkedFrom, HumanInteractionRequired
from .lifecycle import NodeStatus, Status
from .state import SessionState
from .workflow import Workflow


class NodeDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """One node, in its present round; `wait` is what it asks of a person, while it does."""

    status: NodeStatus
    attempt: int
    round: int
    started_at: str | None
    ended_at: str | None
    output: Raw | UnsetType = UNSET
    error: Failure | None = None
    wait: HumanInteractionRequired | UnsetType = UNSET


class SessionDetail(msgspec.Struct, frozen=True):
    """A session, whole. `in_flight` names running nodes that aren't parked."""

    session_id: str
    workflow_id: str
    workflow_version: str
    status: Status
    in_flight: tuple[str, ...]
    quiesced: bool
    input: Raw
    output: Raw
    error: Failure | None
    nodes: dict[str, NodeDetail]
    labels: dict[str, str]
    context: Raw
    parent_id: str | None
    seq: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    updated_at: str
    forked_from: ForkedFrom | None = None


def describe(workflow: Workflow, state: SessionState, alive: Collection[str]) -> SessionDetail:
    """Return the detail of a session whose nodes in `alive` have a live executor."""
    nodes = {}
    for node_id in workflow.nodes:
        node = state.node(node_id)
        output = node.output if node.status == "completed" else UNSET
        nodes[node_id] = NodeDetail(
            node.status,
            node.attempt,
            node.round,
            node.started_at,
            node.ended_at,
            output,
            node.error,
            UNSET if node.opened is None else node.opened,
        )
    return SessionDetail(
        session_id=state.session_id,
        workflow_id=state.workflow_id,
        workflow_version=state.workflow_version,
        status=state.status,
        in_flight=tuple(alive),
        quiesced=state.quiesced,
        input=state.input,
        output=Raw(b"null") if state.output is UNSET else state.output,
        error=state.error,
        nodes=nodes,
        labels=state.labels,
        context=state.context,
        parent_id=state.parent_id,
        seq=state.seq,
        created_at=state.created_at,
        started_at=state.started_at,
        ended_at=state.ended_at,
        updated_at=state.updated_at,
        forked_from=state.forked_from,
    )
