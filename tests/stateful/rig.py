"""One session on a real store, held by a test: its tasks end when they are told to, its process dies when it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from support.graphs import registry

from sessiond import NodeRegistry, Runtime
from sessiond.actors.backoff import until_available
from sessiond.actors.core.ports import Store
from sessiond.actors.streams import Subscription, unpack_plain

from .model import DEFINITION, Model
from .unreliable import Fault, Unreliable

SESSION = "s1"
T = TypeVar("T")


class Process:
    """A runtime, and the tasks that run in it."""

    def __init__(self, store: Store) -> None:
        self.runtime = Runtime(store, registry=self._registry())
        self.session = self.runtime.session(SESSION)
        self._outcomes: dict[tuple[str, int], asyncio.Future[str]] = {}
        self._begun: dict[tuple[str, int], asyncio.Event] = {}

    def _registry(self) -> NodeRegistry:
        types = registry()

        @types.node("held")
        async def held(context: Any) -> Any:
            key = context.node_id, context.attempt
            self.begun(*key).set()
            if await self.outcome(*key) == "fail":
                raise ValueError("as told")
            return {"attempt": context.attempt}

        return types

    def outcome(self, node: str, attempt: int) -> asyncio.Future[str]:
        """What an attempt waits for."""
        key = node, attempt
        if key not in self._outcomes:
            self._outcomes[key] = asyncio.get_running_loop().create_future()
        return self._outcomes[key]

    def begun(self, node: str, attempt: int) -> asyncio.Event:
        """Set when an attempt's code has begun."""
        return self._begun.setdefault((node, attempt), asyncio.Event())

    @property
    def waiting(self) -> list[asyncio.Future[str]]:
        """What attempts wait for, and weren't given yet."""
        return [outcome for outcome in self._outcomes.values() if not outcome.done()]


class Rig:
    """The session, the present process and the one before, and a watcher that saw every event so far."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self.faults: list[Fault] = []
        self.process: Process
        self.zombie: Process | None = None
        self.seen = 0
        self.status = ""
        self.nodes: dict[str, str] = {}
        self.outputs: dict[str, Any] = {}
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Start a process, which takes the store over from the one before; that goes on as a zombie."""
        process = Process(Unreliable(self._open_store(), self.faults))
        await process.runtime.start_up()
        await process.runtime.recovered
        if self.zombie is not None:
            await self.zombie.runtime.close()
        self.zombie = getattr(self, "process", None)
        self.process = process
        self.watch()

    def watch(self) -> None:
        """Follow the session in the present process, from the last event that was seen."""
        if self._subscription is not None:
            self._subscription.close()
        self._subscription = self.process.runtime.subscribe(SESSION, self.seen)

    async def close(self) -> None:
        """End every process."""
        if self._subscription is not None:
            self._subscription.close()
        for process in (self.zombie, self.process):
            if process is not None:
                await process.runtime.close()

    async def tell(self, command: Callable[[], Awaitable[T]]) -> T:
        """Give a command as a client would: again while it is refused because the store is away.

        A fault may meet a snapshot, or what a recovered session says by itself, just before the command.
        """
        return await until_available(command)

    async def create(self) -> None:
        """Create the session, pending; said again, it is the same request."""
        await self.tell(lambda: self.process.runtime.create(DEFINITION, session_id=SESSION, start=False))

    async def agree(self, model: Model) -> None:
        """Follow the session until it is what the model says, and its tasks have begun; the same in its detail."""
        async with asyncio.timeout(10):
            while self.status != model.status or self.nodes != model.nodes:
                assert self._subscription is not None
                chunk = await self._subscription.pull()
                assert chunk is not None
                for record in unpack_plain(chunk):
                    self._take(record.seq, record.event, record.node_id, record.data)
            for node in sorted(model.live) if model.status == "running" else ():
                await self.process.begun(node, model.attempts[node]).wait()
        detail = await self.process.session.detail()
        assert detail.status == model.status
        assert {node: shown.status for node, shown in detail.nodes.items()} == model.nodes
        attempts = {node: shown.attempt for node, shown in detail.nodes.items()}
        assert attempts == model.attempts

    def _take(self, seq: int, event: str, node: str | None, data: dict[str, Any]) -> None:
        assert seq == self.seen + 1, f"event {seq} follows {self.seen}"
        assert self.status not in ("completed", "failed", "cancelled"), f"{event} follows the end"
        self.seen = seq
        match event:
            case "execution:created":
                self.status, self.nodes = "pending", dict.fromkeys(DEFINITION["nodes"], "pending")
            case "execution:started" | "execution:resumed":
                self.status = "running"
            case "execution:paused":
                self.status = "paused"
            case "execution:completed":
                self.status = data["status"]
            case "node_state_change":
                assert node is not None
                assert self.nodes[node] != "completed", f"{node} was completed, now it is {data['status']}"
                assert data["status"] != "running" or self.status == "running", f"{node} starts while {self.status}"
                self.nodes[node] = data["status"]
            case _:
                pass
