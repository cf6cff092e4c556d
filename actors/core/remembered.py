"""What was made of texts, remembered for those used last: bounded by their characters, which is what memory goes by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

V = TypeVar("V")

EACH: Final = 64
"""Characters that a text counts for beside its own."""


class Remembered(Generic[V]):
    """A function of a text that is called once for each, as long as that is remembered. For use by several threads.

    Args:
        make: the function; what it raises isn't remembered.
        most: characters of all texts together, each with EACH on top.
    """

    def __init__(self, make: Callable[[str], V], most: int) -> None:
        self._make = make
        self._most = most
        self._made: OrderedDict[str, V] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._made)

    def __call__(self, text: str) -> V:
        """Return what is made of `text`."""
        with self._lock:
            if text in self._made:
                self._made.move_to_end(text)
                return self._made[text]
        made = self._make(text)  # without the lock: it may take long
        with self._lock:
            if text not in self._made:
                self._characters += len(text) + EACH
            self._made[text] = made
            while self._characters > self._most:
                oldest, _ = self._made.popitem(last=False)
                self._characters -= len(oldest) + EACH
        return made
