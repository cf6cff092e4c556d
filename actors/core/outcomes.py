"""What a node type's own code gave the engine, looked at before it counts: what is stored must be read again. Pure.

Python doesn't hold anybody to a signature. A fact with a field of the wrong type would be written, and no log with it
be read; so it is a bug like any other, which is met before anything is stored.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from .events import Fact
from .node import Outcome
from .workflow import Node

_ENGINES: Final = ("execution:", "child:", "node_state_change", "node_resumed", "signal_received")
"""How the names of events begin that only the engine itself may state."""


def sound(node: Node, given: Any) -> Outcome:
    """Return what a node came to, if it can be that.

    Raises:
        TypeError, ValueError: it isn't an Outcome, goes on to no successor, or holds a fact that can't be stored.
    """
    if not isinstance(given, Outcome):
        raise TypeError(f"node type {node.spec.type!r} gave {type(given).__name__}, it should give an Outcome")
    if given.taken is not None:
        astray = [target for target in given.taken if target not in node.next_ids]
        if astray or (not given.taken and node.body):
            raise ValueError(f"node type {node.spec.type!r} goes on to {astray}, which are no successors of its node")
    for fact in given.facts:
        sound_fact(node, fact)
    return given


def sound_fact(node: Node, given: Any) -> Fact:
    """Return a fact that a node stated, if it is one that nodes may state, with fields of the right types.

    Raises:
        TypeError, msgspec.ValidationError: it isn't.
    """
    if not isinstance(given, Fact) or given.event.startswith(_ENGINES):
        raise TypeError(f"node type {node.spec.type!r} stated {type(given).__name__}, which is no fact of a node's")
    msgspec.json.decode(msgspec.json.encode(given), type=type(given))  # as it will be read: JSON has no infinity
    return given
