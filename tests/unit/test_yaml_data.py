"""YAML as data: the core schema, lines, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from sessiond.gateway.yaml_data import MAX_DEPTH, MAX_VALUES, YamlError, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("true", True),
        ("~", None),
        ("-12", -12),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("[]", []),
        ("{}", {}),
        ("!!str 1", "1"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("{a: [1, {b: c}]}", {"a": [1, {"b": "c"}]}),
        ("on: [rate_limited]", {"on": ["rate_limited"]}),
        ("a: &x {b: 1}\nc: *x\nd: [*x]", {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}]}),
        ("a: &x 7\nb: *x", {"a": 7, "b": 7}),
    ],
)
def test_values_are_those_of_the_core_schema(text: str, value: Any) -> None:
    found = parse_yaml(text).value
    assert found == value
    assert type(found) is type(value)


def test_every_value_has_its_line() -> None:
    document = parse_yaml("# first\na:\n  - x\n  - y: 1\n    z: 2\nb: >-\n  text\n  more\nc: 3\n")
    assert document.lines == {
        "$": 2,
        "$.a": 2,
        "$.a[0]": 3,
        "$.a[1]": 4,
        "$.a[1].y": 4,
        "$.a[1].z": 5,
        "$.b": 6,
        "$.c": 9,
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "it is empty"),
        ("# nothing", None, "it is empty"),
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' is given twice"),
        ("a: 1\n2: b", 2, "a key should be text, 2 isn't: put it in quotes"),
        ("true: b", 1, "a key should be text, true isn't: put it in quotes"),
        ("~: b", 1, "a key should be text, null isn't: put it in quotes"),
        ("? [a]\n: b", 1, "a key should be text, this isn't: put it in quotes"),
        ("<<: {a: 1}", 1, "merge keys (<<) aren't supported"),
        ("a: .nan", 1, ".nan is not a number that JSON knows"),
        ("a: -.inf", 1, "-.inf is not a number that JSON knows"),
        ("a: 1e999", 1, "the number 1e999 is too large"),
        ("a: 12345678901234567890", 1, "the number 12345678901234567890… is too long; put it in quotes"),
        ("a: !!python/name:os.system x", 1, "the tag 'tag:yaml.org,2002:python/name:os.system' isn't supported"),
        ("a: !mine [1]", 1, "the tag '!mine' isn't supported"),
        ("a: 1\n---\nb: 2", 2, "a second document begins here; a file should hold one"),
        ("a: &x [1, *x]", 1, "the alias *x names no anchor that is complete above it"),
        ("a: [1\nb: 2", 2, "did not find expected ',' or ']'"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(YamlError) as caught:
        parse_yaml(text)
    assert (caught.value.line, caught.value.message) == (line, message)


def test_aliases_that_multiply_are_refused_before_they_are_built() -> None:
    levels = "".join(f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n" for below, name in pairwise("abcdefghi"))
    with pytest.raises(YamlError, match=f"more than {MAX_VALUES} values"):
        parse_yaml(f"a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]\n{levels}")


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_depth_is_a_limit_and_not_a_crash(text: str) -> None:
    with pytest.raises(YamlError):
        parse_yaml(text)
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_yaml(deepest).value
    with pytest.raises(YamlError, match="nested deeper than 64 levels"):
        parse_yaml(f"[{deepest}]")
