"""How much a session's nodes may put out together: it is in memory as long as the session is, and told as its output.

Each output is bounded by itself (`json`), but a graph of some kilobytes may have a thousand nodes that all put out
their input.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec import UNSET, Raw, UnsetType

from .errors import NodeError
from .events import Failure
from .state import SessionState

MAX_HELD: Final = 67_108_864
"""Bytes of the outputs of a session's nodes together."""
MAX_RESULT: Final = 8_388_608
"""Bytes of a session's own output: it is one event, and one message to each watcher."""
_LARGE: Final = 65_536
"""Bytes of an output; of smaller ones, as many as there may be nodes are within MAX_HELD."""


def check_room(state: SessionState, node_id: str, output: Raw) -> None:
    """Make sure that a node's output can be held beside those of the others.

    Raises:
        NodeError: it can't.
    """
    size = bytes_of(output)
    if size <= _LARGE:
        return
    total = size + sum(bytes_of(other.output) for other_id, other in state.nodes.items() if other_id != node_id)
    if total > MAX_HELD:
        why = f"the outputs of the session's nodes would have {total} bytes, the limit is {MAX_HELD}"
        raise NodeError(why, "outputs_too_large")


def too_much(outputs: Collection[Raw | UnsetType]) -> Failure | None:
    """Return why these can't be a session's output together; None if they can."""
    size = sum(map(bytes_of, outputs))
    if size <= MAX_RESULT:
        return None
    why = f"the outputs of its {len(outputs)} ends have {size} bytes together, the limit is {MAX_RESULT}"
    return Failure("output_too_large", why)


def bytes_of(output: Raw | UnsetType) -> int:
    """Return how large an output is."""
    return 0 if output is UNSET else memoryview(output).nbytes
