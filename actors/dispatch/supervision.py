"""What happens when an actor ends, what its parent learns of it, and how often a parent lets a child fail."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections import deque
from typing import Any

from pykka import ActorDeadError, ActorRef

from .mailbox import STOPPED, Asked, Control, Mailbox

__all__ = ["ChildFailed", "RestartBudget", "end", "fail"]

logger = logging.getLogger(__name__)


class ChildFailed(Control):
    """A child failed and has stopped; sent to its parent, on the control lane, after ``on_failure``."""

    __slots__ = ("error", "ref")
    __match_args__ = ("ref", "error")

    def __init__(self, ref: ActorRef[Any], error: BaseException) -> None:
        self.ref = ref
        self.error = error

    def __repr__(self) -> str:
        return f"ChildFailed({self.ref}, {self.error!r})"


class RestartBudget:
    """At most so many restarts within a period; a parent that runs out escalates by failing itself.

    Args:
        restarts: allowed restarts.
        period_s: within so many seconds.
    """

    __slots__ = ("_period", "_times")

    def __init__(self, restarts: int, period_s: float) -> None:
        if restarts < 1 or period_s <= 0:
            raise ValueError(f"a budget needs restarts and a period, not {restarts} in {period_s} s")
        self._times: deque[float] = deque(maxlen=restarts)
        self._period = period_s

    def untouched(self, now: float) -> bool:
        """Return whether nothing of it counts any more at time ``now``: it is as good as a new one."""
        return not self._times or now - self._times[-1] >= self._period

    def spend(self, now: float) -> bool:
        """Take one restart at time ``now`` (monotonic seconds); return whether there was one left."""
        times = self._times
        if len(times) == times.maxlen and now - times[0] < self._period:
            return False
        times.append(now)
        return True


def end(box: Mailbox[Any]) -> None:
    """Stop an actor now: ``on_stop`` runs, what waits is refused. What the hook raises is logged."""
    actor = box.actor
    if actor is None or box.state == STOPPED:
        return
    box.state = STOPPED
    box.directory.pop(box, None)
    try:
        actor.on_stop()
    except BaseException:
        logger.exception("on_stop of %s failed", box)
    box.close()


def fail(box: Mailbox[Any], asked: Asked | None, error: BaseException) -> None:
    """Deal with what a handler raised.

    The asker gets an ``Exception``; everything else ends this one actor.
    """
    if asked is not None and not asked.told:
        if isinstance(error, Exception):
            logger.debug("exception returned from %s to its asker", box, exc_info=error)
            asked.reject(error)
            return
        # The asker must not die of it: not its SystemExit, not its cancellation.
        too_late = ActorDeadError(f"{box} was ended by {error!r} while it handled the message")
        too_late.__cause__ = error
        asked.reject(too_late)
    if isinstance(error, CancelledError) and box.killed():
        return
    actor = box.actor
    if actor is None or box.state == STOPPED:
        logger.error("unhandled exception in %s, which has stopped", box, exc_info=error)
        return
    logger.error("unhandled exception in %s", box, exc_info=error)
    box.state = STOPPED
    box.directory.pop(box, None)
    try:
        actor.on_failure(type(error), error, error.__traceback__)
    except BaseException:
        logger.exception("on_failure of %s failed", box)
    box.close()
    _tell_parent(box, error)


def _tell_parent(box: Mailbox[Any], error: BaseException) -> None:
    if box.parent is not None:
        try:
            box.parent.tell(ChildFailed(box, error))
        except ActorDeadError:
            logger.debug("the parent of %s is gone", box)
