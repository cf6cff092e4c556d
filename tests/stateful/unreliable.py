"""A store whose next commits fail as the test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from sessiond.actors.core.errors import StoreError, StoreUnavailable, Unavailable
from sessiond.actors.core.ports import Batch, Store

Fault = Literal["before", "after"]
Answers: TypeAlias = list[StoreError | Unavailable | None] | None


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
        answers = self._faulty(self._store.commit, batches)
        assert answers is not None
        return answers

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        """Commit on the loop, unless a fault is due."""
        return self._faulty(self._store.commit_at_once, batches)

    def _faulty(self, commit: Callable[[Sequence[Batch]], Answers], batches: Sequence[Batch]) -> Answers:
        fault = self._due()
        away: Answers = [StoreUnavailable("as told") for _ in batches]
        if fault == "before":
            return away
        answers = commit(batches)
        if fault is None:
            return answers
        if answers is None:
            self.faults.append(fault)
            return None
        return away

    def _due(self) -> Fault | None:
        # Two processes share the faults, and each commits on a thread of its own: look and take are one step.
        try:
            return self.faults.pop()
        except IndexError:
            return None
