"""Which schemas strict mode takes; the rest of the provider is tested against a real endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from sessiond.actors.nodes.openai_chat import fits_strict

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        (CLOSED, True),
        ({**CLOSED, "properties": {"n": CLOSED}}, True),
        ({"type": "array", "items": CLOSED}, True),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({"type": "object"}, False),
        ({"properties": {"n": {}}}, False),
        ({**CLOSED, "properties": {"n": {"type": "object"}}}, False),
        ({"anyOf": [CLOSED, {"type": "object"}]}, False),
    ],
)
def test_strict_mode_wants_closed_objects(schema: dict[str, Any], fits: bool) -> None:
    assert fits_strict(schema) is fits
