"""JSON Schema checks of what people give: session input, review data."""

from __future__ import annotations

from typing import Any

from .errors import Fault, InvalidInput


def check_against(schema: Any, value: Any, at: str, what: str) -> None:
    """Check `value` against a JSON Schema (draft 2020-12 unless it names another).

    Raises:
        InvalidInput: with every breach, its path below `at`.
    """
    from jsonschema.validators import validator_for  # 0.1 s: only where a schema is given

    validator = validator_for(schema)(schema)
    faults = [Fault(at + error.json_path[1:], error.message) for error in validator.iter_errors(value)]
    if faults:
        raise InvalidInput(faults, what)
