"""Which fault meets which operation: drawn from the seed, a few kinds for each seed.

A seed that has everything at once finds less than many that have little: each kind is left out of about half of
them (A. Groce et al., "Swarm Testing", ISSTA 2012).
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .process import Process

KINDS: Final = ("before", "lost", "away", "full", "crash", "split", "restart", "skew", "poison", "busy")


class Faults:
    """Faults of one seed.

    Attributes:
        kinds: which kinds it has at all.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        calm = random.random() < 0.1
        self.kinds = frozenset() if calm else frozenset(kind for kind in KINDS if random.random() < 0.45)
        self._rate = random.choice([0.02, 0.1, 0.3])
        self._pages = random.choice([[1], [1, 400, 131_072], [131_072]])
        self._crash_at = self._draw_crashes()
        self._operations = 0
        self._away_until = 0
        self.healed = False

    def _draw_crashes(self) -> dict[int, str]:
        """At which operations on the store a process crashes, and on which side of them."""
        if "crash" not in self.kinds:
            return {}
        random = self._random
        reach = random.choice([8, 30, 100])
        return {random.randint(1, reach): random.choice(["crash", "crash after"]) for _ in range(random.randint(1, 3))}

    def draw(self, process: Process, operation: str) -> str | None:
        """Return what goes wrong with an operation of a process on the store."""
        if self.healed:
            return None
        self._operations += 1
        number, random = self._operations, self._random
        if number in self._crash_at and process.alive and process.runtime is not None:
            return self._crash_at[number]
        if number < self._away_until:
            return "full" if "full" in self.kinds and number % 2 else "away"
        if random.random() >= self._rate:
            return None
        kind = random.choice(("before", "lost", "away", "full"))
        if kind not in self.kinds or (kind == "full" and operation != "commit"):
            return None
        if kind == "away":
            self._away_until = number + random.randint(2, 12)
        return kind

    def page(self) -> int:
        """Bytes that the store returns at most this time."""
        return self._random.choice(self._pages)

    def others_write(self) -> bool:
        """Whether somebody else writes to the store just now, so that a commit would have to wait."""
        return "busy" in self.kinds and not self.healed and self._random.random() < self._rate

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self.healed = True
