"""A registered function as a tool of a model: its JSON Schema, and the check of what the model passes.

Both come from one struct that mirrors the function's signature, so they can't disagree.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType

from ..core.errors import Fault, InvalidInput, TerminalError
from ..core.faults import fault_of
from .provider import ToolSpec


class FunctionTool:
    """One function under the name of its registration.

    Attributes:
        spec: what the model is told.

    Raises:
        TerminalError: `tool_signature`, if no JSON object can be passed to the function.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.function = function
        try:
            self._arguments = _struct_of(name, function)
            (schema,), found = msgspec.json.schema_components([self._arguments], ref_template="#/$defs/{name}")
        except (TypeError, NameError, ValueError) as error:
            raise TerminalError(f"tool {name!r} can't be offered to a model: {error}", "tool_signature") from None
        parameters = found.pop(schema["$ref"].rpartition("/")[2])
        parameters.pop("title", None)
        if found:
            parameters["$defs"] = found
        self.spec = ToolSpec(name, inspect.getdoc(function) or "", parameters)

    def read(self, arguments: str) -> dict[str, Any]:
        """Return the keyword arguments in a model's JSON, converted to the types of the signature.

        Raises:
            InvalidInput: it isn't JSON, or doesn't fit.
        """
        what = f"the call of {self.spec.name!r}"
        try:
            found = msgspec.json.decode(arguments or "{}", type=self._arguments)
        except msgspec.ValidationError as error:
            raise InvalidInput([fault_of(error, "$")], what) from None
        except msgspec.MsgspecError as error:
            raise InvalidInput([Fault("$", str(error))], what) from None
        values = {field: getattr(found, field) for field in self._arguments.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


@functools.lru_cache(maxsize=512)
def function_tool(name: str, function: Callable[..., Any]) -> FunctionTool:
    """Return the tool for `function`; made once, for a signature costs more to read than to call."""
    return FunctionTool(name, function)


def _struct_of(name: str, function: Callable[..., Any]) -> type[msgspec.Struct]:
    """A struct with one field for each parameter; an optional one that isn't given stays unset."""
    hints = get_type_hints(inspect.unwrap(function), include_extras=True)
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"its parameter {str(parameter)!r} has no name to be passed by")
        wanted = hints.get(parameter.name, Any)
        if parameter.default is parameter.empty:
            fields.append((parameter.name, wanted))
        else:
            fields.append((parameter.name, wanted | UnsetType if wanted is not Any else Any, UNSET))
    return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
