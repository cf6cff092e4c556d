from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

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
