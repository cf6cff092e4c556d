"""The workflow graph: parsed, validated with all faults at once, compiled for the engine.

A definition is plain data (from JSON or YAML). `parse` checks it against the node types and returns a
Workflow, whose nodes know their incoming edges and loops. Back edges (a loop's first successor) are
kept apart: without them the graph is acyclic.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from .errors import ExpressionError, Fault, InvalidWorkflow
from .expressions import expression, is_template, template
from .node import Anything, NodeType, TaskType
from .retry import Retry

MAX_NODES: Final = 1_000
MAX_EDGES: Final = 5_000
MAX_DEPTH: Final = 64
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


class _Definition(msgspec.Struct, forbid_unknown_fields=True):
    """The outer fields; nodes are converted one by one so that each fault gets its own path."""

    workflow_id: str
    nodes: dict[str, Any]
    start_node_id: str
    name: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | bool | None = None


def parse(definition: Any, types: Mapping[str, NodeType]) -> Workflow:
    """Check `definition` and compile it.

    Raises:
        InvalidWorkflow: with every fault found, each with its path.
    """
    if _depth_over(definition, MAX_DEPTH):
        raise InvalidWorkflow([Fault("$", f"nested deeper than {MAX_DEPTH} levels")])
    try:
        outer = msgspec.convert(definition, _Definition)
    except msgspec.ValidationError as error:
        raise InvalidWorkflow([fault_of(error, "$")]) from None
    faults = list(_check_outer(outer))
    nodes: dict[str, Node] = {}
    for node_id, raw in outer.nodes.items():
        _parse_node(node_id, raw, types, nodes, faults)
    if len(nodes) == len(outer.nodes):
        faults += _check_edges(nodes, outer.start_node_id)
    if not faults:
        _connect(nodes)
        faults += _check_graph(nodes, outer.start_node_id)
    if faults:
        raise InvalidWorkflow(faults)
    return Workflow(definition, nodes, outer.start_node_id)


def fault_of(error: msgspec.ValidationError, at: str) -> Fault:
    """Return a msgspec error as a Fault below the path `at`."""
    message, _, where = str(error).partition(" - at `$")
    return Fault(at + where.rstrip("`"), message[:1].lower() + message[1:])


def _depth_over(value: Any, limit: int) -> bool:
    layer = [value]
    for _ in range(limit + 1):
        layer = [
            item
            for inner in layer
            if isinstance(inner, (dict, list, tuple))
            for item in (inner.values() if isinstance(inner, dict) else inner)
        ]
        if not layer:
            return False
    return True


def _check_outer(outer: _Definition) -> Iterator[Fault]:
    if not ID.fullmatch(outer.workflow_id):
        yield Fault("$.workflow_id", "should be 1 to 128 of A-Z a-z 0-9 . _ : -")
    if not outer.nodes:
        yield Fault("$.nodes", "has no node")
    if len(outer.nodes) > MAX_NODES:
        yield Fault("$.nodes", f"has {len(outer.nodes)} nodes, the limit is {MAX_NODES}")
    if outer.start_node_id not in outer.nodes:
        yield Fault("$.start_node_id", f"there is no node {outer.start_node_id!r}")
    if outer.input_schema is not None:
        from jsonschema import Draft202012Validator, SchemaError

        try:
            Draft202012Validator.check_schema(outer.input_schema)
        except SchemaError as error:
            yield Fault("$.input_schema" + error.json_path[1:], error.message)


def _parse_node(
    node_id: str, raw: Any, types: Mapping[str, NodeType], nodes: dict[str, Node], faults: list[Fault]
) -> None:
    at = f"$.nodes.{node_id}"
    if not ID.fullmatch(node_id):
        faults.append(Fault(at, "a node id should be 1 to 128 of A-Z a-z 0-9 . _ : -"))
    try:
        spec = msgspec.convert(raw, NodeSpec)
    except msgspec.ValidationError as error:
        faults.append(fault_of(error, at))
        return
    node_type = types.get(spec.type)
    if node_type is None:
        faults.append(Fault(f"{at}.type", f"unknown type {spec.type!r}; known: {', '.join(sorted(types))}"))
        return
    node = Node(node_id, spec, node_type)
    before = len(faults)
    faults.extend(_check_policies(spec, node_type, at))
    faults.extend(_check_properties(node, f"{at}.properties"))
    if len(faults) == before:
        faults.extend(Fault(at + fault.path, fault.message) for fault in node_type.check(node))
        for where, definition in node_type.definitions(node):
            faults.extend(_faults_within(definition, types, at + where))
    nodes[node_id] = node


def _faults_within(definition: Any, types: Mapping[str, NodeType], at: str) -> list[Fault]:
    """The faults of a definition that stands in another one at path `at`."""
    try:
        parse(definition, types)
    except InvalidWorkflow as error:
        return [Fault(at + fault.path[1:], fault.message) for fault in error.faults]
    return []


def _check_policies(spec: NodeSpec, node_type: NodeType, at: str) -> Iterator[Fault]:
    if spec.timeout_s is not None and spec.timeout_s <= 0:
        yield Fault(f"{at}.timeout_s", "should be above 0 seconds")
    if spec.timeout_s is not None and not isinstance(node_type, TaskType):
        waits = "timeout_s" in node_type.properties.__struct_fields__
        hint = "; how long it waits is `timeout_s` in its properties" if waits else ""
        yield Fault(f"{at}.timeout_s", f"a {spec.type} node has no attempt to time{hint}")
    if isinstance(spec.join, AtLeast) and spec.join.at_least < 1:
        yield Fault(f"{at}.join.at_least", "should be at least 1")
    if spec.retry is not None and not isinstance(node_type, TaskType):
        yield Fault(f"{at}.retry", f"a {spec.type} node has no attempts to repeat")
    if len(set(spec.next_ids)) != len(spec.next_ids):
        yield Fault(f"{at}.next_ids", "names a node twice")


def _check_properties(node: Node, at: str) -> Iterator[Fault]:
    """Fields without expressions must fit now, one by one and together; the others when the node starts."""
    apart = list(_check_fields(node, at))
    yield from apart
    given, struct = node.spec.properties, node.type.properties
    as_it_is = (*node.type.expressions, *node.type.verbatim)
    dynamic = any(is_templated(value) for name, value in given.items() if name not in as_it_is)
    if apart or dynamic:
        return
    try:
        node.static = given if struct is Anything else msgspec.convert(given, struct)
    except msgspec.ValidationError as error:
        yield fault_of(error, at)


def _check_fields(node: Node, at: str) -> Iterator[Fault]:
    struct = node.type.properties
    given = node.spec.properties
    known = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, value in given.items():
        here = f"{at}.{name}"
        if name in node.type.expressions and isinstance(value, str):
            yield from check_expression(value, here)
            continue
        as_it_is = name in node.type.expressions or name in node.type.verbatim
        if not as_it_is and ((found := list(_templates(value, here))) or is_templated(value)):
            yield from found
            continue
        field = known.get(name)
        if field is None:
            if struct.__struct_config__.forbid_unknown_fields:
                yield Fault(here, f"unknown property; known: {', '.join(known) or 'none'}")
            continue
        try:
            msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            yield fault_of(error, here)
    for name, field in known.items():
        if field.required and name not in given:
            yield Fault(f"{at}.{name}", "is missing")


def is_templated(value: Any) -> bool:
    """Return whether a template stands anywhere in `value`."""
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, dict):
        return any(is_templated(item) for item in value.values())
    return isinstance(value, list) and any(is_templated(item) for item in value)


def _templates(value: Any, at: str) -> Iterator[Fault]:
    """Faults of the templates in `value`."""
    if isinstance(value, str):
        if is_template(value):
            try:
                template(value)
            except ExpressionError as error:
                yield Fault(at, str(error))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _templates(item, f"{at}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _templates(item, f"{at}[{index}]")


def check_expression(source: str, at: str) -> Iterator[Fault]:
    """Yield a fault, with path `at`, if a bare expression doesn't parse."""
    try:
        expression(source)
    except ExpressionError as error:
        yield Fault(at, str(error))


