"""Every error that sessiond raises, in one tree; `code` is stable and goes over the wire.

SessiondError
├── InvalidInput            a request that can't be right; carries every fault with its path
│   └── InvalidWorkflow
├── NotFound                session, workflow or node unknown
├── Conflict                right in itself, but not now
│   ├── CommandRefused      the lifecycle forbids it; names what is allowed
│   ├── SessionExists       the id is taken by another request
│   ├── NotWaiting          the node waits for nothing (any more)
│   ├── NotBegun            the node hasn't run, so nothing can be forked from it
│   ├── LogTrimmed          the events that are asked for aren't kept any more
│   │   └── ForkTrimmed     so nothing can be forked from there
│   ├── LogDiffers          from what somebody says to have seen of it
│   └── SignalsFull         too many signals are kept that nobody waits for
├── Forbidden               it is known who asks, and that one may not
│   └── NotReviewer         a review is for others to answer
├── Unavailable             try again later; carries retry_after seconds
│   ├── OutcomeUnknown      the commit is still under way: the command may yet take effect
│   ├── StoreUnavailable
│   ├── StoreFull
│   ├── Overloaded          a bound on queued work; MailboxFull is one
│   ├── SessionFailed       a bug inside; the session is being recovered
│   └── Draining
├── StoreError              the store can't be used as it is
│   ├── Fenced              another owner took the shard
│   ├── PositionConflict    the log is not where its owner left it
│   ├── CorruptLog
│   ├── Quarantined         one session can't be trusted, and is left as it is
│   ├── FutureVersion       written by a newer sessiond
│   ├── UnsafeStore         its settings may lose acknowledged data, and that was ruled out
│   └── StoreBroken         an I/O error after which nothing may be assumed
└── NodeError               a node attempt failed; `code` says how
    ├── TerminalError       … for good: no retry
    │   └── ExpressionError
    │       └── ExpressionCost
    └── Stopped             raised inside a node whose session was stopped
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with an input: where (a path into it) and what would be right."""

    path: str
    message: str


class SessiondError(Exception):
    """The root of all errors raised on purpose."""

    code: ClassVar[str] = "internal"

    @property
    def detail(self) -> str:
        """One sentence for a person."""
        return str(self)


class InvalidInput(SessiondError):
    """The input breaks its contract; `faults` names each breach with its path."""

    code = "invalid"

    def __init__(self, faults: list[Fault], what: str = "the input") -> None:
        self.faults = faults
        count = len(faults)
        first = f"{faults[0].path}: {faults[0].message}" if faults else ""
        more = f" (and {count - 1} more)" if count > 1 else ""
        super().__init__(f"{what} is invalid: {first}{more}")


class InvalidWorkflow(InvalidInput):
    """The workflow definition can't be run; all faults at once."""

    code = "invalid_workflow"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults, "the workflow")


class NotFound(SessiondError):
    """There is no such session, workflow or node, or not for this caller."""

    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"there is no {kind} {name!r}")


class Conflict(SessiondError):
    """The request is well-formed but the present state doesn't allow it."""

    code = "conflict"


class CommandRefused(Conflict):
    """The session's status doesn't allow the command; `allowed` lists those it does."""

    code = "refused"

    def __init__(self, action: str, status: str, allowed: tuple[str, ...]) -> None:
        self.action = action
        self.status = status
        self.allowed = allowed
        can = ", ".join(allowed) if allowed else "nothing any more"
        super().__init__(f"can't {action} a session that is {status}; allowed: {can}")


class SessionExists(Conflict):
    """A session with this id was created by a different request."""

    code = "session_exists"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"session {session_id!r} exists and was created by another request")


class NotWaiting(Conflict):
    """The node has no open wait: never had, or somebody answered before."""

    code = "not_waiting"

    def __init__(self, node_id: str, status: str) -> None:
        self.node_id = node_id
        super().__init__(f"node {node_id!r} is {status}: it waits for no answer")


class NotBegun(Conflict):
    """The node never ran in this session: a fork from there would be a fork of the present."""

    code = "not_begun"

    def __init__(self, node_id: str, status: str) -> None:
        self.node_id = node_id
        super().__init__(f"node {node_id!r} is {status} and never began: there is nothing to go back to")


class LogTrimmed(Conflict):
    """The log was trimmed: it begins with `first_seq`, and what comes before is in a snapshot only."""

    code = "log_trimmed"

    def __init__(self, session_id: str, first_seq: int, message: str | None = None) -> None:
        self.session_id = session_id
        self.first_seq = first_seq
        super().__init__(message or f"the log of session {session_id!r} was trimmed: it begins at seq {first_seq}")


class LogDiffers(Conflict):
    """The log doesn't hold an event that somebody says to have seen: the store lost it, or it is another session's."""

    code = "log_differs"

    def __init__(self, session_id: str, seq: int) -> None:
        super().__init__(f"the log of session {session_id!r} doesn't hold the event {seq} that was seen")


class ForkTrimmed(LogTrimmed):
    """What the fork needs was trimmed; `first_seq` is the first possible `after_seq`, 0 if there is none yet."""

    code = "fork_trimmed"

    def __init__(self, session_id: str, first_seq: int) -> None:
        can = (
            f"it can be forked after seq {first_seq} at the earliest"
            if first_seq
            else ("how its loops entered their rounds is not known any more, so it can't be forked")
        )
        super().__init__(session_id, first_seq, f"the log of session {session_id!r} was trimmed: {can}")


