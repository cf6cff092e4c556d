"""Session: what an embedding service holds of a session."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from .callers import check_texts
from .core.detail import SessionDetail
from .core.errors import Fault, InvalidInput, NodeError
from .core.events import Record
from .core.fork import Fork
from .core.json import encode_request
from .core.messages import (
    Answered,
    AnswerWait,
    Cancel,
    Once,
    OnceCommand,
    Pause,
    Receipt,
    Resume,
    RetryNode,
    Signalled,
    SignalSession,
    SkipNode,
    Start,
    Stop,
)

if TYPE_CHECKING:
    from .runtime import Runtime


NAME: Final = re.compile(r"[!-~]{1,128}")
"""What may name a command."""


class SessionEnded(NodeError):
    """The session ended without success; `code` is that of its error, `status` failed or cancelled."""

    code = "session_ended"

    def __init__(self, detail: SessionDetail) -> None:
        self.detail_of_session = detail
        self.status = detail.status
        code = detail.error.code if detail.error else detail.status
        message = detail.error.message if detail.error else detail.status
        super().__init__(f"session {detail.session_id!r} {detail.status}: {message}", code)


class Session:
    """A handle on one session of a runtime; holds no state of its own.

    Attributes:
        id: the session's id.
    """

    __slots__ = ("_command_id", "_runtime", "id")

    def __init__(self, runtime: Runtime, session_id: str, command_id: str | None = None) -> None:
        self._runtime = runtime
        self._command_id = command_id
        self.id = session_id

    def once(self, command_id: str) -> Session:
        """Return a handle for one command, which has this name: told again by the same name, it is only answered.

        The name is in the log with what the command caused, so this holds across a crash too. A session remembers
        the last 100 of them; a command that changed nothing isn't remembered.

        Raises:
            InvalidInput: the name isn't 1 to 128 printable ASCII characters.
        """
        if not NAME.fullmatch(command_id):
            raise InvalidInput([Fault("$.command_id", "should be 1 to 128 printable ASCII characters")], "the command")
        return Session(self._runtime, self.id, command_id)

    async def _command(self, message: OnceCommand) -> Any:
        check_texts(message)
        named = message if self._command_id is None else Once(self._command_id, message)
        return await self._runtime.command(self.id, named)

    async def start(self, by: str | None = None) -> Receipt:
        """Start a pending session."""
        receipt: Receipt = await self._command(Start(by))
        return receipt

    async def pause(self, reason: str | None = None, by: str | None = None) -> Receipt:
        """Pause; from the answer to the resume no node starts."""
        receipt: Receipt = await self._command(Pause(reason, by))
        return receipt

    async def resume(self, by: str | None = None) -> Receipt:
        """Go on after a pause."""
        receipt: Receipt = await self._command(Resume(by))
        return receipt

    async def stop(self, reason: str | None = None, by: str | None = None) -> Receipt:
        """End at once, as failed with code `stopped`."""
        receipt: Receipt = await self._command(Stop(reason, by))
        return receipt

    async def cancel(self, reason: str | None = None, by: str | None = None) -> Receipt:
        """End as cancelled."""
        receipt: Receipt = await self._command(Cancel(reason, by))
        return receipt

    async def review(self, node_id: str, action: str, data: Any = None, reviewer: str | None = None) -> Answered:
        """Answer a review: approve, reject or modify.

        Raises:
            NotReviewer: the `reviewer` is named, and isn't one who may; the review stays open.
        """
        message = AnswerWait(node_id, action, encode_request(data, "$.data"), reviewer)
        answered: Answered = await self._command(message)
        return answered

    async def resume_node(self, node_id: str, output: Any, by: str | None = None) -> Answered:
        """Complete any suspended node with `output`."""
        message = AnswerWait(node_id, "resume", encode_request(output, "$.output"), by)
        answered: Answered = await self._command(message)
        return answered

    async def retry_node(self, node_id: str, input: Any = UNSET, by: str | None = None) -> Answered:
        """Have a node run again that failed and is suspended.

        Args:
            node_id: the node.
            input: what it sees from now on in place of the session's input; left as it was if not given.
            by: who asks for it.
        """
        given = UNSET if input is UNSET else encode_request(input, "$.input")
        answered: Answered = await self._command(RetryNode(node_id, given, by))
        return answered

    async def skip_node(self, node_id: str, output: Any = None, by: str | None = None) -> Answered:
        """Complete a node that failed and is suspended, with `output` in place of its own."""
        answered: Answered = await self._command(SkipNode(node_id, encode_request(output, "$.output"), by))
        return answered

    async def signal(
        self, name: str | None = None, payload: Any = None, *, node_id: str | None = None, by: str | None = None
    ) -> Signalled:
        """Signal whichever node waits for `name`, or the node `node_id`; kept if nobody waits yet.

        Raises:
            InvalidInput: neither or both of the two are given.
            NotFound, NotWaiting: there is no such node, or it won't wait for a signal any more.
            CommandRefused: the session has ended.
            SignalsFull: nobody waits, and the session keeps as many as it may.
        """
        if (name is None) == (node_id is None):
            raise InvalidInput([Fault("$", "should have either `name` or `node_id`")], "the signal")
        message = SignalSession(encode_request(payload, "$.payload"), name, node_id, by)
        signalled: Signalled = await self._command(message)
        return signalled

    async def fork(
        self,
        *,
        after_seq: int | None = None,
        from_node: str | None = None,
        input: Any = UNSET,
        session_id: str | None = None,
        start: bool = True,
        by: str | None = None,
    ) -> Session:
        """Create a new session that reuses what this one has completed; this one isn't touched.

        Args:
            after_seq: fork it as it was after this event; this or the next.
            from_node: fork it as it is now, but run this node, and all that lies behind it, again.
            input: JSON in place of the input; what is reused came from the former one all the same.
            session_id: of the fork; made up if absent. The same id with the same request is done once.
            start: False leaves it pending.
            by: who asks for it.

        Raises:
            NotFound: there is no such session.
            InvalidInput: both or none are given, they don't exist, or the input doesn't fit.
            NotBegun: the node never ran.
            SessionExists: the id was used for another request.
            Unavailable: not now.
        """
        given = UNSET if input is UNSET else encode_request(input, "$.input")
        request = Fork(after_seq=after_seq, from_node=from_node, input=given, session_id=session_id, start=start)
        created = await self._runtime.fork(self.id, request, by)
        return Session(self._runtime, created.session_id)

    async def detail(self) -> SessionDetail:
        """Return the session, whole, as far as it is durable."""
        return await self._runtime.detail(self.id)

    async def events(self, after: int = 0, seen: str | None = None) -> AsyncIterator[Record]:
        """Yield every event after seq `after`, stored ones first, then live; ends after the terminal event.

        In place of events that were trimmed (`Options.log_limit_events`) comes a StreamReset, with a snapshot; so it
        does if `seen`, the timestamp of the event `after`, isn't what the store has there: it lost that event.
        """
        subscription = self._runtime.subscribe(self.id, after, seen)
        try:
            async for record in subscription.records():
                yield record
        finally:
            subscription.close()

    async def result(self) -> Any:
        """Wait for the end and return the output.

        Raises:
            SessionEnded: it failed or was cancelled.
        """
        detail = await self.wait()
        if detail.status != "completed":
            raise SessionEnded(detail)
        return msgspec.json.decode(detail.output)

    async def wait(self) -> SessionDetail:
        """Wait for the end and return the session's detail."""
        return await self._runtime.ended(self.id)
