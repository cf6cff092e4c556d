"""The input of a session from `-i` options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.cli_input import parse_input


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ([], {}),
        (["a=1"], {"a": 1}),
        (["a=01"], {"a": "01"}),
        (["a=tea for two"], {"a": "tea for two"}),
        (['a="1"'], {"a": "1"}),
        (["a="], {"a": ""}),
        (["a=b=c"], {"a": "b=c"}),
        (["a=NaN"], {"a": "NaN"}),
        (["a=[1, 2]", "b=null"], {"a": [1, 2], "b": None}),
    ],
)
def test_a_value_is_json_if_it_can_be(options: list[str], value: Any) -> None:
    assert parse_input(options) == value


def test_pairs_go_on_top_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_text('{"a": 1, "b": 2}')
    assert parse_input([f"@{path}"]) == {"a": 1, "b": 2}
    assert parse_input(["a=3", f"@{path}"]) == {"a": 3, "b": 2}
    path.write_text("[1]")
    assert parse_input([f"@{path}"]) == [1]
    with pytest.raises(InvalidInput, match="isn't an object"):
        parse_input([f"@{path}", "a=1"])


def test_every_fault_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_input(["a", "=1", "b=1", "b=2", "@x", "@y"])
    assert [fault.path for fault in caught.value.faults] == ["-i a", "-i =1", "-i b=2", "-i @y"]
