"""The codecs of the wire: requests are decoded with every fault told, each with its path, not with the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from ..actors.core.errors import Fault, InvalidInput, InvalidWorkflow
from ..actors.core.faults import fault_of
from .json_limits import MAX_DEPTH, parse
from .requests import Graph

T = TypeVar("T", bound=msgspec.Struct)

encode: Final = msgspec.json.Encoder().encode


def decode(body: bytes, kind: type[msgspec.Struct] | type[Graph], depth: int = MAX_DEPTH) -> Any:
    """Return a request's body as `kind`; a Graph as plain data.

    Args:
        body: as it came.
        kind: what it should be.
        depth: levels to which it may be nested.

    Raises:
        Malformed: it isn't JSON.
        InvalidInput: it doesn't fit; with every fault.
    """
    value = parse(body, depth)
    return value if issubclass(kind, Graph) else convert(value, kind, "the request")


def decode_query(arguments: Mapping[str, Sequence[bytes]], kind: type[T]) -> T:
    """Return a request's query parameters as `kind`.

    Raises:
        InvalidInput: unknown, given twice, or of the wrong form; with every fault.
    """
    faults = [Fault(f"$.{name}", "is given twice") for name, values in arguments.items() if len(values) > 1]
    if faults:
        raise InvalidInput(faults, "the query")
    given = {name: values[0].decode(errors="replace") for name, values in arguments.items()}
    found = convert(given, kind, "the query", strict=False)
    null = [name for name, text in given.items() if getattr(found, name) is None]
    if null:  # msgspec reads the text `null` as None: here it is a text like any other
        raise InvalidInput([Fault(f"$.{name}", f"can't be {given[name]!r}") for name in null], "the query")
    return found


def convert(value: Any, kind: type[T], what: str, *, strict: bool = True) -> T:
    """Return plain data as `kind`.

    Raises:
        InvalidInput: with every fault.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        faults = _faults(value, kind, strict) or [fault_of(error, "$")]
        raise InvalidInput(faults, what) from None


def _faults(value: Any, kind: type[msgspec.Struct], strict: bool) -> list[Fault]:
    """The faults of each field; msgspec itself stops at the first."""
    if not isinstance(value, dict):
        return []
    faults: list[Fault] = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            faults.append(Fault(f"$.{name}", f"unknown field; known: {', '.join(fields) or 'none'}"))
            continue
        try:
            msgspec.convert(item, field.type, strict=strict)
        except msgspec.ValidationError as error:
            faults.append(fault_of(error, f"$.{name}"))
    missing = [name for name, field in fields.items() if field.required and name not in value]
    return faults + [Fault(f"$.{name}", "is missing") for name in missing]


def below(error: InvalidWorkflow, at: str) -> InvalidWorkflow:
    """Return the faults of a workflow that stands at path `at` of a request."""
    return InvalidWorkflow([Fault(at + fault.path[1:], fault.message) for fault in error.faults])
