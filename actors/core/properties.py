"""The properties of a node, as its definition has them: what can be checked before it runs is checked at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from .errors import ExpressionError, Fault
from .expressions import expression, expression_characters, is_template, template
from .faults import fault_of
from .node import Anything
from .workflow import Node


def check_properties(node: Node, at: str) -> Iterator[Fault]:
    """Yield the faults of a node's properties, with paths below `at`, and note them down if no expression is in them.

    Fields without expressions must fit now, one by one and together; the others when the node starts.
    """
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


def characters_of(node: Node) -> int:
    """Return how many characters the expressions in a node's properties have together."""
    found = 0
    for name, value in node.spec.properties.items():
        if name in node.type.expressions:
            found += sum(len(text) for text in _texts(value))
        elif name not in node.type.verbatim:
            found += sum(expression_characters(text) for text in _texts(value) if is_template(text))
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


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
