"""`start`: where a session enters its graph."""

from __future__ import annotations

from typing import Any

import msgspec

from ..core.node import InlineType, Outcome, View


class StartProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `start`."""

    output: dict[str, Any] | None = None
    """What the node puts out; the session's input if absent."""


class StartType(InlineType):
    """Enters the graph; puts out the session's input, or its `output` map."""

    name = "start"
    properties = StartProperties
    arity = (0, None)

    def decide(self, view: View) -> Outcome:
        """Return the output map, or the input."""
        properties: StartProperties = view.properties()
        return Outcome(view.raw_input() if properties.output is None else properties.output)