class SignalsFull(Conflict):
    """The session keeps as many early signals as it may: one must be consumed before the next is kept."""

    code = "signals_full"

    def __init__(self, session_id: str, limit: str) -> None:
        super().__init__(f"session {session_id!r} keeps {limit} of signals that nobody waits for yet")


class Forbidden(SessiondError):
    """It is known who asks, and that one may not do this."""

    code = "forbidden"


class NotReviewer(Forbidden):
    """The review is for others to answer; it stays open."""

    code = "not_reviewer"

    def __init__(self, node_id: str, by: str, why: str) -> None:
        self.node_id = node_id
        super().__init__(f"{by!r} may not answer for node {node_id!r}: {why}")


class Unavailable(SessiondError):
    """The request may succeed later; nothing of it was applied (but see OutcomeUnknown).

    Attributes:
        retry_after: seconds after which a retry makes sense.
    """

    code = "unavailable"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class OutcomeUnknown(Unavailable):
    """The command was accepted and its commit is under way, but the answer's time is up.

    It takes effect when the store is back, in its order, unless the process ends before. To repeat it is safe where
    that is refused or answered alike: a create with the same id and request, a pause of what is paused.
    """

    code = "unknown_outcome"

    def __init__(self, session_id: str, waited_s: float) -> None:
        self.session_id = session_id
        super().__init__(
            f"the store hasn't confirmed the command to session {session_id!r} in {waited_s:g} s; it may still take "
            "effect: look at the session before repeating it",
            retry_after=5.0,
        )


class StoreUnavailable(Unavailable):
    """The store doesn't answer; whether the last write arrived may be unknown."""

    code = "store_unavailable"


class StoreFull(Unavailable):
    """The store refuses writes for want of space."""

    code = "store_full"


class Overloaded(Unavailable):
    """A bound on queued work was reached."""

    code = "overloaded"


class SessionFailed(Unavailable):
    """The session met a bug inside; it is being recovered from its log."""

    code = "session_failed"


class Draining(Unavailable):
    """The process is shutting down and takes no new work."""

    code = "draining"


class StoreError(SessiondError):
    """The store can't be used as it is; a retry won't help."""

    code = "store_error"


class Fenced(StoreError):
    """Another owner took the shard; this one must never write again."""

    code = "fenced"

    def __init__(self, shard: int) -> None:
        self.shard = shard
        super().__init__(f"shard {shard} has another owner")


class PositionConflict(StoreError):
    """A session's log doesn't end where its owner left it."""

    code = "position_conflict"

    def __init__(self, session_id: str, expected: int, found: int) -> None:
        self.session_id = session_id
        self.expected = expected
        self.found = found
        super().__init__(f"the log of {session_id!r} ends at seq {found}, its owner left it at {expected}")


class CorruptLog(StoreError):
    """A stored log or snapshot can't be read back."""

    code = "corrupt_log"


class Quarantined(StoreError):
    """One session's log can't be read, or isn't what was published; it is left as it is, and runs no more.

    Args:
        session_id: which.
        cause: what is wrong with it.
    """

    code = "quarantined"

    def __init__(self, session_id: str, cause: SessiondError) -> None:
        self.session_id = session_id
        self.cause = cause
        super().__init__(f"session {session_id!r} is quarantined and left as it is: {cause.code}: {cause}")


class FutureVersion(StoreError):
    """The store was written by a newer version, and is left untouched."""

    code = "future_version"


class UnsafeStore(StoreError):
    """The store's settings may lose acknowledged data, and the runtime was told to refuse that.

    Args:
        reasons: a sentence for each setting.
    """

    code = "unsafe_store"

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("the store may lose acknowledged data. " + " ".join(reasons))


class StoreBroken(StoreError):
    """The store failed in a way after which nothing may be assumed."""

    code = "store_broken"


class NodeError(SessiondError):
    """A node attempt failed; raise it in a node to choose the `code` yourself.

    Args:
        message: for a person.
        code: stable, for programs; a node's `retry.on` names it.
        retry_after: seconds to wait before the next attempt, in place of what the node's `retry` says.

    Attributes:
        terminal: whether another attempt would fail too, so that none is made.
    """

    code = "node_error"
    terminal: ClassVar[bool] = False

    def __init__(self, message: str, code: str = "node_error", *, retry_after: float | None = None) -> None:
        self.node_code = code
        self.retry_after = retry_after
        super().__init__(message)


class TerminalError(NodeError):
    """A node attempt failed in a way that no retry can mend: it is never repeated, whatever `retry` says."""

    terminal = True


class ExpressionError(TerminalError):
    """An expression doesn't parse, goes over a limit, or fails on the values it met."""

    code = "expression"

    def __init__(self, message: str) -> None:
        super().__init__(message, "expression")


class ExpressionCost(ExpressionError):
    """An expression would be too much work on the values that it meets; it isn't begun."""

    code = "expression_cost"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.node_code = "expression_cost"


class Stopped(NodeError):
    """Raised by `checkpoint()` in a node whose session has ended."""

    code = "stopped"

    def __init__(self) -> None:
        super().__init__("the session has ended", "stopped")
