"""`vote`: tallies ballots."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import Annotated, Any, Final

import msgspec

from ..core.errors import NodeError
from ..core.node import InlineType, Outcome, View

APPROVE, REJECT = "approve", "reject"
MAX_NAMED: Final = 20
"""Options that are named to whoever voted for none of them."""


class VoteProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `vote`."""

    ballots: str
    """An expression that gives the list of ballots, each the text of an option; true is `approve`, false `reject`."""
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """The share of the ballots that the first option must exceed to be approved; 1 asks for all of them."""
    options: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = (APPROVE, REJECT)
    """What may be voted for; the first is the motion."""

    def __post_init__(self) -> None:
        if len(set(self.options)) != len(self.options):
            raise ValueError("`options` names one twice")


class VoteType(InlineType):
    """Counts the ballots; output `{approved, ratio, counts, winner}`.

    `ratio` is the share of all ballots that the first option has, 0 if there are none. It is approved if that
    exceeds the threshold, so that a tie at the default of 0.5 is not approved, or if all are for it. `winner`
    is the option with the most ballots, null if several have as many.
    """

    name = "vote"
    properties = VoteProperties
    expressions = ("ballots",)

    def decide(self, view: View) -> Outcome:
        """Return the tally.

        Raises:
            ExpressionError: `ballots` failed.
            NodeError: it gave no list (code `ballots`), or one is for no option (code `unknown_option`).
        """
        properties: VoteProperties = view.properties()
        ballots = view.value(properties.ballots)
        if not isinstance(ballots, list):
            raise NodeError(f"the ballots are {_kind(ballots)}, not a list", "ballots")
        counts = dict.fromkeys(properties.options, 0)
        for index, ballot in enumerate(ballots):
            counts[_option(ballot, index, counts)] += 1
        motion = counts[properties.options[0]]
        ratio = motion / len(ballots) if ballots else 0.0
        approved = ratio > properties.threshold or (motion > 0 and motion == len(ballots))
        return Outcome({"approved": approved, "ratio": ratio, "counts": counts, "winner": _winner(counts)})


def _option(ballot: Any, index: int, options: Collection[str]) -> str:
    if isinstance(ballot, bool):
        ballot = APPROVE if ballot else REJECT
    if not isinstance(ballot, str):
        raise NodeError(f"ballot {index} is {_kind(ballot)}, not the text of an option", "unknown_option")
    if ballot not in options:
        known = ", ".join(islice(options, MAX_NAMED)) + (", …" if len(options) > MAX_NAMED else "")
        raise NodeError(f"ballot {index} is for {ballot[:60]!r}; the options are {known}", "unknown_option")
    return ballot


def _winner(counts: dict[str, int]) -> str | None:
    most = max(counts.values())
    leading = [option for option, count in counts.items() if count == most]
    return leading[0] if len(leading) == 1 else None


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case dict():
            return "a map"
        case _:
            return "a list"
