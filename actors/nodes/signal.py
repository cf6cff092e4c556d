"""`signal`: waits for data from outside."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..core.errors import Fault, InvalidInput, NodeError
from ..core.events import Fact, SignalAwaited
from ..core.node import Answer, Outcome, View, WaitingType
from .seconds import SomeSeconds


class SignalProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `signal`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    """The signal's name; senders use it, or the node's id."""
    timeout_s: SomeSeconds | None = None
    """How long to wait, counted while the session isn't paused; then the node fails with code `timeout`."""


class SignalType(WaitingType):
    """Suspends until its signal comes, or takes one that came before; the output is the signal's payload."""

    name = "signal"
    properties = SignalProperties
    signalled = True

    def open(self, view: View) -> Fact:
        """Return what is waited for."""
        properties: SignalProperties = view.properties()
        return SignalAwaited(properties.name, properties.timeout_s)

    def answer(self, view: View, opened: Fact | None, answer: Answer) -> Outcome:
        """Return the payload as the output.

        Raises:
            InvalidInput: it is the answer to a review.
            NodeError: the time is over.
        """
        match answer.action:
            case "signal" | "resume":
                return Outcome(answer.data)
            case "timer":
                properties: SignalProperties = view.properties()
                raise NodeError(f"no signal {properties.name!r} within {properties.timeout_s} s", "timeout")
            case _:
                fault = Fault("$.action", f"{answer.action!r} isn't offered by a node that waits for a signal")
                raise InvalidInput([fault], "the answer")
