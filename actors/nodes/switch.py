"""`switch`: goes on to one of its successors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ..core.errors import Fault, InvalidInput, NodeError
from ..core.node import InlineType, Outcome, View
from ..core.properties import check_expression
from ..core.workflow import Node


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to go."""

    when: str
    """An expression that gives a boolean."""
    to: str
    """The successor to go on to if it is true."""


class SwitchProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `switch`."""

    cases: list[Case]
    """The ways to go; the first whose `when` is true is taken, later ones aren't evaluated."""
    default: str | None = None
    """The successor to go on to if no case is true; without it the node then fails with code `no_case`."""


class SwitchType(InlineType):
    """Takes exactly one successor; output `{to, case}`, where `case` counts from 0 and is null for the default."""

    name = "switch"
    properties = SwitchProperties
    arity = (1, None)
    expressions = ("cases",)

    def check(self, node: Node) -> Iterator[Fault]:
        """Yield cases that lead nowhere, and successors that none leads to."""
        if node.spec.on_error == "continue":
            yield Fault(".on_error", "a switch that failed has no way to continue; give it a default")
        properties = node.static
        if not isinstance(properties, SwitchProperties):
            yield Fault(".properties.default", "should be a successor's id, not an expression")
            return
        for index, case in enumerate(properties.cases):
            at = f".properties.cases[{index}]"
            yield from check_expression(case.when, f"{at}.when")
            if case.to not in node.next_ids:
                yield Fault(f"{at}.to", f"{case.to!r} isn't a successor")
        if properties.default is not None and properties.default not in node.next_ids:
            yield Fault(".properties.default", f"{properties.default!r} isn't a successor")
        ways = {properties.default, *(case.to for case in properties.cases)}
        for index, target in enumerate(node.next_ids):
            if target not in ways:
                yield Fault(f".next_ids[{index}]", f"no case leads to {target!r}")

    def decide(self, view: View) -> Outcome:
        """Return which way to go.

        Raises:
            ExpressionError: a `when` failed, or gave no boolean.
            NodeError: no case is true, and there is no default.
        """
        properties: SwitchProperties = view.properties()
        for index, case in enumerate(properties.cases):
            if view.truth(case.when):
                return Outcome({"to": case.to, "case": index}, taken=(case.to,))
        if properties.default is None:
            raise NodeError("no case is true, and there is no default", "no_case")
        return Outcome({"to": properties.default, "case": None}, taken=(properties.default,))

    def stand_in(self, node: Node, output: Any) -> Outcome:
        """Return the way that a person chose: `{to: <successor>}`.

        Raises:
            InvalidInput: the output names no successor.
        """
        target = output.get("to") if isinstance(output, dict) else None
        if target not in node.next_ids:
            ways = ", ".join(node.next_ids)
            raise InvalidInput([Fault("$.output.to", f"should name a successor: {ways}")], "the output")
        return Outcome(output, taken=(target,))
