"""Schemas that people give: refused if they can't be used, and checked against within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from sessiond.actors.core.errors import Fault, InvalidInput
from sessiond.actors.core.schema import MOST_STEPS, MOST_WORDS, check_against, check_schema


def breaches(schema: Any, value: Any, steps: int = MOST_STEPS) -> dict[str, str]:
    try:
        check_against(schema, value, "$.v", "the value", steps)
    except InvalidInput as error:
        return {fault.path: fault.message for fault in error.faults}
    return {}


def faults(schema: Any) -> list[Fault]:
    return list(check_schema(schema, "$.s"))


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (3, "$.s"),
        ({"type": "strin"}, "$.s.type"),
        ({"properties": {"a": {"minLength": -1}}}, "$.s.properties.a.minLength"),
        ({"properties": {"a": {"pattern": "("}}}, "$.s.properties.a.pattern"),
        ({"pattern": "a{100}{100}{100}"}, "$.s.pattern"),
        ({"pattern": "(?=b)a{100}{100}{100}"}, "$.s.pattern"),
        ({"patternProperties": {"(": {}}}, "$.s.patternProperties.("),
        ({"$ref": "#/$defs/none"}, "$.s.$ref"),
        ({"allOf": [{"$ref": "other.json"}]}, "$.s.allOf[0].$ref"),
        ({"$ref": "http://127.0.0.1/x"}, "$.s.$ref"),
        ({"$schema": "http://127.0.0.1/x"}, "$.s.$schema"),
        ({"properties": {"a": {"$schema": 7}}}, "$.s.properties.a.$schema"),
        ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, "$.s.unevaluatedProperties"),
    ],
)
def test_what_cannot_be_used_is_a_fault_with_its_path(schema: Any, path: str) -> None:
    assert [fault.path for fault in faults(schema)] == [path]


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"$defs": {"a": {"type": "string"}}, "items": {"$ref": "#/$defs/a"}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
        {"type": "object", "properties": {"left": {"$ref": "#"}, "$ref": {"type": "string"}, "pattern": {}}},
        {"const": {"pattern": "(", "$ref": "http://127.0.0.1"}},
        {"$id": "https://a.example/b", "$defs": {"c": {"$id": "c", "$defs": {"d": {}}, "$ref": "#/$defs/d"}}},
        {"pattern": "^(?=.*[0-9])(?=.*[a-z]).{8,}$"},
    ],
)
def test_what_can_be_used_has_no_fault(schema: Any) -> None:
    assert faults(schema) == []


def test_every_breach_is_told_with_its_path() -> None:
    schema = {"required": ["a"], "properties": {"b": {"items": {"type": "integer"}}}}
    assert breaches(schema, {"b": [1, "x"]}) == {
        "$.v": "'a' is a required property",
        "$.v.b[1]": "'x' is not of type 'integer'",
    }


def test_each_draft_is_checked_by_its_own_rules() -> None:
    old = {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"type": "string"}}}
    assert breaches({**old, "$ref": "#/definitions/a", "type": "integer"}, "x") == {}, (
        "what stands beside $ref is nothing"
    )
    assert breaches({"$defs": {"a": {}}, "$ref": "#/$defs/a", "type": "integer"}, "x") != {}


def test_nothing_is_fetched(unused_tcp_port: int) -> None:
    schema = {"$ref": f"http://127.0.0.1:{unused_tcp_port}/x"}
    assert "which isn't in it" in breaches(schema, 1)["$.v"]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "#"}, "refers to itself without end"),
        ({"$ref": "#/$defs/none"}, "isn't in it"),
        ({"pattern": "("}, "isn't a regular expression"),
        ({"type": "strin"}, "its schema can't be used"),
        ({"properties": 3}, "its schema can't be used"),
    ],
)
def test_a_schema_that_was_never_checked_breaks_nothing(schema: Any, why: str) -> None:
    """One that expressions made, or that was stored when less was asked."""
    assert why in breaches(schema, {"a": 1} if "properties" in schema else "a")["$.v"]


def test_a_megabyte_that_is_wrong_is_not_told_whole() -> None:
    (message,) = breaches({"type": "integer"}, "x" * 1_000_000).values()
    assert len(message) == MOST_WORDS + 1
