"""Runtime: the public face for embedding. Opens a store, owns the shards, hands out sessions."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from msgspec import UNSET
from pykka import ActorRef

from . import slow_imports
from .archive import Archive
from .callers import check_plain
from .children import ChildSessions
from .core.detail import SessionDetail, describe
from .core.errors import Draining, Fault, InvalidInput, NotFound, SessionFailed
from .core.extent import LogLimit
from .core.fork import Fork
from .core.json import encode_request
from .core.lifecycle import TERMINAL
from .core.messages import Create, Created
from .core.meters import SessionMeters
from .core.node import NodeRegistry, default_registry
from .core.ports import Clock, Definition, Ids, Store, WriterHost
from .core.reset import Reset, reset_at
from .core.schema import check_against
from .core.tenancy import DEFAULT, check_tenant, session_name
from .core.workflow import ID, Workflow
from .deadline import done_in_time, shown_in_time
from .definitions import Definitions
from .deletion import Deletion
from .dispatch.dispatcher import LoopDispatcher
from .dispatch.future import gather
from .environment import Environment, RandomIds, SystemClock
from .executor import attempt_in
from .forking import prepare
from .handle import Session
from .model_budget import ModelBudget
from .nodes import register_builtin
from .options import Options
from .placement import LocalPlacement, Shard
from .plugins import load_node_plugins, load_store, load_writer, refuse_unsafe
from .presence import Presence
from .queries import AwaitEnd, Describe
from .resources import NodeResources
from .restore import Restorer
from .session import SessionActor
from .shared_reads import SharedReads
from .streams import EventHub, Subscription
from .supervisor import FailOver, Supervisor
from .tracing import Tracing, traceparent
from .watchdog import LoopWatchdog

__all__ = ["Options", "Runtime"]

logger = logging.getLogger("sessiond.runtime")

_INPUT_STEPS: Final = 100_000
"""Steps of a check of a session's input, which is off the loop: tens of thousands of values."""


