"""Releases: the effects of decisions, which wait for their commits, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from .core.decision import Decision
from .core.errors import StoreError
from .core.segment import Segment
from .dispatch.future import Deferred


class Releasing(Protocol):
    """Whoever has effects released: the session actor."""

    def release(self, release: Release) -> None:
        """Carry out the effects of a stored decision."""
        ...

    def lose(self, release: Release, error: StoreError) -> None:
        """A decision will never be stored."""
        ...


class Release(msgspec.Struct, gc=False):
    """The effects of one decision; a Ticket of its commit. Without a segment it only answers, in its turn.

    Attributes:
        decision: what was decided, if anything was; chunks of text are stored without.
        opens: whether it resumes the session, so that parked attempts may go on.
    """

    session: Releasing
    segment: Segment | None
    reply: Deferred[Any] | None = None
    answer: Any = None
    decision: Decision | None = None
    opens: bool = False

    def settled(self, error: StoreError | None) -> None:
        """The commit is stored (`error` is None), or never will be."""
        if error is None:
            self.session.release(self)
        else:
            self.session.lose(self, error)

    def answered(self) -> None:
        """Give the asker the answer."""
        if self.reply is not None:
            self.reply.set(self.answer)


class Releases:
    """The releases of one session whose commits are under way; most sessions have none."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: deque[Release] | None = None

    def __bool__(self) -> bool:
        return self._queue is not None

    def append(self, release: Release) -> None:
        """Queue a release whose commit is submitted."""
        if self._queue is None:
            self._queue = deque()
        self._queue.append(release)

    def answer(self, session: Releasing, answer: Any) -> Any:
        """Return the answer, or a promise of it behind the commits under way: what isn't durable isn't told."""
        if self._queue is None:
            return answer
        reply = Deferred[Any]()
        self._queue.append(Release(session, None, reply, answer))
        return reply

    def take(self, release: Release) -> None:
        """Take the first release, which must be this one."""
        assert self._queue, "a release comes while nothing is under way"
        assert self._queue[0] is release, "releases come in the order of their commits"
        self._queue.popleft()

    def give_answers(self) -> None:
        """Give the answers whose turn it is, up to the next commit."""
        queue = self._queue
        while queue and queue[0].segment is None:
            queue.popleft().answered()
        if not queue:
            self._queue = None

    def starting(self) -> Iterator[str]:
        """Yield the nodes that start as soon as their commits are stored."""
        for release in self._queue or ():
            if release.decision is not None:
                yield from (start.node_id for start in release.decision.starts)

    @property
    def opening(self) -> bool:
        """Whether a resume is under way: until it is stored, the session is still paused."""
        return self._queue is not None and any(release.opens for release in self._queue)

    def refuse(self, error: Exception) -> None:
        """Tell every asker that the answer won't come; only commits under way are left."""
        queue = self._queue or ()
        for release in queue:
            if release.reply is not None:
                release.reply.set_exception(error)
                release.reply = None
        self._queue = deque(release for release in queue if release.segment is not None) or None

    @property
    def committing(self) -> bool:
        """Whether any commit is under way."""
        return any(release.segment is not None for release in self._queue or ())
