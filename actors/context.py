"""What a running node sees and can do."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Raw

from .core.errors import NodeError, Stopped
from .core.events import Fact, Progress, ToolExecution
from .core.json import as_text
from .core.messages import Create
from .core.node import NodeRegistry
from .core.scope import NodeScope
from .core.workflow import Node
from .family import Family
from .gate import Gate
from .process_job import JobContext, encode_job
from .resources import NodeResources
from .tokens import TokenBuffer
from .tracing import Span

T = TypeVar("T")
logger = logging.getLogger("sessiond.node")
_encode = msgspec.json.Encoder().encode


class AttemptHost(Protocol):
    """What an attempt tells its session."""

    def tokens_waiting(self, context: NodeContext) -> None:
        """There are chunks in the attempt's buffer."""
        ...

    def facts(self, context: NodeContext, facts: tuple[Fact, ...]) -> None:
        """Record these facts."""
        ...

    def parked(self, context: NodeContext, parked: bool) -> None:
        """The attempt stands at the gate, or goes on."""
        ...

    def stored(self) -> Awaitable[None]:
        """Return what is done once all that was reported so far is stored."""
        ...


class NodeContext:
    """One attempt of one node.

    Attributes:
        session_id: the session.
        node_id: the node.
        attempt: 1, 2, 3 … within the round.
        round: 1, and one more for each time round a loop.
        resources: what nodes share: threads, processes, leave to call other servers.
        gate: shut while the session is paused.
        cancelled: True once the session has ended; clean up and return.
        limit: the attempt's time limit while it runs, if it has one.
        span: of the attempt, where traces are recorded.
    """

    __slots__ = (
        "_buffer",
        "_cancelled",
        "_host",
        "_interruptible",
        "_registry",
        "_room",
        "_scope",
        "attempt",
        "gate",
        "limit",
        "node_id",
        "properties",
        "resources",
        "round",
        "session_id",
        "span",
    )

    def __init__(
        self,
        *,
        session_id: str,
        node: Node,
        attempt: int,
        scope: NodeScope,
        host: AttemptHost,
        gate: Gate,
        registry: NodeRegistry,
        resources: NodeResources,
    ) -> None:
        self.session_id = session_id
        self.node_id = node.id
        self.attempt = attempt
        self.round = scope.round
        self._cancelled = False
        self._interruptible: asyncio.Timeout | None = None
        self.properties: Any = None
        self.limit: asyncio.Timeout | None = None
        self.span: Span | None = None
        self._scope = scope
        self._host = host
        self.gate = gate
        self._registry = registry
        self.resources = resources
        self._buffer: TokenBuffer | None = None
        self._room: asyncio.Future[None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the session has ended."""
        return self._cancelled

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._cancelled = value
        body, self._interruptible = self._interruptible, None
        if body is not None:
            body.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def until_cancelled(self) -> AsyncIterator[None]:
        """Run the body, and interrupt whatever it awaits the moment the session ends; not to be nested.

        Raises:
            Stopped: the session has ended.
        """
        if self._cancelled:
            raise Stopped()
        try:
            async with asyncio.timeout(None) as body:
                self._interruptible = body
                try:
                    yield
                finally:
                    self._interruptible = None
        except TimeoutError:
            if not body.expired():
                raise
            raise Stopped() from None

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this node in this round: for calls that must happen once."""
        return f"{self.session_id}/{self.node_id}/{self.round}"

    @property
    def traceparent(self) -> str | None:
        """What calls to other servers say, so that they continue the trace (W3C); None if there is none."""
        return self._scope.traceparent if self.span is None else self.span.traceparent

    def begin_span(self) -> None:
        """The attempt begins: record that, where traces are recorded."""
        if (tracing := self.resources.tracing) is None:
            return
        scope = self._scope
        attributes = {
            "sessiond.session_id": self.session_id,
            "sessiond.workflow_id": scope.workflow_id,
            "sessiond.node_id": self.node_id,
            "sessiond.node_type": scope.node.spec.type,
            "sessiond.round": self.round,
            "sessiond.attempt": self.attempt,
        }
        name, parent = f"node {self.node_id}", scope.traceparent
        self.span = tracing.attempt(name, parent, attributes, again=self.attempt > 1)

    @property
    def input(self) -> Any:
        """The session's input."""
        return self._scope.input()

    @property
    def context(self) -> Any:
        """The session's context, as its creator gave it."""
        return self._scope.context()

    @property
    def upstream(self) -> dict[str, Any]:
        """Outputs of the nodes that led here, by node id."""
        return self._scope.upstream()

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger that says which session, node and attempt it is."""
        extra = {"session_id": self.session_id, "node_id": self.node_id, "attempt": self.attempt}
        return NodeLog(logger, extra)

    async def emit(self, chunk: str, *, thinking: bool = False) -> None:
        """Stream a piece of text; waits while 64 KB of earlier pieces aren't stored yet."""
        if not isinstance(chunk, str):
            raise TypeError(f"a chunk should be a str, not {type(chunk).__name__}")
        buffer = self.buffer
        while buffer.full:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)
        buffer.add(chunk, thinking)
        if not buffer.announced:
            buffer.announced = True
            self._host.tokens_waiting(self)

    def record(self, *facts: Fact) -> None:
        """Put facts such as TokenUsage or ToolExecution into the session's log.

        Raises:
            NodeError: one isn't JSON.
            Overloaded: they come faster than they can be stored.
        """
        self._host.facts(self, tuple([_checked(fact) for fact in facts]))

    def progress(self, fraction: float | None = None, message: str | None = None) -> None:
        """Report how far the node is; `fraction` is 0 to 1."""
        self.record(Progress(fraction, message))

    async def checkpoint(self) -> None:
        """Wait here while the session is paused; the node's time limit stands still meanwhile.

        Raises:
            Stopped: the session has ended.
        """
        if self.gate.shut:
            self._host.parked(self, True)
            left = self._stop_clock()
            try:
                await self.gate.passage()
            finally:
                self._go_on(left)
                self._host.parked(self, False)
        if self.cancelled:
            raise Stopped()

    def _stop_clock(self) -> float | None:
        """Return the seconds that are left of the time limit, None if there is none, or it stands still already."""
        due = self.limit.when() if self.limit is not None and not self.limit.expired() else None
        if due is None or self.limit is None:
            return None
        self.limit.reschedule(None)
        return due - asyncio.get_running_loop().time()

    def _go_on(self, left: float | None) -> None:
        if left is not None and self.limit is not None and not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + left)

    async def stored(self) -> None:
        """Wait until all that was put into the session's log so far is stored."""
        await self._host.stored()

    def child(self, session_id: str, input: Raw) -> Create:
        """Return the command that creates and starts a child session of this one."""
        return self._scope.child(session_id, input)

    async def run_sessions(self, workflow: str | dict[str, Any], inputs: Sequence[Any], at_once: int = 10) -> list[Any]:
        """Run a child session for each of `inputs`, `at_once` at a time; return their outputs in that order.

        They are paused, resumed, stopped and cancelled with this session. Another attempt of this node takes up
        those that haven't failed; so an attempt calls this once, with the same inputs each time.

        Args:
            workflow: the id of a stored workflow, `id@version`, or a definition.
            inputs: JSON, one for each child.
            at_once: children that run at the same time.

        Raises:
            NodeError: a child failed (`child_failed`) or was cancelled (`child_cancelled`), or can't be started.
        """
        assert self.resources.children is not None
        return await Family(self, self.resources.children).run(workflow, inputs, at_once)

    async def in_thread(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a blocking function on the runtime's bounded thread pool and return its result.

        A context among the arguments is passed as its twin for threads, whose methods block.
        """
        loop = asyncio.get_running_loop()
        given = [ThreadContext(self, loop) if arg is self else arg for arg in args]
        return await self.resources.in_thread(functools.partial(function, *given, **kwargs), self.log)

    async def in_process(self, target: Callable[..., Any], properties: type[msgspec.Struct] | None) -> Any:
        """Run a node's code in a worker process, on a JobContext, and return its output as JSON.

        When this is cancelled, as by a timeout or a stop, the process is killed.

        Raises:
            NodeError: what the code raised; `process_died`; `not_importable`.
        """
        job = JobContext(
            session_id=self.session_id,
            node_id=self.node_id,
            attempt=self.attempt,
            round=self.round,
            idempotency_key=self.idempotency_key,
            input=self.input,
            context=self.context,
            upstream=self.upstream,
            properties=self.properties,
        )
        return await self.resources.processes.run(encode_job(target, properties, job))

    def resolve(self) -> Any:
        """Return the node's properties with every expression evaluated.

        Raises:
            NodeError: an expression failed, or a value doesn't fit.
        """
        return self._scope.properties()

    def find_tool(self, name: str) -> Callable[..., Any]:
        """Return the registered tool called `name`.

        Raises:
            NodeError: there is none.
        """
        return self._registry.find_tool(name)

    @property
    def buffer(self) -> TokenBuffer:
        """The chunks that no segment holds yet."""
        if self._buffer is None:
            self._buffer = TokenBuffer(self.session_id, self.node_id, self._scope.node.agent_id)
        return self._buffer

    def made_room(self) -> None:
        """Let a waiting `emit` go on: the buffer was taken or dropped."""
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)


def _checked(fact: Fact) -> Fact:
    """Refuse what can't be written where it came from: in the session it would be the whole session's failure."""
    if not isinstance(fact, Fact):
        raise TypeError(f"a fact should be a Fact, not {type(fact).__name__}")
    try:
        if isinstance(fact, ToolExecution):  # as it is now: the node may go on with what it has there
            fact = msgspec.structs.replace(fact, input=Raw(_encode(fact.input)), output=Raw(_encode(fact.output)))
        _encode(fact)
    except Exception as error:  # noqa: BLE001 - the value's own code runs in there
        raise NodeError(f"{fact.event!r} isn't JSON: {as_text(error)}", "fact_invalid") from None
    return fact


class NodeLog(logging.LoggerAdapter[logging.Logger]):
    """Says before each message which attempt of which node it is from; the same is in the record's fields."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Return the message with its origin in front."""
        at = self.extra or {}
        origin = f"session {at['session_id']}, node {at['node_id']}, attempt {at['attempt']}"
        return super().process(f"{origin}: {msg}", kwargs)


class ThreadContext:
    """A NodeContext for a function that runs on a thread: the same attributes, blocking methods."""

    def __init__(self, context: NodeContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def emit(self, chunk: str, *, thinking: bool = False) -> None:
        """Stream a piece of text; blocks while the buffer is full."""
        asyncio.run_coroutine_threadsafe(self._context.emit(chunk, thinking=thinking), self._loop).result()

    def checkpoint(self) -> None:
        """Block here while the session is paused.

        Raises:
            Stopped: the session has ended.
        """
        asyncio.run_coroutine_threadsafe(self._context.checkpoint(), self._loop).result()

    def record(self, *facts: Fact) -> None:
        """Put facts into the session's log; blocks until they are taken, or refused as NodeContext.record does."""
        asyncio.run_coroutine_threadsafe(self._record(facts), self._loop).result()

    async def _record(self, facts: tuple[Fact, ...]) -> None:
        self._context.record(*facts)

    def progress(self, fraction: float | None = None, message: str | None = None) -> None:
        """Report how far the node is; `fraction` is 0 to 1."""
        self.record(Progress(fraction, message))
