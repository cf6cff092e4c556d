"""One simulated process: a loop, a runtime on it, and what its nodes do. It may crash at any moment."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from random import Random
from typing import TYPE_CHECKING, Any

from sessiond.actors.context import NodeContext
from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_mailbox import LoopMailbox
from sessiond.actors.environment import RandomIds
from sessiond.actors.options import Options
from sessiond.actors.resources import NodeResources
from sessiond.actors.runtime import Runtime
from sessiond.persistence import writer

from .committing import SimulatedCommitLine
from .loop import SimulatedLoop
from .nodes import registry
from .shuffled import Shuffled
from .store import StoreLink
from .threads import SimulatedThreads

if TYPE_CHECKING:
    from .world import World

BEGAN: float = 1_767_225_600.0
"""The wall clock at the beginning, in seconds since the Unix epoch."""


class Body:
    """One attempt of a node at work.

    Attributes:
        returned: what it returned, None before.
    """

    __slots__ = ("_output", "process", "returned")

    def __init__(self, process: Process, output: dict[str, Any]) -> None:
        self.process = process
        self._output = output
        self.returned: dict[str, Any] | None = None

    def returns(self) -> dict[str, Any]:
        """Note that it is through, and return its output."""
        self.returned = self._output
        return self._output


class Process:
    """A process that owns the store, did so once, or is about to.

    Attributes:
        number: 1, 2, 3 … in the order of their starts.
        alive: False once it crashed or was closed.
        orderly: whether it was closed, rather than crashed: whatever failed inside was heard of.
        calls: commands that were sent to it and aren't answered yet.
        haunts: whether a commit that was on the wire when it crashed still arrives.
        runtime: None before it is open.
        quiet: sessions whose pause this process has acknowledged, and that nobody resumed since.
    """

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.alive = True
        self.haunts = False
        self.orderly = False
        self.calls = 0
        self.runtime: Runtime | None = None
        self.loop = SimulatedLoop(world.scheduler)
        self._dispatcher: LoopDispatcher | None = None
        self.quiet: set[str] = set()
        self.resumes: dict[str, list[int]] = {}
        self._skew = world.draw_skew()
        self._ids = Random(f"{world.seed}/{number}")

    def now(self) -> float:
        """The wall clock of this process's machine; see Clock."""
        return BEGAN + self.world.scheduler.now + self._skew

    def spawn(self, work: Callable[..., Coroutine[Any, Any, Any]], *about: Any) -> None:
        """Run a coroutine function on the process's loop."""
        self.loop.call_soon(lambda: self.loop.create_task(work(*about)))

    async def open(self) -> None:
        """Start a runtime, as `Runtime.open` does."""
        world = self.world
        link = StoreLink(self, world.shared, world.inline)
        runtime = Runtime(
            link,
            registry=registry(self),
            clock=self,
            ids=RandomIds(self._ids),
            options=Options(
                plugins=False,
                block_s=0,
                grace_s=1.0,
                snapshot_bytes=world.snapshot_bytes,
                log_limit_events=world.log_limit.events,
                log_limit_bytes=world.log_limit.bytes,
                passivate_s=world.passivate_s,
                processes=1,
                model_tokens_per_minute=6,
                answer_s=1e9,  # a lost answer must show as one that never comes
            ),
            writer=functools.partial(writer.start, make_line=functools.partial(SimulatedCommitLine, self)),
            dispatcher=self._make_dispatcher,
            resources=functools.partial(NodeResources, make_pool=functools.partial(SimulatedThreads, self.loop)),
        )
        await runtime.start_up()
        self.runtime = runtime
        world.note("open", self.number)

    def _make_dispatcher(self, loop: Any) -> LoopDispatcher:
        """A dispatcher that takes ready actors in any order: none may count on another's turn."""
        scheduler = self.world.scheduler
        made = LoopDispatcher(loop, clock=scheduler.tick, sleep=lambda _: None, throughput=self.world.throughput)
        self._dispatcher = made
        made.ready = Shuffled[LoopMailbox[Any]](scheduler.chance)
        return made

    def crash(self, why: str) -> None:
        """End at once: callbacks are never called, nothing is cleaned up."""
        if not self.alive:
            return
        self.world.note("crash", self.number, why)
        self.alive = False
        self.haunts = self.world.scheduler.chance() < 0.3
        self.loop.crash()
        self.world.gone(self)

    def begin_body(self, context: NodeContext) -> Body:
        """A node's code begins to run here: check that it may."""
        world = self.world
        key = (context.session_id, context.node_id, context.round, context.attempt)
        output = {"key": context.idempotency_key, "attempt": context.attempt}
        body = Body(self, output)
        if not self.alive:
            return body
        world.note("body", self.number, *key)
        if key in world.bodies:
            world.broken(f"attempt {key} runs twice")
        world.bodies[key] = body
        journal = world.shared.journals.get(context.session_id)
        node = journal.nodes[context.node_id] if journal else None
        if node is None or (node.round, node.attempt) < (context.round, context.attempt):
            world.broken(f"attempt {key} runs before its start is stored")
        elif world.owns(self, context.session_id) and node.status == "completed" and node.round == context.round:
            world.broken(f"attempt {key} runs although the node has completed")
        elif world.owns(self, context.session_id) and journal is not None and journal.status == "paused":
            world.broken(f"attempt {key} starts while the session is paused")
        if context.session_id in self.quiet:
            world.broken(f"attempt {key} starts after the answer to the pause")
        return body

    def bury(self) -> None:
        """Let go of whatever was under way."""
        self.loop.crash()
        for ref in self._dispatcher.directory if self._dispatcher else ():
            assert isinstance(ref, LoopMailbox)
            if ref.pending is not None:
                ref.pending[0].close()
        self.loop.bury()
