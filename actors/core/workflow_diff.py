"""What changed between two versions of a workflow, in terms of its nodes, edges and properties. Pure.

Definitions are compared as they are meant: a field that is left out equals one that spells its default out, and
the order of nodes means nothing. The order of `next_ids` does mean something: a loop goes back by its first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET

from .errors import Fault, InvalidWorkflow
from .faults import fault_of
from .workflow import NodeSpec

What: TypeAlias = Literal["workflow", "node", "edge", "property"]


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference.

    Attributes:
        kind: what became of it; its order counts as changed, too.
        what: a field of the workflow or of a node, or a node, an edge, a value within a node's properties.
        path: where; of an edge, its source's `next_ids`.
        old: what was there, absent if nothing was: JSON, of an edge its target.
        new: what is there, absent if nothing is.
    """

    kind: Literal["added", "removed", "changed"]
    what: What
    path: str
    old: Any = UNSET
    new: Any = UNSET


class _Outer(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    nodes: dict[str, Any]
    start_node_id: str
    workflow_id: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | bool | None = None


class Outline(msgspec.Struct, frozen=True):
    """A definition without what it needn't say: its own fields, and each node's."""

    fields: dict[str, Any]
    nodes: dict[str, dict[str, Any]]


_ABSENT: Final = object()


def outline(definition: Any) -> Outline:
    """Return the outline of a definition; node types and properties aren't checked.

    Raises:
        InvalidWorkflow: it hasn't the form of a workflow; with every fault.
    """
    try:
        outer = msgspec.convert(definition, _Outer)
    except msgspec.ValidationError as error:
        raise InvalidWorkflow([fault_of(error, "$")]) from None
    nodes: dict[str, dict[str, Any]] = {}
    faults: list[Fault] = []
    for node_id, raw in outer.nodes.items():
        try:
            nodes[node_id] = msgspec.to_builtins(msgspec.convert(raw, NodeSpec))
        except msgspec.ValidationError as error:
            faults.append(fault_of(error, f"$.nodes.{node_id}"))
    if faults:
        raise InvalidWorkflow(faults)
    fields = msgspec.to_builtins(outer)
    del fields["nodes"]
    return Outline(fields, nodes)


def compare(old: Outline, new: Outline) -> list[Change]:
    """Return what leads from `old` to `new`, nothing if they mean the same.

    A definition that doesn't name its workflow is of any.
    """
    return [*_outer(old, new), *_nodes(old, new), *_edges(old, new), *_order(old, new)]


def _outer(old: Outline, new: Outline) -> Iterator[Change]:
    names = dict.fromkeys([*old.fields, *new.fields])
    for name in names:
        if name == "workflow_id" and not (name in old.fields and name in new.fields):
            continue
        yield from _values(old.fields.get(name, _ABSENT), new.fields.get(name, _ABSENT), f"$.{name}", "workflow")


def _nodes(old: Outline, new: Outline) -> Iterator[Change]:
    for node_id in dict.fromkeys([*old.nodes, *new.nodes]):
        path = f"$.nodes.{node_id}"
        before, after = old.nodes.get(node_id), new.nodes.get(node_id)
        if before is None:
            yield Change("added", "node", path, new=after)
        elif after is None:
            yield Change("removed", "node", path, old=before)
        else:
            yield from _fields(before, after, path)


def _fields(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        if name not in ("next_ids", "properties"):
            yield from _values(before.get(name, _ABSENT), after.get(name, _ABSENT), f"{path}.{name}", "node")
    yield from _values(before.get("properties", {}), after.get("properties", {}), f"{path}.properties", "property")


def _edges(old: Outline, new: Outline) -> Iterator[Change]:
    for node_id in dict.fromkeys([*old.nodes, *new.nodes]):
        before, after = _next(old, node_id), _next(new, node_id)
        path = f"$.nodes.{node_id}.next_ids"
        for target in before:
            if target not in after:
                yield Change("removed", "edge", path, old=target)
        for target in after:
            if target not in before:
                yield Change("added", "edge", path, new=target)


def _order(old: Outline, new: Outline) -> Iterator[Change]:
    """Nodes whose edges that stay have another order."""
    for node_id in old.nodes:
        before, after = _next(old, node_id), _next(new, node_id)
        if [target for target in before if target in after] != [target for target in after if target in before]:
            yield Change("changed", "edge", f"$.nodes.{node_id}.next_ids", list(before), list(after))


def _next(side: Outline, node_id: str) -> tuple[str, ...]:
    return tuple(side.nodes.get(node_id, {}).get("next_ids", ()))


def _values(old: Any, new: Any, path: str, what: What) -> Iterator[Change]:
    """The differences within two JSON values; a number isn't equal to a boolean, nor 1 to 1.0."""
    if old is _ABSENT:
        if new is not _ABSENT:
            yield Change("added", what, path, new=new)
    elif new is _ABSENT:
        yield Change("removed", what, path, old=old)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _values(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{path}.{key}", what)
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for index, (before, after) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _values(before, after, f"{path}[{index}]", what)
    elif type(old) is not type(new) or old != new:
        yield Change("changed", what, path, old, new)
