from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from sessiond.actors.core.errors import NodeError
from sessiond.actors.core.json import encode_output


class Point(msgspec.Struct):
    x: float
    label: str | None = None


@pytest.mark.parametrize("value", [None, 1, 1.5, "ä", [None, 2], {"a": {"b": [None]}}, {"1": None}, Point(1.0)])
def test_json_passes(value: Any) -> None:
    assert msgspec.json.decode(encode_output(value)) == msgspec.to_builtins(value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (math.nan, r"\$ is not"),
        ({"a": [1.0, math.inf]}, r"\$\.a\[1\] is not"),
        ({"deep": ({"x": -math.inf},)}, r"\$\.deep\[0\]\.x is not"),
        (Point(math.nan), r"\$\.x is not"),
        ({1: None, 2: math.nan}, r"\$\.2 is not"),
    ],
)
def test_numbers_that_json_lacks_are_refused_with_their_path(value: Any, path: str) -> None:
    with pytest.raises(NodeError, match=path) as refused:
        encode_output(value)
    assert refused.value.node_code == "output_invalid"


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


def finite(value: Any) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(finite, value))
        case dict():
            return all(map(finite, value.values()))
        case _:
            return True


@given(VALUES)
def test_every_number_that_json_lacks_is_found_and_nothing_else(value: Any) -> None:
    try:
        data = encode_output([None, value])
    except NodeError:
        assert not finite(value)
    else:
        assert finite(value)
        assert json.loads(bytes(data)) == [None, value]


@pytest.mark.parametrize(
    "value", [2**80, "\u02ff\u00f0\x7f", b"\xcb\x7f\xf8".decode("latin-1"), 0xCB7FF8, {"a": 2**64}]
)
def test_what_only_looks_like_one_passes(value: Any) -> None:
    assert json.loads(bytes(encode_output([None, value]))) == [None, value]


def test_a_cycle_is_refused() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    with pytest.raises(NodeError, match="contains itself"):
        encode_output(cyclic)


@pytest.mark.parametrize("value", [object(), {"f": lambda: 1}, {(1, 2): 3}, "\ud800"])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(NodeError, match="isn't JSON"):
        encode_output(value)


def test_an_output_over_the_limit_is_refused() -> None:
    assert len(encode_output("x" * 98, limit=100)) == 100
    with pytest.raises(NodeError, match="101 bytes, the limit is 100") as refused:
        encode_output("x" * 99, limit=100)
    assert refused.value.node_code == "output_too_large"


def test_json_that_is_there_is_only_looked_at_for_its_size() -> None:
    given = Raw(b"[null]")
    assert encode_output(given) is given
    with pytest.raises(NodeError, match="has 6 bytes, the limit is 5"):
        encode_output(given, 5)
