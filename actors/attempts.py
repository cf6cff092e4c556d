"""The attempts of one session that run now: who works, who is parked, whose tokens wait.

A part of the session actor, made when the first attempt starts and dropped when none is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pykka import ActorRef

from .context import AttemptHost, NodeContext
from .core.node import NodeRegistry
from .core.scope import NodeScope
from .core.segment import Segment
from .core.state import SessionState
from .core.workflow import Node, Workflow
from .dispatch.mailbox import Kill
from .executor import RUN, NodeExecutor
from .gate import Gate
from .resources import NodeResources

Spawn = Callable[[Node, NodeContext], ActorRef[NodeExecutor]]


class Attempts:
    """Executors by node id, the gate they park at, and the order in which their tokens wait.

    Args:
        host: what attempts report to.
        spawn: makes an executor a child of the session.
    """

    __slots__ = ("_gate", "_host", "_parked", "_registry", "_resources", "_running", "_spawn", "_tails")

    def __init__(
        self, host: AttemptHost, registry: NodeRegistry, resources: NodeResources, spawn: Spawn, paused: bool
    ) -> None:
        self._host = host
        self._registry = registry
        self._resources = resources
        self._spawn = spawn
        self._gate = Gate()
        self._gate.shut = paused
        self._running: dict[str, tuple[NodeContext, ActorRef[NodeExecutor]]] = {}
        self._parked: set[str] = set()
        self._tails: list[NodeContext] = []

    def start(self, workflow: Workflow, state: SessionState, node_id: str) -> None:
        """Run the node's present attempt."""
        node = workflow.nodes[node_id]
        context = NodeContext(
            session_id=state.session_id,
            node=node,
            attempt=state.node(node_id).attempt,
            scope=NodeScope(workflow, state, node),
            host=self._host,
            gate=self._gate,
            registry=self._registry,
            resources=self._resources,
        )
        executor = self._spawn(node, context)
        self._running[node_id] = context, executor
        executor.tell(RUN)

    def ended(self, context: NodeContext) -> None:
        """An executor is through."""
        found = self._running.get(context.node_id)
        if found is not None and found[0] is context:
            del self._running[context.node_id]
            self._parked.discard(context.node_id)
        context.made_room()

    def of_executor(self, ref: ActorRef[NodeExecutor]) -> NodeContext | None:
        """Return the attempt that an executor runs."""
        for context, executor in self._running.values():
            if executor.actor_urn == ref.actor_urn:
                return context
        return None

    def __bool__(self) -> bool:
        return bool(self._running)

    @property
    def alive(self) -> Iterable[str]:
        """Nodes with an executor."""
        return self._running

    @property
    def parked(self) -> set[str]:
        """Nodes whose executor stands at the gate."""
        return self._parked

    def park(self, context: NodeContext, parked: bool) -> None:
        """Note that an attempt stands at the gate, or goes on."""
        if parked:
            self._parked.add(context.node_id)
        else:
            self._parked.discard(context.node_id)

    def pause(self) -> None:
        """Shut the gate."""
        self._gate.close()

    def resume(self) -> None:
        """Open the gate."""
        self._gate.open()

    def tell_end(self) -> None:
        """The session has ended: let everybody know, and forget what they emitted."""
        self._gate.open()
        self._tails = []
        for context, _ in self._running.values():
            context.cancelled = True
            context.buffer.clear()
            context.made_room()

    def kill(self, node_ids: Iterable[str] | None = None) -> None:
        """Cancel executors, all unless some are named; a blocking one goes on and is abandoned."""
        for node_id in list(self._running) if node_ids is None else node_ids:
            if node_id not in self._running:
                continue
            context, executor = self._running[node_id]
            context.cancelled = True
            if executor.is_alive():
                executor.tell(Kill())

    # ---- tokens

    def tokens_waiting(self, context: NodeContext) -> None:
        """An attempt has chunks; they are taken with the next cut."""
        self._tails.append(context)

    @property
    def has_tokens(self) -> bool:
        """Whether chunks wait."""
        return bool(self._tails)

    def cut(self, state: SessionState, now: str) -> Segment | None:
        """Take all chunks that wait as one segment after `state.seq`; those of attempts that ended are dropped."""
        tails, self._tails = self._tails, []
        seq, frames = state.seq, []
        for context in tails:
            buffer = context.buffer
            buffer.announced = False
            present = state.node(context.node_id)
            if present.status == "running" and (present.round, present.attempt) == (context.round, context.attempt):
                seq, taken = buffer.cut(seq, now)
                frames += taken
            else:
                buffer.clear()
            context.made_room()
        return Segment(state.seq + 1, seq, b"".join(frames)) if frames else None
