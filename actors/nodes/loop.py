"""`loop`: sends its body round again, or leaves."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ..core.node import InlineType, Outcome, View
from ..core.workflow import Node


class LoopProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `loop`."""

    max_rounds: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    """Rounds at most."""
    until: str | None = None
    """An expression; true leaves the loop."""


class LoopType(InlineType):
    """The first successor goes round again, the second leaves: when `until` is true, or after `max_rounds`."""

    name = "loop"
    properties = LoopProperties
    arity = (2, 2)
    expressions = ("until",)

    def decide(self, view: View) -> Outcome:
        """Return which way to go.

        Raises:
            ExpressionError: `until` failed.
        """
        properties: LoopProperties = view.properties()
        rounds = view.laps + 1
        met = properties.until is not None and view.truth(properties.until)
        leaves = met or rounds >= properties.max_rounds
        target = view.node.next_ids[1 if leaves else 0]
        return Outcome({"rounds": rounds, "until_met": met}, taken=(target,))

    def stand_in(self, node: Node, output: Any) -> Outcome:
        """Return that the loop is left, whatever the output."""
        return Outcome(output, taken=(node.next_ids[1],))
