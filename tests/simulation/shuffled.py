"""A queue of which any element may come next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Shuffled(deque[T]):
    """A deque whose `popleft` takes one of the first few elements, by chance.

    Args:
        chance: gives numbers from 0 to 1.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        super().__init__()
        self._chance = chance

    def popleft(self) -> T:
        """Take an element."""
        count = min(len(self), 4)
        if count > 1:
            self.rotate(-int(self._chance() * count))
        return super().popleft()
