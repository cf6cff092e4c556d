"""When a failed attempt is repeated, and after how long: pure."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta

_SPAN: Final = 2.0**64


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often and how soon a failed attempt of a task node is repeated.

    Attributes:
        max_attempts: attempts in one round of the node, the first and those that a crash cut short included.
        initial_s: seconds before the second attempt.
        factor: by how much each further wait is longer.
        max_s: seconds that no wait exceeds, unless the node itself asks for more.
        jitter: 0 to 1, the share of each wait that chance may take away.
        on: the failure codes to repeat on; any if absent. A failure for good is never repeated.
    """

    max_attempts: Annotated[int, Meta(ge=1, le=1_000)] = 3
    initial_s: Annotated[float, Meta(ge=0)] = 1.0
    factor: Annotated[float, Meta(ge=1)] = 2.0
    max_s: Annotated[float, Meta(ge=0)] = 60.0
    jitter: Annotated[float, Meta(ge=0, le=1)] = 0.1
    on: tuple[str, ...] | None = None

    def allows(self, attempt: int, code: str) -> bool:
        """Return whether an attempt, 1 for the first, that failed with `code` is followed by another."""
        return attempt < self.max_attempts and (self.on is None or code in self.on)

    def wait(self, attempt: int, chance: float, retry_after: float | None = None) -> float:
        """Return the seconds between the failure of an attempt and the next one.

        Exponential backoff whose jitter only shortens, so that waits spread at the cap too (M. Brooker,
        "Exponential Backoff And Jitter", AWS Architecture Blog, 2015; `jitter` 1 is its full jitter).

        Args:
            attempt: the one that failed, from 1.
            chance: 0 to 1.
            retry_after: seconds that the failure itself asks for, in place of what is computed here.
        """
        if retry_after is not None and math.isfinite(retry_after) and retry_after >= 0:
            return retry_after
        try:
            grown = self.initial_s * self.factor ** (attempt - 1)
        except OverflowError:
            grown = self.max_s if self.initial_s else 0.0
        return min(grown, self.max_s) * (1.0 - self.jitter * chance)


def chance_of(session_id: str, node_id: str, round_: int, attempt: int) -> float:
    """Return a number from 0 to 1, the same for the same attempt: a decision made again comes out the same."""
    digest = hashlib.sha256(f"{session_id}/{node_id}/{round_}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _SPAN
