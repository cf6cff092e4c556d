"""JSON from outside: what a body may be before anything else looks at it.

Parsers differ on what RFC 8259 leaves open, and that is where attacks live; so what is open is closed here.
Depth is measured on the bytes, before they are decoded.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from .problems import Malformed

MAX_DEPTH: Final = 64

_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, or what begins as one up to the end: possessive, so linear in any input."""
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_OPENING: Final = frozenset(b"[{")
_SURROGATE: Final = re.compile(rb"\\u[dD]")
"""May hold a lone surrogate, which decodes but can't be written again."""
_decode = msgspec.json.Decoder().decode


def parse(body: bytes, depth: int = MAX_DEPTH) -> Any:
    """Return the JSON value in `body`.

    Raises:
        Malformed: empty, not UTF-8, not JSON, NaN or an infinity, nested deeper than `depth`, a key twice
            in one object, a lone surrogate, a number of thousands of digits.
    """
    if not body.strip():
        raise Malformed("the body is empty, it should be JSON")
    bare = _STRINGS.sub(b"", body)
    if _deeper(bare, depth):
        raise Malformed(f"the body is nested deeper than {depth} levels")
    try:
        value = _decode(body)
    except UnicodeDecodeError as error:
        raise Malformed(f"the body isn't UTF-8: {error.reason}") from None
    except ValueError as error:  # msgspec's own, and Python's on numbers of too many digits
        raise Malformed(_sentence(error)) from None
    if _SURROGATE.search(body):
        try:
            msgspec.json.encode(value)
        except UnicodeEncodeError:
            raise Malformed("the body has half of a surrogate pair in a string") from None
    if bare.count(b":") != _members(value):
        raise Malformed(f"the body has the key {_repeated_key(body)!r} twice in one object")
    return value


def _deeper(bare: bytes, limit: int) -> bool:
    """Whether JSON without its strings nests deeper than `limit`."""
    brackets = bare.translate(None, _NOT_BRACKETS)
    if len(brackets) <= limit:
        return False
    depth = 0
    for bracket in brackets:
        if bracket in _OPENING:
            depth += 1
            if depth > limit:
                return True
        else:
            depth -= 1
    return False


def _members(value: Any) -> int:
    """How many members the objects in `value` have in all."""
    count, todo = 0, [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            count += len(item)
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return count


def _repeated_key(body: bytes) -> str:
    """The first key that an object has twice; by the slow parser, since somebody made a mistake."""
    found: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in members:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(body, object_pairs_hook=pairs)
    return found[0] if found else ""


def _sentence(error: ValueError) -> str:
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        return f"the body isn't JSON: {text[:1].lower()}{text[1:]}"
    if isinstance(error, msgspec.DecodeError):
        what = text.removeprefix("JSON is malformed: ")
        return f"the body isn't JSON: {what[:1].lower()}{what[1:]}"
    return "the body isn't JSON: a number has too many digits"
