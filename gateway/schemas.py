"""JSON Schema of the types that cross the wire, with what their docstrings say of each field."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ..actors.core.events import Record
from .requests import Graph
from .responses import EventPage

SCHEMAS: Final = "#/components/schemas/"

_FIELD: Final = re.compile(r"^(\w+(?:, \w+)*): (.*)$")


def components(types: Iterable[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, dict[str, Any]]]:
    """Return a reference to each type's schema, and all schemas by name (JSON Schema 2020-12).

    What a docstring says under `Attributes` becomes the description of that property.
    """
    wanted = [dict[str, Any] if kind is Graph else _plain(kind) for kind in types]
    refs, found = msgspec.json.schema_components([*wanted, Record], ref_template=SCHEMAS + "{name}")
    for schema in found.values():
        _describe(schema)
    if EventPage.__name__ in found:  # its items are passed on as they are stored, so their type says nothing
        found[EventPage.__name__]["properties"]["items"]["items"] = {"$ref": SCHEMAS + Record.__name__}
    return refs[:-1], found


def prose(thing: object) -> tuple[str, str]:
    """Return the first line of a docstring, and the rest of it up to its first section."""
    text, _ = _split(inspect.getdoc(thing) or "")
    summary, _, more = text.partition("\n")
    return summary.strip().removesuffix("."), more.strip()


def examples(value: Any) -> dict[str, Any]:
    """Return a media type's `examples` from an instance of its type."""
    return {"example": {"value": msgspec.json.decode(msgspec.json.encode(value))}}


def properties_of(kind: type[msgspec.Struct]) -> Mapping[str, dict[str, Any]]:
    """Return the schema of each field, inline."""
    (_,), found = components([kind])
    fields: Mapping[str, dict[str, Any]] = found[kind.__name__]["properties"]
    return fields


def _plain(kind: Any) -> Any:
    """A type whose defaults aren't Raw, which has no schema: otherwise the same."""
    fields = msgspec.structs.fields(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else ()
    if not any(isinstance(field.default, msgspec.Raw) for field in fields):
        return kind
    plain: list[Any] = []
    for field in fields:
        if isinstance(field.default, msgspec.Raw):
            plain.append((field.name, Any, msgspec.json.decode(field.default)))
        elif field.required:
            plain.append((field.name, field.type))
        elif field.default_factory is not msgspec.NODEFAULT:
            plain.append((field.name, field.type, msgspec.field(default_factory=field.default_factory)))
        else:
            plain.append((field.name, field.type, field.default))
    return msgspec.defstruct(kind.__name__, plain, kw_only=True, namespace={"__doc__": kind.__doc__})


def _describe(schema: dict[str, Any]) -> None:
    text = schema.get("description")
    if text is None:
        return
    schema["description"], fields = _split(inspect.cleandoc(text))
    for name, words in fields.items():
        if name in schema.get("properties", {}):
            schema["properties"][name] = {**schema["properties"][name], "description": words}


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Split a Google-style docstring into its prose and its attributes."""
    head, _, tail = text.partition("\n\nAttributes:\n")
    head = head.partition("\n\nRaises:\n")[0]
    fields: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(tail.partition("\n\n")[0]).splitlines():
        if match := _FIELD.match(line.strip() if not line.startswith(" ") else ""):
            names = match[1].split(", ")
            fields.update(dict.fromkeys(names, match[2]))
        else:
            fields.update({name: f"{fields[name]} {line.strip()}" for name in names})
    return head.strip(), fields
