"""A flag of `sessiond serve` for every setting, made from the settings themselves: none can be forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import click
import msgspec

from .settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_PARAMETERS: Final = "__click_params__"
"""Where click's decorators gather the options of a function, the last one first."""
_ATTRIBUTE: Final = re.compile(r"^        (\w+): (.+(?:\n            .+)*)", re.MULTILINE)


def flags_for_the_rest(command: F) -> F:
    """Give a click command an option for each setting that it has none for yet, sorted by name, after its own.

    To stand right under `click.command`. An option that isn't given is None, or empty if it is repeatable.
    """
    own: list[click.Parameter] = getattr(command, _PARAMETERS, [])
    helps, named = dict(_helps()), {parameter.name for parameter in own}

    def rest() -> None:
        """Has the other options."""

    for field in sorted(msgspec.structs.fields(Settings), key=lambda field: field.name, reverse=True):
        if field.name not in named:
            rest = _option(field, helps.get(field.name, ""))(rest)
    setattr(command, _PARAMETERS, [*getattr(rest, _PARAMETERS), *own])
    return command


def _option(field: msgspec.structs.FieldInfo, text: str) -> Callable[[F], F]:
    flag = "--" + field.name.replace("_", "-")
    told = f"{text[:1].upper()}{text[1:]}"
    if field.default not in (None, (), False, True):
        told = f"{told} [{field.default}]"
    match kind := _plain(field.type):
        case _ if kind is bool:
            return click.option(f"{flag}/--no-{flag[2:]}", field.name, default=None, help=told)
        case _ if get_origin(kind) is tuple:
            return click.option(flag, field.name, multiple=True, help=f"{told} Repeatable.")
        case _ if get_origin(kind) is Literal:
            return click.option(
                flag, field.name, type=click.Choice([str(value) for value in get_args(kind)]), help=told
            )
        case _:
            return click.option(flag, field.name, type=kind, help=told)


def _plain(kind: Any) -> Any:
    """Return a type without its limits, and without None."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        (inner,) = (item for item in get_args(kind) if item is not NoneType)
        return _plain(inner)
    return kind


def _helps() -> Iterator[tuple[str, str]]:
    """Yield what the settings' docstring says of each, on one line."""
    for match in _ATTRIBUTE.finditer(Settings.__doc__ or ""):
        yield match[1], " ".join(match[2].split())
