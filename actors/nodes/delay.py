"""`delay`: a durable timer, frozen while the session is paused."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..events import Fact, TimerSet
from ..node import Answer, Outcome, View, WaitingType


class DelayProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `delay`."""

    seconds: Annotated[float, msgspec.Meta(ge=0)]
    """How long to wait, counted while the session isn't paused."""


class DelayType(WaitingType):
    """Suspends for `seconds`; survives a crash, and stands still while the session is paused."""

    name = "delay"
    properties = DelayProperties

    def open(self, view: View) -> Fact:
        """Return the timer that was set."""
        properties: DelayProperties = view.properties()
        return TimerSet(properties.seconds)

    def answer(self, view: View, opened: Fact | None, answer: Answer) -> Outcome:
        """Return how the delay ended: by its timer, or cut short by a person."""
        if answer.action == "timer":
            return Outcome({"ended_by": "timer"})
        return Outcome(answer.data if answer.data is not None else {"ended_by": answer.by or "resume"})
