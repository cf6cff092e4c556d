"""Commands, in the imperative, and the replies to them. Frozen; one union each.

Control commands travel on the mailbox's control lane and overtake node results and tokens.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..dispatch.mailbox import Control
from .events import Fact, Failure, ForkedFrom
from .lifecycle import Action, Status

_EMPTY = Raw(b"{}")


class Command(msgspec.Struct, frozen=True, gc=False):
    """Base of what a session can be told."""


class Create(Command, frozen=True, kw_only=True):
    """Begin to exist; start at once if `start`.

    Attributes:
        request: a digest of the whole request, so that a repetition can be told from a collision.
        forked_from: the original, if the session is a fork.
        trace: the `traceparent` of the request; the session's work belongs to that trace.
        by: who asks for it.
        initiators: whose work it is besides.
        reused: what a fork begins with, recorded before it starts: facts, and the node each is about.
    """

    session_id: str
    input: Raw = Raw(b"null")
    context: Raw = _EMPTY
    labels: dict[str, str] = {}
    deadline_s: float | None = None
    parent_id: str | None = None
    tenant: str = "default"
    request: str = ""
    start: bool = True
    forked_from: ForkedFrom | None = None
    reused: tuple[tuple[str | None, Fact], ...] = ()
    trace: str | UnsetType = UNSET
    by: str | UnsetType = UNSET
    initiators: tuple[str, ...] | UnsetType = UNSET

    def identified(self, workflow_id: str, version: str) -> Create:
        """Return it with `request` set to a digest of what it asks for, to be run by this version."""
        # a repetition is of another trace, and may be another person's: it is answered, and the first one's it stays
        asked = msgspec.structs.replace(self, trace=UNSET, by=UNSET, initiators=UNSET)
        content = msgspec.json.encode((workflow_id, version, asked), order="sorted")
        return msgspec.structs.replace(self, request=hashlib.sha256(content).hexdigest()[:32])


class Start(Command, Control, frozen=True):
    """pending → running."""

    by: str | None = None


class Pause(Command, Control, frozen=True):
    """running → paused."""

    reason: str | None = None
    by: str | None = None


class Resume(Command, Control, frozen=True):
    """paused → running.

    Attributes:
        if_paused_by: nothing happens unless this is who paused the session.
    """

    by: str | None = None
    if_paused_by: str | None = None


class Stop(Command, Control, frozen=True):
    """End at once, as failed."""

    reason: str | None = None
    by: str | None = None


class Cancel(Command, Control, frozen=True):
    """End as cancelled; running nodes get a grace period to clean up."""

    reason: str | None = None
    by: str | None = None


class AnswerWait(Command, Control, frozen=True):
    """Close a node's wait: a review (approve, reject, modify) or any other (resume).

    On a node that failed and is suspended, `resume` puts an output in place of its own, and `reject` gives it up.
    """

    node_id: str
    action: str
    data: Raw = Raw(b"null")
    by: str | None = None


class RetryNode(Command, Control, frozen=True):
    """Have a node run again that failed and is suspended.

    Attributes:
        input: what the node's attempts of this round see from now on in place of the session's input, in
            expressions and in their context alike; absent leaves it as it was.
    """

    node_id: str
    input: Raw | UnsetType = UNSET
    by: str | None = None


class SkipNode(Command, Control, frozen=True):
    """Complete a node that failed and is suspended, with `output` in place of its own."""

    node_id: str
    output: Raw = Raw(b"null")
    by: str | None = None


class SignalSession(Command, Control, frozen=True):
    """Signal the node `node_id`, or whichever node waits for `name`; kept if nobody waits yet.

    Exactly one of the two is given.
    """

    payload: Raw = Raw(b"null")
    name: str | None = None
    node_id: str | None = None
    by: str | None = None


OnceCommand: TypeAlias = Start | Pause | Resume | Stop | Cancel | AnswerWait | RetryNode | SkipNode | SignalSession
"""What may have a name."""


class Once(Command, Control, frozen=True):
    """A command with a name: told again by the same name, it is answered and does nothing more."""

    command_id: str
    command: OnceCommand


class Quiesce(Command, Control, frozen=True):
    """Record that a paused session has nothing in flight any more."""


class Advance(Command, Control, frozen=True):
    """Go on where the last decision broke off, because it had become long."""


class Recover(Command, Control, frozen=True):
    """Take over after another owner: what it left running was interrupted."""


class FireTimer(Command, Control, frozen=True):
    """The timer ran out that a node's attempt set in `round`."""

    node_id: str
    round: int
    attempt: int = 1


class Abort(Command, Control, frozen=True):
    """End as failed, for a reason inside: a deadline passed, a crash loop."""

    failure: Failure


class CompleteAttempt(Command, frozen=True):
    """A node attempt returned `output`."""

    node_id: str
    round: int
    attempt: int
    output: Raw


class FailAttempt(Command, frozen=True):
    """A node attempt failed.

    Attributes:
        terminal: it would fail again: no retry.
        retry_after: seconds after which a retry makes sense, if the node knows.
    """

    node_id: str
    round: int
    attempt: int
    failure: Failure
    terminal: bool = False
    retry_after: float | None = None


class RecordFacts(Command, frozen=True):
    """A running attempt reports facts that change no state: tool use, token usage, progress."""

    node_id: str
    round: int
    attempt: int
    facts: tuple[Fact, ...]


AnyCommand: TypeAlias = (
    Create
    | Start
    | Pause
    | Resume
    | Stop
    | Cancel
    | AnswerWait
    | RetryNode
    | SkipNode
    | SignalSession
    | Once
    | Quiesce
    | Advance
    | Recover
    | FireTimer
    | Abort
    | CompleteAttempt
    | FailAttempt
    | RecordFacts
)


EXTERNAL: Final = (Create, Start, Pause, Resume, Stop, Cancel, AnswerWait, RetryNode, SkipNode, SignalSession, Once)
"""What callers tell a session; the rest comes from inside."""


class Created(msgspec.Struct, frozen=True):
    """The reply to Create, once it is durable."""

    session_id: str
    status: Status
    seq: int


class Receipt(msgspec.Struct, frozen=True):
    """The reply to a control command, once it is durable.

    Attributes:
        changed: False if the session was in that state before.
        seq: of the last event that the command caused.
        in_flight: nodes that were still running at the time.
    """

    session_id: str
    action: Action
    status: Status
    changed: bool
    seq: int
    in_flight: tuple[str, ...]


class Answered(msgspec.Struct, frozen=True):
    """The reply to AnswerWait, RetryNode and SkipNode, once it is durable."""

    session_id: str
    node_id: str
    seq: int


class Signalled(msgspec.Struct, frozen=True):
    """The reply to SignalSession, once it is durable; `node_id` is whose wait it closed, None if it is kept."""

    session_id: str
    node_id: str | None
    seq: int


Reply: TypeAlias = Created | Receipt | Answered | Signalled | None
