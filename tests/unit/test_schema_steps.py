"""A check of a value against a schema takes so many steps and no more, whatever the schema asks for."""

from __future__ import annotations

from typing import Any

import pytest

from sessiond.actors.core.errors import InvalidInput
from sessiond.actors.core.schema import MOST_STEPS, check_against
from sessiond.actors.core.schema_steps import MOST_BACKTRACKS, TooManySteps, spend, steps_of


def breaches(schema: Any, value: Any, steps: int = MOST_STEPS) -> list[str]:
    try:
        check_against(schema, value, "$", "the value", steps)
    except InvalidInput as error:
        return [fault.message for fault in error.faults]
    return []


def doubling(levels: int) -> dict[str, Any]:
    """Each level refers to the next one twice."""
    names = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**names, f"d{levels}": {"type": "string"}}}


ASK_TOO_MUCH = {
    "references that double": (doubling(64), "x"),
    "references that double with the depth of the value": (
        {"allOf": [{"properties": {"a": {"$ref": "#"}}}] * 2},
        {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}}}}}}},
    ),
    "many items": ({"items": {"type": "integer"}}, list(range(100_000))),
    "objects to be told apart": ({"uniqueItems": True}, [{"n": n} for n in range(50_000)]),
    "many subschemas of a large value": ({"allOf": [{"maxItems": 10**6}] * 1_000}, list(range(100_000))),
    "large errors": ({"anyOf": [{"type": "string"}] * 1_000}, ["x" * 1_000] * 300),
    "a pattern of many states": ({"items": {"pattern": "[ab]*a[ab]{400}c"}}, ["ab" * 5_000] * 20),
    "looking back": ({"items": {"pattern": r"(a*)*\1b"}}, ["a" * 300] * 100),
    "names against patterns": (
        {"patternProperties": {f"^p{i}": {} for i in range(200)}},
        {f"x{i}": 0 for i in range(200)},
    ),
    "names that are left over": (
        {"patternProperties": {f"^p{i}": {} for i in range(200)}, "additionalProperties": False},
        {f"x{i}": 0 for i in range(99)},
    ),
}


@pytest.mark.parametrize("case", ASK_TOO_MUCH)
def test_what_asks_for_too_much_is_told_so(case: str) -> None:
    schema, value = ASK_TOO_MUCH[case]
    assert breaches(schema, value)[-1] == f"takes more than {MOST_STEPS} steps to check against its schema"


def test_what_takes_long_may_be_given_more() -> None:
    schema, value = {"items": {"type": "integer"}}, list(range(10_000))
    assert breaches(schema, value, steps=5_000) != []
    assert breaches(schema, value, steps=30_000) == []


def test_steps_are_counted_for_all_checks_within() -> None:
    with steps_of(3):
        spend(3)
        with pytest.raises(TooManySteps):
            spend(1)


def test_a_regular_expression_that_python_would_never_finish_is_done_at_once() -> None:
    assert breaches({"pattern": "^(a+)+$"}, "a" * 10_000) == []
    assert breaches({"pattern": "^(a+)+$"}, "a" * 10_000 + "!") != []


def test_looking_around_works_and_ends() -> None:
    password = {"pattern": "^(?=.*[0-9])(?=.*[a-z]).{8,}$"}
    assert breaches(password, "abcdefg1") == []
    assert breaches(password, "abcdefgh") != []
    assert breaches({"pattern": r"(a*)*\1b"}, "cb") == []
    assert breaches({"pattern": r"(a*)*\1b"}, "a" * MOST_BACKTRACKS + "cb") != [], "given up before it came to the b"


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, True, [1], [True], ["x", 1], {"a": 1}, {"a": True}, None, 0, False, "1"], True),
        ([1, 1.0], False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], False),
        ([[{"a": [1]}], [{"a": [1.0]}]], False),
        ([True, True], False),
    ],
)
def test_items_are_told_apart_as_json(items: list[Any], unique: bool) -> None:
    assert (breaches({"uniqueItems": True}, items) == []) is unique


def test_properties_by_pattern_and_those_left_over() -> None:
    schema = {
        "properties": {"a": {"type": "integer"}},
        "patternProperties": {"^x": {"type": "string"}},
        "additionalProperties": {"type": "boolean"},
    }
    assert breaches(schema, {"a": 1, "xy": "s", "b": True}) == []
    assert breaches(schema, {"xy": 1}) == ["1 is not of type 'string'"]
    assert breaches(schema, {"b": 1}) == ["1 is not of type 'boolean'"]
    assert breaches({**schema, "additionalProperties": False}, {"b": 1, "c": 2}) == ["unexpected: 'b', 'c'"]
    assert breaches(schema, "no object") == []
