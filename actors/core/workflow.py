"""The workflow graph, as the engine goes by it: `parse` makes one of a definition.

Nodes know their incoming edges and loops. Back edges (a loop's first successor) are kept apart: without them the graph
is acyclic.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from .node import NodeType
from .retry import Retry

ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class AtLeast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A join that is met by n taken edges."""

    at_least: int


class NodeSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A node as the definition has it."""

    type: str
    name: str | None = None
    next_ids: tuple[str, ...] = ()
    properties: dict[str, Any] = {}
    join: Literal["all", "any"] | AtLeast = "all"
    timeout_s: float | None = None
    retry: Retry | None = None
    on_error: Literal["fail", "continue", "suspend"] = "fail"


class Node:
    """A node ready to run.

    Attributes:
        incoming: where its forward edges come from.
        loops: the loop nodes whose body it is in, itself included if it is one.
        body: for a loop, the nodes that go round with it; else empty.
        static: its properties as the type's struct, if no expression is in them.
    """

    __slots__ = ("body", "id", "incoming", "loops", "next_ids", "spec", "static", "type")

    def __init__(self, node_id: str, spec: NodeSpec, node_type: NodeType) -> None:
        self.id = node_id
        self.spec = spec
        self.type = node_type
        self.next_ids = spec.next_ids
        self.incoming: tuple[str, ...] = ()
        self.loops: tuple[str, ...] = ()
        self.body: frozenset[str] = frozenset()
        self.static: Any = None

    @property
    def agent_id(self) -> str:
        """The id under which its tokens are shown."""
        named = self.spec.properties.get("agent_id")
        return named if isinstance(named, str) else self.id


class Workflow:
    """A valid graph.

    Attributes:
        version: a digest of the definition, so equal definitions have equal versions.
        body: the definition as canonical JSON.
        input_schema: a JSON Schema for the session's input, or None.
    """

    __slots__ = (
        "__weakref__",
        "body",
        "description",
        "input_schema",
        "name",
        "nodes",
        "start",
        "version",
        "workflow_id",
    )

    def __init__(self, definition: Mapping[str, Any], nodes: dict[str, Node], start: str) -> None:
        self.workflow_id: str = definition["workflow_id"]
        self.name: str = definition.get("name") or self.workflow_id
        self.description: str | None = definition.get("description")
        self.input_schema: Any = definition.get("input_schema")
        self.nodes = nodes
        self.start = start
        self.body = msgspec.json.encode(definition, order="sorted")
        self.version = hashlib.sha256(self.body).hexdigest()[:16]


def is_loop(node: Node) -> bool:
    """Return whether the node closes cycles: its first edge goes back."""
    return node.spec.type == "loop"


def forward(node: Node) -> tuple[str, ...]:
    """Return the node's forward successors."""
    return node.next_ids[1:] if is_loop(node) else node.next_ids
