"""`parse`: a definition, which is plain data, becomes a Workflow, or all its faults are named at once. Pure.

Definitions come with requests, so before anything else their size is bounded: what follows costs at most some
microseconds for each value in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from .errors import Fault, InvalidWorkflow
from .faults import fault_of, note
from .graph import MAX_LOOPS, check_edges, check_graph, connect
from .node import NodeType, TaskType
from .properties import characters_of, check_properties, is_templated
from .schema import check_schema
from .workflow import ID, AtLeast, Node, NodeSpec, Workflow

MAX_NODES: Final = 1_000
MAX_DEPTH: Final = 64
MAX_VALUES: Final = 50_000
"""Values in a definition: members of objects and items of arrays, at any depth."""
MAX_TEMPLATES: Final = 5_000
"""`${` in a definition."""
MAX_CHARACTERS: Final = 262_144
"""Characters of all expressions in a definition: each takes some microseconds to compile."""


class _Definition(msgspec.Struct, forbid_unknown_fields=True):
    """The outer fields; nodes are converted one by one so that each fault gets its own path."""

    workflow_id: str
    nodes: dict[str, Any]
    start_node_id: str
    name: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | bool | None = None


def parse(
    definition: Any, types: Mapping[str, NodeType], *, stored: bool = False, size: Size | None = None
) -> Workflow:
    """Check `definition` and compile it.

    Args:
        definition: plain data.
        types: the node types it may name.
        stored: it was accepted before, maybe when less was asked: only what the engine needs is checked.
        size: what `size_of` says of it, if that is known.

    Raises:
        InvalidWorkflow: with every fault found, each with its path.
    """
    if not stored and (fault := (size or size_of(definition)).fault()) is not None:
        raise InvalidWorkflow([fault])
    return _parse(definition, types, _Terms(stored, MAX_CHARACTERS))


class Size(NamedTuple):
    """How much there is of a definition; where it is over a limit, at least so much.

    Attributes:
        depth: levels of objects and arrays.
        values: members and items, at any depth.
        templates: `${` in texts.
        characters: of all texts but keys.
    """

    depth: int
    values: int
    templates: int
    characters: int

    @property
    def large(self) -> bool:
        """Whether it may take more than some milliseconds to compile it."""
        return self.values + 5 * self.templates + (self.characters >> 6) > 1_000

    def fault(self) -> Fault | None:
        """Return what is too much, if anything is."""
        if self.depth > MAX_DEPTH:
            return Fault("$", f"nested deeper than {MAX_DEPTH} levels")
        if self.values > MAX_VALUES:
            return Fault("$", f"has more than {MAX_VALUES} values, at any depth")
        if self.templates > MAX_TEMPLATES:
            return Fault("$", f"has {self.templates} expressions, the limit is {MAX_TEMPLATES}")
        return None


def size_of(definition: Any) -> Size:
    """Return how much there is of a definition; counting ends a little beyond a limit."""
    depth = values = templates = characters = 0
    layer = [definition]
    while depth <= MAX_DEPTH and values <= MAX_VALUES:
        inner: list[Any] = []
        for item in layer:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list | tuple):
                inner.extend(item)
            elif isinstance(item, str):
                templates += item.count("${")
                characters += len(item)
        if not inner:
            break
        layer = inner
        depth += 1
        values += len(inner)
    return Size(depth, values, templates, characters)


@dataclass
class _Terms:
    """On what terms a definition is checked, with those within it.

    Attributes:
        stored: it was accepted before.
        characters: how many those of its expressions may be that weren't looked at yet.
    """

    stored: bool
    characters: int


def _parse(definition: Any, types: Mapping[str, NodeType], terms: _Terms) -> Workflow:
    try:
        outer = msgspec.convert(definition, _Definition)
    except msgspec.ValidationError as error:
        raise InvalidWorkflow([fault_of(error, "$")]) from None
    faults: list[Fault] = []
    note(faults, _check_outer(outer, terms.stored))
    nodes: dict[str, Node] = {}
    if len(outer.nodes) <= MAX_NODES:
        for node_id, raw in outer.nodes.items():
            note(faults, _parse_node(node_id, raw, types, nodes, terms))
        if len(nodes) == len(outer.nodes):
            note(faults, check_edges(nodes, outer.start_node_id))
    if not faults:
        cycles = connect(nodes, None if terms.stored else MAX_LOOPS)
        note(faults, check_graph(nodes, outer.start_node_id, cycles))
    if faults:
        raise InvalidWorkflow(faults)
    return Workflow(definition, nodes, outer.start_node_id)


def _check_outer(outer: _Definition, stored: bool) -> Iterator[Fault]:
    if not ID.fullmatch(outer.workflow_id):
        yield Fault("$.workflow_id", "should be 1 to 128 of A-Z a-z 0-9 . _ : -")
    if not outer.nodes:
        yield Fault("$.nodes", "has no node")
    if len(outer.nodes) > MAX_NODES:
        yield Fault("$.nodes", f"has {len(outer.nodes)} nodes, the limit is {MAX_NODES}")
    if outer.start_node_id not in outer.nodes:
        yield Fault("$.start_node_id", f"there is no node {outer.start_node_id!r}")
    if outer.input_schema is not None and not stored:
        yield from check_schema(outer.input_schema, "$.input_schema")


def _parse_node(
    node_id: str, raw: Any, types: Mapping[str, NodeType], nodes: dict[str, Node], terms: _Terms
) -> Iterator[Fault]:
    """Yield a node's faults; one that could be read joins `nodes`."""
    at = f"$.nodes.{node_id}"
    if not ID.fullmatch(node_id):
        yield Fault(at, "a node id should be 1 to 128 of A-Z a-z 0-9 . _ : -")
    try:
        spec = msgspec.convert(raw, NodeSpec)
    except msgspec.ValidationError as error:
        yield fault_of(error, at)
        return
    node_type = types.get(spec.type)
    if node_type is None:
        yield Fault(f"{at}.type", f"unknown type {spec.type!r}; known: {', '.join(sorted(types))}")
        return
    nodes[node_id] = node = Node(node_id, spec, node_type)
    characters = characters_of(node)
    terms.characters -= characters
    if characters and terms.characters < 0 and not terms.stored:
        yield Fault(f"{at}.properties", f"expressions up to here have more than {MAX_CHARACTERS} characters")
        return
    faults: list[Fault] = []
    note(faults, _check_policies(spec, node_type, at))
    note(faults, check_properties(node, f"{at}.properties"))
    yield from faults
    if faults:
        return
    for fault in node_type.check(node):
        yield Fault(at + fault.path, fault.message)
    if not terms.stored:
        for name in node_type.schemas:
            schema = spec.properties.get(name)
            if schema is not None and not is_templated(schema):  # else it is checked against as it comes out
                yield from check_schema(schema, f"{at}.properties.{name}")
    for where, definition in node_type.definitions(node):
        yield from _faults_within(definition, types, at + where, terms)


def _faults_within(definition: Any, types: Mapping[str, NodeType], at: str, terms: _Terms) -> list[Fault]:
    """The faults of a definition that stands in another one at path `at`."""
    try:
        _parse(definition, types, terms)
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
