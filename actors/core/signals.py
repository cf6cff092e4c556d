"""Signals: data from outside for a node that waits for it, now or later. Pure.

A signal is for a node, or for a name. For a name, the node gets it that has waited longest for that name;
one signal closes one wait. If nobody waits, it is kept in the session's state, in the order of arrival, and
the first node that begins to wait for it takes it at once. What is kept is bounded.
"""

from __future__ import annotations

from typing import Final

import msgspec

from .decision import Draft
from .errors import CommandRefused, NotFound, NotWaiting, SignalsFull
from .events import SignalReceived
from .lifecycle import allowed
from .messages import Signalled, SignalSession
from .node import Answer
from .state import SessionState
from .workflow import Node

MAX_SIGNALS: Final = 64
"""Signals that one session keeps at most."""
MAX_BYTES: Final = 1_048_576
"""Bytes of their payloads together."""


def signal_session(draft: Draft, command: SignalSession) -> None:
    """Deliver a signal, or keep it.

    Raises:
        NotFound: there is no such node.
        NotWaiting: the node is none that waits for signals, or won't wait any more.
        CommandRefused: the session has ended.
        SignalsFull: it can't be kept.
    """
    state = draft.state
    assert (command.name is None) != (command.node_id is None), "a signal is for a node or for a name"
    if state.terminal:
        raise CommandRefused("signal", state.status, allowed(state.status))
    receiver = _receiver(draft, command)
    if receiver is not None:
        answer = Answer("signal", msgspec.json.decode(command.payload), command.by)
        draft.advance(draft.close(receiver, answer))
    else:
        _check_room(state, command)
        draft.record(SignalReceived(command.payload, command.name, command.node_id))
    draft.reply = Signalled(state.session_id, receiver.id if receiver else None, state.seq)


def _receiver(draft: Draft, command: SignalSession) -> Node | None:
    """The node whose wait the signal closes, None if it comes early."""
    state, nodes = draft.state, draft.workflow.nodes
    if command.node_id is None:
        waiting = [n for n in state.nodes if state.nodes[n].signal == command.name]
        return nodes[min(waiting, key=lambda n: state.nodes[n].started_at or "")] if waiting else None
    node = nodes.get(command.node_id)
    if node is None:
        raise NotFound("node", command.node_id)
    present = state.node(node.id)
    if present.signal is not None:
        return node
    through = present.status in ("completed", "failed", "skipped") and not node.loops
    if not node.type.signalled or through:
        raise NotWaiting(node.id, present.status)
    return None


def _check_room(state: SessionState, command: SignalSession) -> None:
    if len(state.signals) >= MAX_SIGNALS:
        raise SignalsFull(state.session_id, f"{MAX_SIGNALS}")
    if sum(len(bytes(kept.payload)) for kept in state.signals) + len(bytes(command.payload)) > MAX_BYTES:
        raise SignalsFull(state.session_id, f"{MAX_BYTES} bytes")
