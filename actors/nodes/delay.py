"""`delay`: a durable timer that doesn't go off while the session is paused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from ..core.events import Fact, TimerSet
from ..core.node import Answer, Outcome, View, WaitingType
from .seconds import Seconds


class DelayProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `delay`: exactly one of the two."""

    seconds: Seconds | None = None
    """How long to wait, counted while the session isn't paused."""
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """When to go on, RFC 3339 with its offset; at once if that is past, at the resume if paused then."""

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.until is None):
            raise ValueError("should have either `seconds` or `until`")


class DelayType(WaitingType):
    """Suspends for `seconds`, which stand still while the session is paused, or `until` a time; survives a crash."""

    name = "delay"
    properties = DelayProperties

    def open(self, view: View) -> Fact:
        """Return the timer that was set."""
        properties: DelayProperties = view.properties()
        if properties.until is None:
            return TimerSet(properties.seconds or 0.0)
        until = properties.until.timestamp()
        return TimerSet(max(0.0, until - view.now()), until)

    def answer(self, view: View, opened: Fact | None, answer: Answer) -> Outcome:
        """Return how the delay ended: by its timer, or cut short by a person."""
        if answer.action == "timer":
            return Outcome({"ended_by": "timer"})
        return Outcome(answer.data if answer.data is not None else {"ended_by": answer.by or "resume"})
