"""`parallel`: starts all its successors side by side, and says so."""

from __future__ import annotations

from ..core.events import ParallelStart
from ..core.node import InlineType, NoProperties, Outcome, View


class ParallelType(InlineType):
    """Starts its successors side by side; passes on what came from upstream."""

    name = "parallel"
    properties = NoProperties
    arity = (1, None)

    def decide(self, view: View) -> Outcome:
        """Return what came from upstream, announcing the branches."""
        return Outcome(view.passed_on(), facts=(ParallelStart(view.node.next_ids),))
