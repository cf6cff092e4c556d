"""A dict that keeps the values that were used last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class Recent(Generic[K, V]):
    """The values that were used last, `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def get(self, key: K, default: D) -> V | D:
        """Return a value, without using it."""
        return self._values.get(key, default)

    def use(self, key: K, value: V) -> None:
        """Put a value behind all others; the first one goes if there are too many."""
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self._most:
            del self._values[next(iter(self._values))]

    def of(self, key: K, make: Callable[[], V]) -> V:
        """Return a value, made if it isn't there, and use it."""
        value = self._values[key] if key in self._values else make()
        self.use(key, value)
        return value

    def discard(self, key: K) -> None:
        """Drop a key, if it is there."""
        self._values.pop(key, None)

    def forget(self, gone: Callable[[K], bool]) -> None:
        """Drop the keys for which `gone` is true."""
        self._values = {key: value for key, value in self._values.items() if not gone(key)}
