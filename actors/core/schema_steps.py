"""Checks against a JSON Schema, step by step: a keyword applied to a value is one, to a large value several.

The library that checks has no bound, and a schema of a few lines can ask for more work than a machine can do: by
references that double at each level, by a regular expression that goes back and forth. So every keyword counts, and
regular expressions run in a library that is linear in the text, or counts itself where one looks around or refers back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from .expression_cost import states_of

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

MOST_BACKTRACKS: Final = 20_000
"""Steps back in one search by a regular expression that looks around or refers back; behind them it doesn't match."""
_LOOKING_BACK: Final = 300
"""Steps that such a search counts for."""
_LOOKS_AROUND: Final = re.compile(r"\(\?(?:[=!>]|<[=!])|\\[1-9k]")
_MOST_STATES: Final = 10_000
"""States of a regular expression that looks around or refers back, by a generous count."""
_PATTERN_BYTES: Final = 262_144
"""Size of a regular expression that does neither, once compiled."""

Keyword: TypeAlias = "Callable[[Validator, Any, Any, Any], Iterator[ValidationError] | None]"


class TooManySteps(Exception):
    """All steps are used up."""


class BadPattern(Exception):
    """A regular expression that isn't one, or is too large."""


_left: ContextVar[list[int]] = ContextVar("sessiond_schema_steps")
"""How many steps are left of the check that is under way."""


@contextmanager
def steps_of(most: int) -> Iterator[None]:
    """Give the checks within so many steps, all together; behind them comes TooManySteps."""
    token = _left.set([most])
    try:
        yield
    finally:
        _left.reset(token)


def spend(steps: int) -> None:
    """Take steps of those that are given.

    Raises:
        TooManySteps: there are no more.
    """
    left = _left.get()
    left[0] -= steps
    if left[0] < 0:
        raise TooManySteps


@cache
def bounded(kind: type[Validator]) -> type[Validator]:
    """Return a draft's validator that counts its steps, and doesn't use Python's regular expressions."""
    from jsonschema.validators import extend

    own: dict[str, Keyword] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    known: dict[str, Keyword] = dict(kind.VALIDATORS)
    counted: type[Validator] = extend(  # type: ignore[no-untyped-call]
        kind, {name: _counted(own.get(name, check)) for name, check in known.items()}
    )
    return counted


def _counted(check: Keyword) -> Keyword:
    def counted(validator: Validator, said: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        spend(1 + _size(value) + _size(said))
        for error in check(validator, said, value, schema) or ():
            spend(len(error.message) >> 6)  # a megabyte of a wrong value in each of a thousand errors
            yield error

    return counted


def _size(value: Any) -> int:
    """Steps that it takes to go through a value once."""
    if isinstance(value, dict | list):
        return len(value) >> 3
    return len(value) >> 10 if isinstance(value, str) else 0


def _pattern(validator: Validator, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if validator.is_type(value, "string") and not _matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], value: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(value, "object"):
        for pattern, inner in patterns.items():
            for name, member in value.items():
                if _matches(pattern, name):
                    yield from validator.descend(member, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, additional: Any, value: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if not validator.is_type(value, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    others = [name for name in value if name not in known and not any(_matches(p, name) for p in patterns)]
    if additional is False:
        if others:
            yield ValidationError(f"unexpected: {', '.join(map(repr, others))}")
        return
    for name in others:
        yield from validator.descend(value[name], additional, path=name)


def _unique_items(validator: Any, wanted: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if wanted and validator.is_type(value, "array") and len({_key(item) for item in value}) < len(value):
        yield ValidationError(f"{value!r} has non-unique elements")


def _key(value: Any) -> Any:
    """What two values have in common exactly if they are equal as JSON: 1 and 1.0 are, 1 and true aren't."""
    spend(1)
    if isinstance(value, dict):
        return frozenset((name, _key(member)) for name, member in value.items())
    if isinstance(value, list):
        return tuple(_key(item) for item in value)
    return (bool, value) if isinstance(value, bool) else value


def _matches(pattern: str, text: str) -> bool:
    found = compiled(pattern)
    spend(found.steps + (len(text) * found.states >> 13))
    return bool(found.search.is_valid(text))


class _Pattern(NamedTuple):
    """A regular expression, and what a search costs: once, and for each character."""

    search: jsonschema_rs.Draft202012Validator
    steps: int
    states: int


@lru_cache(maxsize=256)
def compiled(pattern: str) -> _Pattern:
    """Return a search that is linear in the text, or else one that stops after MOST_BACKTRACKS.

    Raises:
        BadPattern: it isn't one, or is too large.
    """
    from jsonschema_rs import Draft202012Validator, FancyRegexOptions, RegexOptions, ValidationError

    options: RegexOptions | FancyRegexOptions = RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)
    steps, states = 1, states_of(pattern)
    if _LOOKS_AROUND.search(pattern) and states <= _MOST_STATES:  # of these the library bounds no size
        options, steps = FancyRegexOptions(MOST_BACKTRACKS), _LOOKING_BACK
    try:
        search = Draft202012Validator({"pattern": pattern}, pattern_options=options)
    except ValidationError:
        raise BadPattern(f"{pattern!r} isn't a regular expression, or is too large") from None
    return _Pattern(search, steps, states)
