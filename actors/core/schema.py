"""JSON Schemas that people give, and checks against them: bounded in work, and never fetching anything.

A schema comes from an author, who is only half trusted, and is checked in the middle of everybody's work. So the two
things that can go wrong are kept out: a schema can't reach beyond itself, and a check ends after a number of steps,
each of which applies one keyword (`schema_steps`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from .errors import Fault, InvalidInput
from .faults import MOST_FAULTS
from .schema_steps import BadPattern, TooManySteps, bounded, compiled, steps_of

MOST_STEPS: Final = 20_000
"""Steps of one check, of some microseconds each."""
MOST_WORDS: Final = 500
"""Characters of a fault's message: they hold the value that is wrong, which may be a megabyte."""

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMED: Final = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
"""Keywords whose members' names are not keywords."""
_DATA: Final = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose value is no schema."""


def check_schema(schema: Any, at: str) -> Iterator[Fault]:
    """Yield what keeps `schema` from being a JSON Schema that can be checked against, with paths below `at`.

    Drafts 4, 6, 7, 2019-09 and 2020-12, the last where `$schema` doesn't say.
    """
    import jsonschema_rs

    within = list(_schemas(schema, at))
    for where, part in within:
        if "$schema" in part and not _known_draft(part["$schema"]):
            yield Fault(f"{where}.$schema", "isn't a draft of JSON Schema that is known here")
            return  # the library would fetch it
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        yield Fault(at + _path(error.instance_path), _shortened(error.message))
        return
    whole = bool(within) and not any("$id" in part or "id" in part for _, part in within[1:])
    look_up = _places_in(schema) if whole else None
    for where, part in within:
        yield from _check_references(part, where, look_up)
        yield from _check_patterns(part, where)
    if any("patternProperties" in part for _, part in within):
        for where, part in within:
            if "unevaluatedProperties" in part:
                yield Fault(f"{where}.unevaluatedProperties", "can't stand in one schema with patternProperties")


def check_against(schema: Any, value: Any, at: str, what: str, steps: int = MOST_STEPS) -> None:
    """Check `value` against a JSON Schema (draft 2020-12 unless it names another).

    Args:
        schema: one without faults; a stored one may be from before there was `check_schema`.
        value: JSON.
        at: the path of the value.
        what: names it in the error.
        steps: after how many the check ends; each takes some microseconds.

    Raises:
        InvalidInput: with every breach, its path below `at`; or it would take too many steps, or the schema can't be
            used.
    """
    from jsonschema.validators import Draft202012Validator, validator_for  # 0.1 s: only where a schema is given
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    faults: list[Fault] = []
    try:
        kind = bounded(validator_for(schema, default=Draft202012Validator))
        with steps_of(steps):
            for error in kind(schema, registry=Registry()).iter_errors(value):
                faults.append(Fault(at + error.json_path[1:], _shortened(error.message)))
                if len(faults) == MOST_FAULTS:
                    break
    except TooManySteps:
        faults.append(Fault(at, f"takes more than {steps} steps to check against its schema"))
    except RecursionError:
        faults.append(Fault(at, "can't be checked: its schema refers to itself without end"))
    except Unresolvable as error:
        faults.append(Fault(at, f"can't be checked: its schema refers to {error.ref!r}, which isn't in it"))
    except BadPattern as error:
        faults.append(Fault(at, f"can't be checked: {_shortened(str(error))}"))
    except Exception as error:  # noqa: BLE001 - one that expressions made may be anything
        faults.append(Fault(at, f"can't be checked: its schema can't be used: {_shortened(str(error))}"))
    if faults:
        raise InvalidInput(faults, what)


def _schemas(schema: Any, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in `schema` that is an object, itself first, with its path."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _schemas(item, f"{at}[{index}]")
    if not isinstance(schema, dict):
        return
    yield at, schema
    for keyword, value in schema.items():
        here = f"{at}.{keyword}"
        if keyword in _NAMED and isinstance(value, dict):
            for name, inner in value.items():
                yield from _schemas(inner, f"{here}.{name}")
        elif keyword not in _DATA:
            yield from _schemas(value, here)


def _known_draft(name: Any) -> bool:
    from jsonschema.validators import validator_for

    known = isinstance(name, str) and validator_for({"$schema": name}, default=None)  # type: ignore[arg-type]
    return bool(known)


def _places_in(schema: dict[str, Any]) -> Callable[[str], object]:
    """What looks up references from the root of a schema."""
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    look_up: Callable[[str], object] = Registry().with_resource("", resource).resolver().lookup
    return look_up


def _check_references(schema: dict[str, Any], at: str, look_up: Callable[[str], object] | None) -> Iterator[Fault]:
    """References lead to places in the schema; where to is only looked up where all count from its root."""
    from referencing.exceptions import Unresolvable

    for keyword in _REFERENCES:
        reference = schema.get(keyword)
        if not isinstance(reference, str):
            continue
        if not reference.startswith("#"):
            yield Fault(f"{at}.{keyword}", "should lead to a place in this schema, such as '#/$defs/name'")
        elif look_up is not None:
            try:
                look_up(reference)
            except Unresolvable:
                yield Fault(f"{at}.{keyword}", f"there is no {reference!r} in this schema")


def _check_patterns(schema: dict[str, Any], at: str) -> Iterator[Fault]:
    named = schema.get("patternProperties")
    patterns = [(f"{at}.patternProperties.{p}", p) for p in named] if isinstance(named, dict) else []
    for where, pattern in [(f"{at}.pattern", schema.get("pattern")), *patterns]:
        if isinstance(pattern, str):
            try:
                compiled(pattern)
            except BadPattern as error:
                yield Fault(where, _shortened(str(error)))


def _path(steps: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_WORDS else text[:MOST_WORDS] + "…"