def _check_edges(nodes: dict[str, Node], start: str) -> Iterator[Fault]:
    edges = sum(len(node.next_ids) for node in nodes.values())
    if edges > MAX_EDGES:
        yield Fault("$.nodes", f"have {edges} edges, the limit is {MAX_EDGES}")
    for node in nodes.values():
        at = f"$.nodes.{node.id}.next_ids"
        for index, target in enumerate(node.next_ids):
            if target not in nodes:
                yield Fault(f"{at}[{index}]", f"there is no node {target!r}")
        least, most = node.type.arity
        count = len(node.next_ids)
        if count < least or (most is not None and count > most):
            wanted = f"exactly {least}" if least == most else f"{least} to {most or 'any number'}"
            yield Fault(at, f"a {node.spec.type} node has {wanted} successors, this one {count}")
    if start in nodes and any(start in node.next_ids[_forward_from(node) :] for node in nodes.values()):
        yield Fault("$.start_node_id", f"an edge leads back to the start node {start!r}")


def _is_loop(node: Node) -> bool:
    return node.spec.type == "loop"


def _forward_from(node: Node) -> int:
    """Index of the first forward edge in next_ids: a loop's first edge goes back."""
    return 1 if _is_loop(node) else 0


def forward(node: Node) -> tuple[str, ...]:
    """Return the node's forward successors."""
    return node.next_ids[1:] if _is_loop(node) else node.next_ids


