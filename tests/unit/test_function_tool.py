"""Functions as tools of a model: the schema that is offered and the check of what comes are of one mould."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import pytest

from sessiond.actors.core.errors import InvalidInput, TerminalError
from sessiond.actors.nodes.function_tool import FunctionTool, function_tool


@dataclass
class Place:
    city: str
    country: str = "NZ"


def weather(place: Place, unit: Literal["C", "F"] = "C", days: Annotated[int, msgspec.Meta(ge=1)] = 1) -> str:
    """Say how the weather will be."""
    return f"{place} {unit} {days}"


def test_the_schema_mirrors_the_signature() -> None:
    spec = FunctionTool("weather", weather).spec
    assert (spec.name, spec.description) == ("weather", "Say how the weather will be.")
    assert spec.parameters["type"] == "object"
    assert spec.parameters["required"] == ["place"]
    assert spec.parameters["additionalProperties"] is False
    assert spec.parameters["properties"]["place"] == {"$ref": "#/$defs/Place"}
    assert spec.parameters["properties"]["unit"] == {"enum": ["C", "F"]}
    assert spec.parameters["properties"]["days"] == {"type": "integer", "minimum": 1}
    assert spec.parameters["$defs"]["Place"]["required"] == ["city"]


def test_arguments_are_converted_and_defaults_stay_the_functions() -> None:
    tool = FunctionTool("weather", weather)
    assert tool.read('{"place": {"city": "Nelson"}}') == {"place": Place("Nelson")}
    assert tool.read('{"place": {"city": "Rome", "country": "IT"}, "days": 2}') == {
        "place": Place("Rome", "IT"),
        "days": 2,
    }


@pytest.mark.parametrize(
    ("arguments", "path", "message"),
    [
        ("", "$", "missing required field `place`"),
        ("[]", "$", "expected `object`, got `array`"),
        ('{"place": {"city": 1}}', "$.place.city", "expected `str`, got `int`"),
        ('{"place": {"city": "x"}, "days": 0}', "$.days", "expected `int` >= 1"),
        ('{"place": {"city": "x"}, "unit": "K"}', "$.unit", "invalid enum value 'K'"),
        ('{"place": {"city": "x"}, "wind": true}', "$", "unknown field `wind`"),
        ("{'place'", "$", "malformed"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(arguments: str, path: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        FunctionTool("weather", weather).read(arguments)
    (fault,) = caught.value.faults
    assert fault.path == path
    assert message in fault.message


def test_without_annotations_anything_goes() -> None:
    def loose(a, b=None):  # type: ignore[no-untyped-def]
        return a, b

    tool = FunctionTool("loose", loose)
    assert tool.read('{"a": [1, {"x": null}]}') == {"a": [1, {"x": None}]}
    assert tool.read('{"a": 1, "b": null}') == {"a": 1, "b": None}
    assert tool.spec.description == ""


def test_a_function_without_parameters_takes_no_text_at_all() -> None:
    assert FunctionTool("now", lambda: 1).read("") == {}


def _positional(a: int, /) -> None: ...
def _many(*a: int) -> None: ...
def _any_names(**a: int) -> None: ...
def _nowhere(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def _foreign(a: pytest.Item) -> None: ...


@pytest.mark.parametrize("function", [_positional, _many, _any_names, _nowhere, _foreign])
def test_a_signature_that_json_cannot_fill_is_refused(function: Any) -> None:
    with pytest.raises(TerminalError) as caught:
        FunctionTool("odd", function)
    assert caught.value.node_code == "tool_signature"


def test_a_signature_is_read_once() -> None:
    assert function_tool("weather", weather) is function_tool("weather", weather)
