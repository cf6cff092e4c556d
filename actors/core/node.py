"""Node types and their registry: what a workflow can be made of, built in or a user's own.

There are three kinds. An *inline* node is decided inside the session's own decision: it only
computes (start, end, loop, switch, vote). A *waiting* node suspends until somebody or something answers
(human_review, signal, delay). A *task* runs as a child actor (agent, tool, yours).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, TypeVar

import msgspec
from msgspec import Raw

from .errors import Fault, TerminalError
from .events import Fact
from .reviewers import ANYBODY, Reviewers
from .user_code import RunsIn, UserCode

if TYPE_CHECKING:
    from ..context import NodeContext
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
        """Whether a successor chooses its way by this node's output, or counts it as a ballot."""
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

    def passed_on(self) -> Raw:
        """Return the one output that led here, or all of them by node id: undecoded, to be put out as they are."""
        ...

    def input(self) -> Any:
        """Return the session's input."""
        ...

    def raw_input(self) -> Raw:
        """Return the session's input undecoded."""
        ...

    def initiators(self) -> tuple[str, ...]:
        """Return who created or started the session, as far as they are known."""
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
        verbatim: properties that are taken as they are, whatever expressions stand in them.
        schemas: properties that hold JSON Schemas.
        signalled: whether its nodes wait for signals.
    """

    name: str
    properties: type[msgspec.Struct] = NoProperties
    arity: ClassVar[tuple[int, int | None]] = (0, None)
    expressions: ClassVar[tuple[str, ...]] = ()
    verbatim: ClassVar[tuple[str, ...]] = ()
    schemas: ClassVar[tuple[str, ...]] = ()
    doc: str = ""
    signalled: ClassVar[bool] = False

    def check(self, node: Node) -> Iterable[Fault]:
        """Return what is wrong with `node` beyond its properties' types, each with its path below the node."""
        return ()

    def definitions(self, node: Node) -> Iterable[tuple[str, Any]]:
        """Return the workflow definitions that stand in `node`'s properties, each with its path below the node."""
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

    def reviewers(self, view: View) -> Reviewers:
        """Return who may decide about the node while it has no open question: it failed before it could ask, say."""
        return ANYBODY

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


class UserType(TaskType):
    """A task made of a user's own function, generator or class."""

    def __init__(self, name: str, code: UserCode) -> None:
        self.name = name
        self.code = code
        self.properties = code.properties or Anything
        self.doc = code.doc

    async def run(self, context: NodeContext, properties: Any) -> Any:
        """Run it on the loop, a thread or a process, as it wants."""
        return await self.code.run(context, properties)


ENGINE_TYPES: Final = frozenset({"loop", "switch"})
"""Names by which the engine tells how a graph goes on: no user's node can have them."""

F = TypeVar("F", bound=Callable[..., Any])


class NodeRegistry:
    """The node types and tools that workflows may name.

    Attributes:
        types: node types by name.
        tools: functions for `tool` nodes by name.
        plugins: names of the plug-ins whose content it has.
    """

    def __init__(self, types: Mapping[str, NodeType] | None = None) -> None:
        self.types: dict[str, NodeType] = dict(types or {})
        self.tools: dict[str, Callable[..., Any]] = {}
        self.plugins: set[str] = set()

    def add(self, node_type: NodeType) -> None:
        """Register a node type under its name, in place of any other of that name."""
        self.types[node_type.name] = node_type

    def node(
        self, name: str, *, properties: type[msgspec.Struct] | None = None, runs_in: RunsIn | None = None
    ) -> Callable[[F], F]:
        """Return a decorator that registers a function, a generator function or a class as node type `name`.

        Args:
            name: what `type` says in a workflow.
            properties: the struct type of the properties, where no annotation names it.
            runs_in: `loop`, `thread` or `process`; by default `loop` for async code, `thread` for all other.

        Raises:
            ValueError: the name is one that the engine itself goes by.
            TypeError: from the decorator: what it decorates can't be a node, or can't run there.
        """
        if name in ENGINE_TYPES:
            raise ValueError(f"{name!r} is a node type of the engine's own, it can't be another")

        def register(target: F) -> F:
            self.add(UserType(name, UserCode(target, properties, runs_in)))
            return target

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

    def add_missing(self, other: NodeRegistry) -> list[str]:
        """Add what `other` has under names that are free here; return the names that something else has."""
        left_out = []
        for name, node_type in other.types.items():
            if self.types.setdefault(name, node_type) is not node_type:
                left_out.append(name)
        for name, tool in other.tools.items():
            if self.tools.setdefault(name, tool) is not tool:
                left_out.append(name)
        return left_out

    def of_package(self, package: str) -> NodeRegistry:
        """Return a registry of those nodes and tools here whose code is of a top-level package."""
        part = NodeRegistry()
        part.types = {name: kind for name, kind in self.types.items() if _package(_code(kind)) == package}
        part.tools = {name: function for name, function in self.tools.items() if _package(function) == package}
        return part

    def copy(self) -> NodeRegistry:
        """Return a registry of the same content that changes on its own."""
        twin = NodeRegistry(self.types)
        twin.tools = dict(self.tools)
        twin.plugins = set(self.plugins)
        return twin


def _code(node_type: NodeType) -> Any:
    return node_type.code.target if isinstance(node_type, UserType) else type(node_type)


def _package(code: Any) -> str:
    module: str = getattr(code, "__module__", "")
    return module.partition(".")[0]


default_registry = NodeRegistry()
"""What `@node` and `@tool` register in, and every runtime starts from."""

node = default_registry.node
tool = default_registry.tool
