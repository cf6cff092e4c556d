"""Who may answer for a node that waits. Pure.

A name is what the log has as `by`: the id of a key, or the subject of a token. Who gives none is the program that
embeds the runtime, or a server that asks nobody who they are, and is trusted here as everywhere else.
"""

from __future__ import annotations

from typing import Final

import msgspec

from .errors import NotReviewer
from .events import HumanInteractionRequired


class Reviewers(msgspec.Struct, frozen=True):
    """Who may answer.

    Attributes:
        only: names of those who alone may; None if anybody may who isn't excluded.
        excluded: names of those who may not.
    """

    only: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()

    def check(self, node_id: str, by: str | None) -> None:
        """Refuse an answer by somebody who may not give it.

        Raises:
            NotReviewer: it says why.
        """
        if by is not None and (why := self.why_not(by)) is not None:
            raise NotReviewer(node_id, by, why)

    def may(self, by: str | None) -> bool:
        """Return whether `by` may answer."""
        return by is None or self.why_not(by) is None

    def why_not(self, name: str) -> str | None:
        """Return why somebody may not answer; None if they may."""
        if name in self.excluded:
            return "whoever created or started the session may not review it"
        if self.only is None or name in self.only:
            return None
        return f"its reviewers are {', '.join(map(repr, self.only))}" if self.only else "its reviewers are not known"


ANYBODY: Final = Reviewers()


def reviewers_of(asked: HumanInteractionRequired | None) -> Reviewers:
    """Return who may answer an open question."""
    return ANYBODY if asked is None else Reviewers(asked.reviewers, asked.excluded)
