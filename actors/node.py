"""Node types and their registry: what a workflow can be made of, built in or a user's own.

There are three kinds. An *inline* node is decided inside the session's own decision: it only
computes (start, end, loop, switch, vote). A *waiting* node suspends until somebody or something answers
(human_review, signal, delay). A *task* runs as a child actor (agent, tool, yours).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import msgspec

from .errors import Fault, TerminalError
from .events import Fact

if TYPE_CHECKING:
    from .context import NodeContext
    from .workflow import Node


class NoProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node type without properties."""


class Anything(msgspec.Struct, frozen=True):
    """Properties of a node type that didn't say which it takes: any, unchecked."""


class View(Protocol):
    """What an inline or waiting node may look at when it is decided."""

    node: Node
    round: int
    laps: int
    """Rounds this loop node has closed since it was entered."""

    @property
    def routed(self) -> bool:
        """Whether a successor chooses its way by this node's output."""
        ...

    def properties(self) -> Any:
        """Return the node's properties, expressions resolved, as the type's struct."""
        ...

    def truth(self, source: str) -> bool:
        """Evaluate a bare expression that must give a boolean."""
        ...

    def value(self, source: str) -> Any:
        """Evaluate a bare expression."""
        ...

    def now(self) -> float:
        """Return the time of this decision, in seconds since the Unix epoch."""
        ...

    def upstream(self) -> dict[str, Any]:
        """Return the outputs of the nodes that led here, by id."""
        ...

    def input(self) -> Any:
        """Return the session's input."""
        ...


class Outcome(msgspec.Struct, frozen=True):
    """What an inline node, or an answered wait, came to.

    Attributes:
        taken: the successors to go on to, None for all.
        facts: further facts to record just before the node completes.
    """

    output: Any
    taken: tuple[str, ...] | None = None
    facts: tuple[Fact, ...] = ()


class NodeType:
    """Base of all node types.

    Attributes:
        name: what `type` says in a workflow.
        properties: a struct type; its JSON Schema is what users see.
        arity: how many successors are allowed, least and most (None: any number).
        expressions: properties that hold bare expressions, which the type evaluates itself.
        signalled: whether its nodes wait for signals.
    """

    name: str
    properties: type[msgspec.Struct] = NoProperties
    arity: ClassVar[tuple[int, int | None]] = (0, None)
    expressions: ClassVar[tuple[str, ...]] = ()
    doc: str = ""
    signalled: ClassVar[bool] = False

    def check(self, node: Node) -> Iterable[Fault]:
        """Return what is wrong with `node` beyond its properties' types, each with its path below the node."""
        return ()

    def stand_in(self, node: Node, output: Any) -> Outcome:
        """Return what a node comes to whose output a person gives, after it failed.

        Raises:
            InvalidInput: the output isn't one that the node could have.
        """
        return Outcome(output)


class InlineType(NodeType):
    """A node type that only computes."""

    def decide(self, view: View) -> Outcome:
        """Return what the node comes to.

        Raises:
            NodeError: the node fails.
        """
        raise NotImplementedError


class Answer(msgspec.Struct, frozen=True):
    """What closed a wait: `action` is approve, reject, modify, resume, signal or timer."""

    action: str
    data: Any = None
    by: str | None = None


class WaitingType(NodeType):
    """A node type that suspends until it is answered."""

    def open(self, view: View) -> Fact:
        """Return the fact that says what is waited for.

        Raises:
            NodeError: the node fails.
        """
        raise NotImplementedError

    def answer(self, view: View, opened: Fact | None, answer: Answer) -> Outcome:
        """Return what the node comes to.

        Raises:
            InvalidInput: the answer doesn't fit; the wait stays open.
            NodeError: the answer fails the node.
        """
        raise NotImplementedError


class TaskType(NodeType):
    """A node type that runs as a child actor, a new one for each attempt."""

    async def run(self, context: NodeContext, properties: Any) -> Any:
        """Do the work and return the output, which must be JSON.

        Anything raised fails this attempt and nothing else.
        """
        raise NotImplementedError


class FunctionType(TaskType):
    """A task made of a plain function of the context, sync (on a thread) or async (on the loop)."""

    def __init__(self, name: str, function: Callable[..., Any], properties: type[msgspec.Struct] = Anything) -> None:
        self.name = name
        self.properties = properties
        self.doc = inspect.getdoc(function) or ""
        self._function = function
        self._is_async = inspect.iscoroutinefunction(function)

    async def run(self, context: NodeContext, properties: Any) -> Any:
        """Call the function; a sync one on the runtime's thread pool."""
        if self._is_async:
            work: Awaitable[Any] = self._function(context)
            return await work
        return await context.in_thread(self._function, context)


F = TypeVar("F", bound=Callable[..., Any])


class NodeRegistry:
    """The node types and tools that workflows may name."""

    def __init__(self, types: Mapping[str, NodeType] | None = None) -> None:
        self.types: dict[str, NodeType] = dict(types or {})
        self.tools: dict[str, Callable[..., Any]] = {}

    def add(self, node_type: NodeType) -> None:
        """Register a node type under its name, in place of any other of that name."""
        self.types[node_type.name] = node_type

    def node(self, name: str, *, properties: type[msgspec.Struct] = Anything) -> Callable[[F], F]:
        """Return a decorator that registers a function of a NodeContext as node type `name`."""

        def register(function: F) -> F:
            self.add(FunctionType(name, function, properties))
            return function

        return register

    def tool(self, name: str) -> Callable[[F], F]:
        """Return a decorator that registers a function as a tool for `tool` nodes."""

        def register(function: F) -> F:
            self.tools[name] = function
            return function

        return register

    def find_tool(self, name: str) -> Callable[..., Any]:
        """Return the tool called `name`.

        Raises:
            NodeError: there is none.
        """
        found = self.tools.get(name)
        if found is None:
            known = ", ".join(sorted(self.tools)) or "none"
            raise TerminalError(f"there is no tool {name!r}; registered: {known}", "unknown_tool")
        return found

    def copy(self) -> NodeRegistry:
        """Return a registry of the same content that changes on its own."""
        twin = NodeRegistry(self.types)
        twin.tools = dict(self.tools)
        return twin


default_registry = NodeRegistry()
"""What `@node` and `@tool` register in, and every runtime starts from."""

node = default_registry.node
tool = default_registry.tool
