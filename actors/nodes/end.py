"""`end`: collects a session's output."""

from __future__ import annotations

from typing import Any

import msgspec

from ..core.node import InlineType, Outcome, View


class EndProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `end`."""

    output: Any = None
    """The session's output; what came from upstream if absent."""


class EndType(InlineType):
    """Collects the session's output: its `output` map, else what came from upstream."""

    name = "end"
    properties = EndProperties
    arity = (0, 0)

    def decide(self, view: View) -> Outcome:
        """Return the output map, or what came from upstream."""
        properties: EndProperties = view.properties()
        if properties.output is not None:
            return Outcome(properties.output)
        return Outcome(view.passed_on())
