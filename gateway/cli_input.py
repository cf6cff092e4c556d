"""The session's input from `-i` options: `key=value` pairs, and `@file` for the whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..actors.core.errors import Fault, InvalidInput
from .files import read_data
from .review_desk import read_value


def parse_input(options: Iterable[str]) -> Any:
    """Return the input that the options describe; an empty object without any.

    A value is JSON if it can be read as JSON, else text. Pairs go on top of a file, whatever their order.

    Raises:
        InvalidInput: with every option that is neither, or is given twice.
        InvalidFile: the file can't be used.
    """
    whole: Any = {}
    pairs: dict[str, Any] = {}
    files: list[str] = []
    faults: list[Fault] = []
    for option in options:
        key, equals, value = option.partition("=")
        if option.startswith("@"):
            files.append(option)
        elif not equals or not key:
            faults.append(Fault(f"-i {option}", "should be key=value, or @file for the whole input"))
        elif key in pairs:
            faults.append(Fault(f"-i {option}", f"the key {key!r} is given twice"))
        else:
            pairs[key] = read_value(value)
    faults += [Fault(f"-i {name}", "only one file can be the whole input") for name in files[1:]]
    if faults:
        raise InvalidInput(faults, "the input")
    if files:
        whole = read_data(Path(files[0][1:])).value
    if pairs and not isinstance(whole, dict):
        raise InvalidInput(
            [Fault(f"-i {files[0]}", "isn't an object, so no key=value can be added to it")], "the input"
        )
    return {**whole, **pairs} if pairs else whole
