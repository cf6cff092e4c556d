"""JSON from outside: what is refused, and that all else is read as anybody would."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiond.gateway.json_limits import MAX_DEPTH, parse
from sessiond.gateway.problems import Malformed

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_what_is_json_is_read_as_json(value: object, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary())
def test_no_bytes_do_worse_than_being_refused(body: bytes) -> None:
    try:
        parse(body)
    except Malformed:
        return
    json.loads(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "truncated"),
        (b'{"a":1,}', r"trailing comma in object \(byte 7\)"),
        (b'{"a":1}{', r"trailing characters \(byte 8\)"),
        (b"[NaN]", "invalid character"),
        (b"[Infinity]", "invalid character"),
        (b"[1e999]", "out of range"),
        (b"\xef\xbb\xbf{}", "invalid character"),
        (b'"\xff"', "UTF-8"),
        (b'["\\ud800"]', "."),
        (b'["\\udc00"]', "."),
        (b'["\\ud800\\ud800"]', "."),
        (b"[" + b"1" * 5_000 + b"]", "."),
        (b'{"a":1,"a":1}', "the key 'a' twice"),
        (b'[{"a":{"b":1,"c":2,"b":3}}]', "the key 'b' twice"),
        (b'{"a":1,"\\u0061":1}', "the key 'a' twice"),
    ],
)
def test_what_parsers_differ_on_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        parse(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_is_bounded_before_anything_is_decoded(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    parse(opening * (MAX_DEPTH - 1) + b"[]" + closing * (MAX_DEPTH - 1))
    with pytest.raises(Malformed, match="deeper than 64"):
        parse(opening * MAX_DEPTH + b"[]" + closing * MAX_DEPTH)
    with pytest.raises(Malformed, match="deeper than 64"):
        parse(opening * 100_000)


def test_brackets_and_colons_in_strings_do_not_count() -> None:
    value = {'"[' * 100: "{:}" * 100, "\\": '\\"[', "plain": [1, {}]}
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 500_000, b'"' * 1_000_001, b'"' + b"\\" * 999_999, b"\\" * 1_000_000])
def test_hostile_strings_take_linear_time(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)