def _connect(nodes: dict[str, Node]) -> None:
    """Give each node its incoming forward edges and loops."""
    incoming: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for node in nodes.values():
        for target in forward(node):
            incoming[target].append(node.id)
    for node in nodes.values():
        node.incoming = tuple(incoming[node.id])
    for loop in nodes.values():
        if _is_loop(loop) and loop.next_ids:
            down = _reach(loop.next_ids[0], lambda n: forward(nodes[n]))
            loop.body = frozenset(down & _reach(loop.id, lambda n: nodes[n].incoming))
            for member in loop.body:
                nodes[member].loops += (loop.id,)


def _reach(begin: str, follow: Any) -> set[str]:
    seen, todo = {begin}, [begin]
    while todo:
        for target in follow(todo.pop()):
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def _check_graph(nodes: dict[str, Node], start: str) -> Iterator[Fault]:
    reached = _reach(start, lambda n: nodes[n].next_ids)
    for node_id in nodes:
        if node_id not in reached:
            yield Fault(f"$.nodes.{node_id}", "can't be reached from the start node")
    yield from _check_cycles(nodes)
    yield from _check_first_round(nodes, reached, start)
    for node in nodes.values():
        if _is_loop(node) and node.id not in node.body:
            yield Fault(f"$.nodes.{node.id}.next_ids[0]", f"{node.next_ids[0]!r} should lead back to this loop node")
        join = node.spec.join
        if isinstance(join, AtLeast) and join.at_least > len(node.incoming):
            count = len(node.incoming)
            yield Fault(f"$.nodes.{node.id}.join.at_least", f"is above its {count} incoming edges")


def _check_first_round(nodes: dict[str, Node], reached: set[str], start: str) -> Iterator[Fault]:
    """In a loop's first round its way back isn't taken: what waited for a node that only it leads to would starve."""
    first = _reach(start, lambda n: forward(nodes[n]))
    for node_id in nodes:
        if node_id in reached - first and nodes[node_id].loops:
            yield Fault(f"$.nodes.{node_id}", "only a loop's way back leads here, none from the start node")


def _check_cycles(nodes: dict[str, Node]) -> Iterator[Fault]:
    """Kahn's algorithm over the forward edges (CACM 5(11), 1962): what is left over is in, or behind, a cycle."""
    open_edges = {node_id: len(node.incoming) for node_id, node in nodes.items()}
    ready = [node_id for node_id, count in open_edges.items() if not count]
    while ready:
        for target in forward(nodes[ready.pop()]):
            open_edges[target] -= 1
            if not open_edges[target]:
                ready.append(target)
    for node_id, count in open_edges.items():
        if count and node_id in _reach_from_successors(nodes, node_id):
            yield Fault(f"$.nodes.{node_id}", "is on a cycle that no loop node closes")


def _reach_from_successors(nodes: dict[str, Node], node_id: str) -> set[str]:
    found: set[str] = set()
    for target in forward(nodes[node_id]):
        found |= _reach(target, lambda n: forward(nodes[n]))
    return found
