"""A store whose next commits fail as the test says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sessiond.actors.core.errors import StoreError, StoreUnavailable, Unavailable
from sessiond.actors.core.ports import Batch, Store

Fault = Literal["before", "after"]


class Unreliable:
    """A real store, and faults in front of it.

    Attributes:
        faults: for the next commits: it fails before it is applied, or is applied and the answer lost.
    """

    def __init__(self, store: Store, faults: list[Fault]) -> None:
        self._store = store
        self.faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        """Commit, unless a fault is due."""
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            return [StoreUnavailable("as told") for _ in batches]
        answers = self._store.commit(batches)
        return [StoreUnavailable("as told") for _ in batches] if fault == "after" else answers
