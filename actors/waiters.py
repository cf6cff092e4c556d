"""Whoever waits for a session to end, or to be quiet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .core.detail import SessionDetail
from .dispatch.future import Deferred


class Waiters:
    """Promises that one session made; most sessions have none."""

    __slots__ = ("_ended", "_quiet")

    def __init__(self) -> None:
        self._ended: dict[object, Deferred[SessionDetail]] = {}
        self._quiet: dict[object, Deferred[None]] = {}

    def __bool__(self) -> bool:
        return bool(self._ended or self._quiet)

    def ended(self, question: object) -> Deferred[SessionDetail]:
        """Promise the detail of the session once it has ended."""
        promise = self._ended[question] = Deferred[SessionDetail]()
        return promise

    def quiet(self, question: object) -> Deferred[None]:
        """Promise to tell when nothing of the session works."""
        promise = self._quiet[question] = Deferred[None]()
        return promise

    def forget(self, question: object) -> None:
        """Whoever asked this has left."""
        self._ended.pop(question, None)
        self._quiet.pop(question, None)

    def is_quiet(self) -> None:
        """Nothing works any more."""
        promises, self._quiet = self._quiet, {}
        for promise in promises.values():
            promise.set()

    def has_ended(self, describe: Callable[[], SessionDetail]) -> None:
        """The session has ended, and all of it is stored."""
        self.is_quiet()
        promises, self._ended = self._ended, {}
        for promise in promises.values():
            promise.set(describe())

    def refuse(self, error: Exception) -> None:
        """The session is lost to this process."""
        promises: list[Deferred[Any]] = [*self._ended.values(), *self._quiet.values()]
        for promise in promises:
            promise.set_exception(error)
        self._ended, self._quiet = {}, {}
