"""`human_review`: waits for a person to approve, reject or modify."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from ..core.errors import Fault, InvalidInput, NodeError
from ..core.events import Fact, HumanInteractionRequired
from ..core.node import Answer, Outcome, View, WaitingType
from ..core.reviewers import Reviewers
from ..core.schema import check_against
from .seconds import SomeSeconds

ReviewAction: TypeAlias = Literal["approve", "reject", "modify"]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class HumanReviewProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `human_review`."""

    prompt: str
    """What the reviewer is asked."""
    schema: dict[str, Any] | None = None
    """A JSON Schema that the answer's data must fit."""
    actions: tuple[ReviewAction, ...] = ("approve", "reject", "modify")
    """What the reviewer may do."""
    timeout_s: SomeSeconds | None = None
    """How long to wait, counted while the session isn't paused."""
    on_timeout: Literal["fail", "approve", "reject"] = "fail"
    """What happens then: the node fails with code `timeout`, or goes on as if a reviewer had answered so."""
    reviewers: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)] | None = None
    """Who alone may answer: ids of keys (`key:…`), or subjects of tokens; anybody who may steer sessions if absent."""
    four_eyes: bool = False
    """Whether whoever created or started the session may not answer."""


class HumanReviewType(WaitingType):
    """Suspends until a person answers.

    `reject` fails the node, unless a successor is a `switch`, `loop` or `vote`, which then goes by `output.action`.
    """

    name = "human_review"
    properties = HumanReviewProperties
    schemas = ("schema",)

    def open(self, view: View) -> Fact:
        """Return the question."""
        properties: HumanReviewProperties = view.properties()
        reviewers = _reviewers(view, properties)
        return HumanInteractionRequired(
            reason=f"node {view.node.id!r} needs a review",
            prompt=properties.prompt,
            actions=properties.actions,
            schema=properties.schema,
            timeout_s=properties.timeout_s,
            on_timeout=None if properties.timeout_s is None else properties.on_timeout,
            reviewers=reviewers.only,
            excluded=reviewers.excluded,
        )

    def reviewers(self, view: View) -> Reviewers:
        """Return who may answer; if that can't be told any more, nobody may who says a name."""
        try:
            properties: HumanReviewProperties = view.properties()
        except NodeError:
            given = view.node.spec.properties
            excluded = view.initiators() if given.get("four_eyes", False) is not False else ()
            return Reviewers(() if given.get("reviewers") is not None else None, excluded)
        return _reviewers(view, properties)

    def answer(self, view: View, opened: Fact | None, answer: Answer) -> Outcome:
        """Return the reviewer's answer as output `{action, data, reviewer}`.

        Raises:
            InvalidInput: the action isn't offered, or the data doesn't fit the schema.
            NodeError: rejected, and nothing routes that; or nobody answered in time.
        """
        if answer.action == "resume":
            return Outcome(answer.data)
        assert isinstance(opened, HumanInteractionRequired)
        if answer.action == "timer":
            return _timed_out(view, opened)
        if answer.action not in opened.actions:
            offered = ", ".join(opened.actions)
            raise InvalidInput(
                [Fault("$.action", f"{answer.action!r} isn't offered; offered: {offered}")], "the review"
            )
        if answer.action == "modify" and answer.data is None:
            raise InvalidInput([Fault("$.data", "'modify' needs data")], "the review")
        if opened.schema is not None and answer.data is not None:
            check_against(opened.schema, answer.data, "$.data", "the review")
        if answer.action == "reject" and not view.routed:
            raise NodeError(f"rejected by {answer.by or 'the reviewer'}", "rejected")
        return Outcome({"action": answer.action, "data": answer.data, "reviewer": answer.by})


def _reviewers(view: View, properties: HumanReviewProperties) -> Reviewers:
    return Reviewers(properties.reviewers, view.initiators() if properties.four_eyes else ())


def _timed_out(view: View, opened: HumanInteractionRequired) -> Outcome:
    late = f"no review within {opened.timeout_s} s"
    match opened.on_timeout:
        case "approve":
            return Outcome({"action": "approve", "data": None, "reviewer": None})
        case "reject" if view.routed:
            return Outcome({"action": "reject", "data": None, "reviewer": None})
        case "reject":
            raise NodeError(f"rejected: {late}", "rejected")
        case _:
            raise NodeError(late, "timeout")