class Runtime(Archive):
    """An actor system for sessions on the running event loop.

    Use `Runtime.open`. Everything is to be called on the loop on which it was opened; `ThreadRuntime` is the
    twin for threads.

    Attributes:
        store: where sessions are kept.
        registry: node types and tools.
        recovered: done once every session that was at work is back.
        presence: which sessions are in memory.
        broken_plugins: what is wrong with installed node types that didn't load, by the plug-in's name.
        resources: what running nodes share.
        tracing: records commands and attempts, if anything does.
        meters: what is counted of sessions.
        watchdog: measures how late the event loop is: `watchdog.lag_s`.
    """

    def __init__(
        self,
        store: Store,
        *,
        registry: NodeRegistry | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        options: Options | None = None,
        writer: Callable[[WriterHost, Store], Any] | None = None,
        dispatcher: Callable[[asyncio.AbstractEventLoop], LoopDispatcher] = LoopDispatcher,
        resources: Callable[..., NodeResources] = NodeResources,
        tracing: Tracing | None = None,
    ) -> None:
        self.store = store
        self.registry = registry if registry is not None else default_registry.copy()
        register_builtin(self.registry)
        self._clock = clock or SystemClock()
        self._ids = ids or RandomIds()
        self._options = options or Options()
        self._make_writer = writer or load_writer()
        self._make_dispatcher = dispatcher
        self._make_resources = resources
        self.tracing = tracing
        self._draining = False
        self._opened = False
        self.broken_plugins: list[Fault] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, store: str | Store = "sqlite:///sessions.db", **settings: Any) -> AsyncIterator[Runtime]:
        """Open a store (a URL or a Store), bring unfinished sessions back, and close all at the end.

        Args:
            store: `sqlite:///file.db`, `redis://host/0`, `memory://`, or a Store.
            settings: registry, clock, ids, options, writer, dispatcher, resources, tracing: what to use in place of
                its own.

        Raises:
            UnsafeStore: it may lose acknowledged data, and the options rule that out; nothing was claimed.
        """
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(None, load_store, store) if isinstance(store, str) else store
        runtime = cls(opened, **settings)
        try:
            await runtime.start_up()
        except BaseException:
            await loop.run_in_executor(None, opened.close)
            raise
        try:
            yield runtime
        finally:
            await runtime.close()

    async def start_up(self) -> None:
        """Claim the shards and begin to recover; returns as soon as commands are welcome."""
        loop = asyncio.get_running_loop()
        options = self._options
        if options.strict_durability:
            await loop.run_in_executor(None, refuse_unsafe, self.store)
        self.dispatcher = self._make_dispatcher(loop)
        self._readers = ThreadPoolExecutor(options.read_threads, "sessiond-read")
        if options.plugins:
            self.broken_plugins = await self._read(load_node_plugins, self.registry)
        self._children = ChildSessions(self)
        processes = options.processes or os.cpu_count() or 1
        self.resources = self._make_resources(options.threads, processes, options.http, self._children)
        self.resources.tracing = self.tracing
        self.resources.models = ModelBudget(options.model_tokens_per_minute, loop.time)
        slow = loop.create_task(self._read(slow_imports.load))
        numbers = range(self.store.shards)
        tokens = await asyncio.gather(*[self._read(self.store.claim, n, self._ids.new()) for n in numbers])
        await slow
        self.writer = self._make_writer(WriterHost(self.dispatcher, dict(enumerate(tokens))), self.store)
        self.definitions = Definitions(self.store, self.registry, self._clock, self._read)
        self._probe = SharedReads(self._row)
        self.restorer = Restorer(self.store, self.definitions, self._read)
        self.meters = SessionMeters()
        self.hub = EventHub(functools.partial(self._read, self.store.read), self.reset_of, self.present_of)
        self._deletion = Deletion(self, self._children, self._read)
        self.presence = Presence(self.store, self.writer, self._read, self._clock, options)
        environment = Environment(
            clock=self._clock,
            ids=self._ids,
            committer=self.writer,
            hub=self.hub,
            registry=self.registry,
            resources=self.resources,
            grace_s=options.grace_s,
            meters=self.meters,
            order=self._children.order,
            soon=self.presence.soon,
            snapshot_bytes=options.snapshot_bytes,
            log_limit=LogLimit(options.log_limit_events, options.log_limit_bytes),
            retire=self._retire,
            fail_over=self._fail_over,
            distrust=self.restorer.distrust,
        )
        shards = [self._shard(environment, number, tokens[number]) for number in numbers]
        self.placement = LocalPlacement(shards)
        self.watchdog = LoopWatchdog(loop, attempt_in, threshold_s=options.block_s)
        if options.block_s:
            self.watchdog.start()
        self._opened = True
        self.presence.start(self.placement, self.delete)
        self.recovered = self.presence.recovered
        began = loop.time()
        self.recovered.add_done_callback(lambda _: self.meters.recovered(loop.time() - began))

    def _shard(self, environment: Environment, number: int, token: str) -> Shard:
        sessions: dict[str, ActorRef[SessionActor]] = {}
        supervisor = self.dispatcher.spawn(Supervisor, environment, number, sessions, self.restorer, self._row)
        return Shard(number, token, supervisor, sessions)

    async def close(self) -> None:
        """Take no more commands, let commits under way finish, stop every actor, close the store.

        What still runs is interrupted, and goes on at the next start.
        """
        if not self._opened:
            return
        self._opened = False
        self._draining = True
        await self.presence.close()
        await self.writer.drain()
        await self._children.close()
        shards = self.placement.shards
        await gather(shard.supervisor.stop(block=False) for shard in shards)
        # Before the writer, which they may still have something for.
        await gather(ref.stop(block=False) for shard in shards for ref in shard.sessions.values())
        await self.writer.drain()
        await self.dispatcher.stop_all()
        self.hub.close()
        await self.resources.close()
        await self._read(self.watchdog.close)
        await asyncio.get_running_loop().run_in_executor(None, functools.partial(self._readers.shutdown, wait=True))
        await asyncio.get_running_loop().run_in_executor(None, self.store.close)

    # ---- sessions

    async def create(
        self,
        workflow: Workflow | dict[str, Any] | str,
        *,
        input: Any = None,
        session_id: str | None = None,
        context: Any = None,
        labels: dict[str, str] | None = None,
        deadline_s: float | None = None,
        start: bool = True,
        tenant: str = DEFAULT,
        trace: str | None = None,
        by: str | None = None,
    ) -> Created:
        """Create a session, durably, and start it unless told not to.

        Args:
            workflow: a definition, a compiled Workflow, or the id of a stored one.
            input: JSON; must fit the workflow's `input_schema`.
            session_id: made up if absent. The same id with the same request is answered as the first time.
                Outside the default tenant the session's id is `session_id@tenant`.
            context: JSON for the nodes, shown in the detail.
            labels: for lists.
            deadline_s: seconds from the start after which the session fails.
            start: False leaves it pending.
            tenant: whose it is, as is the stored workflow.
            trace: the W3C `traceparent` of whoever asks; passed over if it isn't one.
            by: who asks: what a review with `four_eyes` goes by.

        Raises:
            InvalidWorkflow, InvalidInput, NotFound: the request is wrong.
            SessionExists: the id was used for another request.
            Unavailable: not now.
            OutcomeUnknown: it isn't durable after `answer_s` seconds; it may yet be.
        """
        self._check_open()
        check_tenant(tenant)
        check_plain(labels or {}, deadline_s, by)
        compiled = await self._workflow(workflow, tenant)
        if compiled.input_schema is not None:
            await self._read(
                check_against, compiled.input_schema, input, "$.input", "the session's input", _INPUT_STEPS
            )
        command = Create(
            session_id=session_name(session_id or self._ids.new(), tenant),
            input=encode_request(input, "$.input"),
            context=encode_request({} if context is None else context, "$.context"),
            labels=labels or {},
            deadline_s=deadline_s,
            tenant=tenant,
            start=start,
            trace=traceparent(trace) or UNSET,
            by=UNSET if by is None else by,
        )
        command = command.identified(compiled.workflow_id, compiled.version)
        if session_id is not None and not ID.fullmatch(session_id):
            fault = Fault("$.session_id", "should be 1 to 128 of A-Z a-z 0-9 . _ : -")
            raise InvalidInput([fault], "the request")
        return await self._created(compiled, command, fresh=session_id is None)

    async def start(self, workflow: Workflow | dict[str, Any] | str, **options: Any) -> Session:
        """Create and start a session; the arguments are those of `create`."""
        created = await self.create(workflow, **options)
        return Session(self, created.session_id)

    async def fork(self, session_id: str, request: Fork, by: str | None = None) -> Created:
        """Create a session that goes on from a point of another one, durably; see `Session.fork`."""
        self._check_open()
        check_plain({}, None, by)
        workflow, command = await prepare(
            self.store, self.definitions, self._read, session_id, request, self._ids.new(), by
        )
        return await self._created(workflow, command, fresh=request.session_id is None)

    def session(self, session_id: str) -> Session:
        """Return a handle on a session, whether it exists or not."""
        return Session(self, session_id)

    async def command(self, session_id: str, message: Any) -> Any:
        """Have a session handle a command and return its reply, once that is durable.

        Raises:
            NotFound, CommandRefused, NotWaiting, InvalidInput, Unavailable.
            OutcomeUnknown: it isn't durable after `answer_s` seconds; its commit stays queued.
        """
        if self._draining:
            raise Draining("the runtime is shutting down")
        work = self.placement.command(session_id, message)
        return await done_in_time(work, session_id, self._options.answer_s)

    async def detail(self, session_id: str) -> SessionDetail:
        """Return a session, whole, as far as it is durable; one that isn't in memory is only read.

        Raises:
            NotFound: there is none.
        """
        if self.awake(session_id):
            found = self.placement.command(session_id, Describe())
            detail: SessionDetail = await shown_in_time(found, session_id, self._options.answer_s)
            return detail
        restored = await self.restorer.restore(session_id)
        if restored is None:
            raise NotFound("session", session_id)
        return describe(restored.workflow, restored.state, ())

    async def present_of(self, session_id: str) -> Reset | None:
        """Return what stands for all events of a session so far; None if there is none."""
        try:
            return reset_at(await self.detail(session_id))
        except NotFound:
            return None

    async def ended(self, session_id: str) -> SessionDetail:
        """Wait until a session has ended and return it, whole.

        Raises:
            NotFound: there is none.
            Draining: the runtime was closed before.
        """
        while True:
            if self.awake(session_id):
                with suppress(SessionFailed):  # it is being recovered: ask again
                    detail: SessionDetail = await self.placement.command(session_id, AwaitEnd())
                    return detail
            elif (detail := await self.detail(session_id)).status in TERMINAL:
                return detail
            else:
                await self.placement.command(session_id, Describe())  # brings it into memory

    def awake(self, session_id: str) -> bool:
        """Return whether a session is in memory."""
        ref = self.placement.shard(session_id).sessions.get(session_id)
        return ref is not None and ref.is_alive()

    async def delete(self, session_id: str) -> None:
        """Remove a session that has ended, with its events and its child sessions.

        Raises:
            NotFound: there is none.
            CommandRefused: it hasn't ended.
            Fenced: its shard has another owner.
        """
        if self._draining:
            raise Draining("the runtime is shutting down")
        await self._deletion.of(session_id)

    def subscribe(self, session_id: str, after: int = 0, seen: str | None = None) -> Subscription:
        """Follow a session's events after seq `after`: stored ones first, then live, without gap or repeat.

        `seen` is the timestamp of that event, as the follower has it.
        """
        return self.hub.subscribe(session_id, after, seen=seen)

    # ---- workflows

    async def register(self, definition: Any, tenant: str = DEFAULT) -> Definition:
        """Check and store a tenant's definition under its id, listed; equal definitions have equal versions.

        Raises:
            InvalidWorkflow: with every fault.
        """
        workflow = await self.definitions.compiled(definition, tenant)
        return await self.definitions.keep(workflow, listed=True, tenant=tenant)

    async def _workflow(self, workflow: Workflow | dict[str, Any] | str, tenant: str) -> Workflow:
        if isinstance(workflow, Workflow):
            return workflow
        if isinstance(workflow, str):
            return await self.definitions.find(workflow, tenant=tenant)
        return await self.definitions.compiled(workflow, tenant)

    # ---- inside

    async def _created(self, workflow: Workflow, command: Create, *, fresh: bool) -> Created:
        async with self.definitions.held(workflow, command.tenant):
            work = self.placement.create(workflow, command, fresh=fresh)
            return await done_in_time(work, command.session_id, self._options.answer_s)

    def _check_open(self) -> None:
        if self._draining:
            raise Draining("the runtime is shutting down")
        if self.writer.trouble is not None:
            raise self.writer.trouble

    def _retire(self, shard: int, session_id: str) -> None:
        self.placement.shards[shard].sessions.pop(session_id, None)

    def _fail_over(self, shard: int, session_id: str) -> None:
        supervisor = self.placement.shards[shard].supervisor
        if supervisor.is_alive():
            supervisor.tell(FailOver(session_id))
