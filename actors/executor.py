"""NodeExecutor: the child actor that runs one attempt of one node.

Its life is one message. Whatever the node raises, hangs on or returns, only this attempt is affected.
"""

from __future__ import annotations

import asyncio
from types import FrameType
from typing import Any

from pykka import ActorRef

from .context import NodeContext
from .core.errors import NodeError
from .core.events import Failure
from .core.json import as_text, encode_output
from .core.messages import CompleteAttempt, FailAttempt
from .core.node import TaskType
from .core.workflow import Node
from .dispatch.loop_actor import LoopActor
from .tracing import Span


def attempt_in(frame: FrameType) -> str | None:
    """Return which attempt's code a stack is in, from its innermost frame outwards; None if in no attempt's.

    An executor's own frame is on the stack whenever its node's code runs on the loop, so attempts need not
    be marked while they run.
    """
    outer: FrameType | None = frame
    while outer is not None:
        if outer.f_code is NodeExecutor.on_receive.__code__:
            context: NodeContext = outer.f_locals["self"].context
            return f"node {context.node_id!r} of session {context.session_id!r}"
        outer = outer.f_back
    return None


class Run:
    """Tells an executor to begin."""

    __slots__ = ()


RUN = Run()


class AttemptEnded:
    """Tells the session that an executor is through, whatever came of it."""

    __slots__ = ("context",)

    def __init__(self, context: NodeContext) -> None:
        self.context = context


class NodeExecutor(LoopActor):
    """Runs one attempt and reports to its session, then ends."""

    def __init__(self, node: Node, context: NodeContext, session: ActorRef[Any]) -> None:
        super().__init__()
        self._node = node
        self.context = context
        self._session = session
        self._begun = False

    def on_stop(self) -> None:
        """Ended before its turn came: there is nobody else to say so, and the session waits for the word."""
        if not self._begun and self._session.is_alive():
            self._session.tell(AttemptEnded(self.context))

    async def on_receive(self, message: Any) -> None:
        """Run the attempt."""
        report: CompleteAttempt | FailAttempt | None = None
        context = self.context
        self._begun = True
        context.begin_span()
        try:
            await context.checkpoint()
            output = encode_output(await self._output())
            report = CompleteAttempt(self._node.id, context.round, context.attempt, output)
        except NodeError as error:
            report = self._failed(error.node_code, error, error.terminal, _seconds(error.retry_after))
        except asyncio.CancelledError:
            if not context.cancelled:  # raised by the node itself: nobody cancelled it
                report = self._failed("cancelled_error", "the node raised CancelledError")
        except BaseException as error:  # noqa: BLE001 - SystemExit and the like end this node only
            report = self._failed("exception", f"{type(error).__name__}: {as_text(error)}")
        finally:
            if context.span is not None:
                self._end_span(context.span, report)
            if self._session.is_alive():
                if report is not None:
                    self._session.tell(report)
                self._session.tell(AttemptEnded(context))
            self.finish()

    def _end_span(self, span: Span, report: CompleteAttempt | FailAttempt | None) -> None:
        match report:
            case CompleteAttempt():
                span.end("completed")
            case FailAttempt(failure=failure):
                span.end("failed", failure.code)
            case None:
                span.end("cancelled")

    async def _output(self) -> Any:
        context, spec, task = self.context, self._node.spec, self._node.type
        assert isinstance(task, TaskType)
        context.properties = self._properties()
        if spec.timeout_s is None:
            return await task.run(context, context.properties)
        try:
            async with asyncio.timeout(spec.timeout_s) as limit:
                context.limit = limit
                try:
                    return await task.run(context, context.properties)
                finally:
                    context.limit = None
        except TimeoutError:
            if not limit.expired():
                raise
            raise NodeError(f"no result within {spec.timeout_s} s", "timeout") from None

    def _properties(self) -> Any:
        return self._node.static if self._node.static is not None else self.context.resolve()

    def _failed(
        self, code: object, message: object, terminal: bool = False, retry_after: float | None = None
    ) -> FailAttempt:
        """What is said here goes into the log, and must come out of it again, whatever types the node used."""
        context, failure = self.context, Failure(as_text(code), as_text(message))
        return FailAttempt(self._node.id, context.round, context.attempt, failure, terminal, retry_after)


def _seconds(given: object) -> float | None:
    """Return when the node says a retry makes sense, unless that is no number."""
    return given if isinstance(given, (int, float)) else None
