"""Store URLs: their options, and faults in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ..actors.core.errors import Fault, InvalidInput


def parse(url: str, known: Collection[str]) -> tuple[SplitResult, dict[str, str]]:
    """Split a store URL and return it with its query options.

    Args:
        url: `scheme://…?option=value`.
        known: the options that this scheme takes.

    Raises:
        InvalidInput: an option is unknown or given twice.
    """
    parts = urlsplit(url)
    options: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            refuse(name, f"unknown option; this store takes {', '.join(sorted(known))}")
        if name in options:
            refuse(name, "given twice")
        options[name] = value
    return parts, options


def positive(options: dict[str, str], name: str, default: int) -> int:
    """Return a whole number above zero from `options`.

    Raises:
        InvalidInput: it is something else.
    """
    text = options.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        refuse(name, f"must be a whole number above 0, not {text!r}")
    return int(text)


def refuse(name: str, message: str) -> NoReturn:
    """Raise InvalidInput about one part of a store URL."""
    raise InvalidInput([Fault(name, message)], "the store URL")
