"""JSON at the boundary: node outputs are checked and encoded once, then carried as bytes.

msgspec writes NaN and infinities as `null`; so an output with a null in its bytes gets a second look: in MessagePack
they keep the bits by which a search in C finds them. What it finds, a string that looks so included, gets a third.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec import Raw

from .errors import Fault, InvalidInput, NodeError

MAX_OUTPUT: Final = 1_048_576
"""Bytes of one node output."""

_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_looks_infinite: Final = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]").search
"""Finds a float64 whose exponent is all ones (IEEE 754, section 3.4); in MessagePack 0xcb goes before its bytes."""
_strict = json.JSONEncoder(allow_nan=False, check_circular=False, default=msgspec.to_builtins).encode


def encode_output(value: Any, limit: int = MAX_OUTPUT) -> Raw:
    """Return `value` as JSON; what is JSON already, as Raw, is only looked at for its size.

    Raises:
        NodeError: it isn't JSON (a cycle, NaN, an unknown type) or is over `limit` bytes.
    """
    if isinstance(value, Raw):
        return _within(value, memoryview(value).nbytes, limit)
    try:
        data = _encode(value)
    except RecursionError:
        raise NodeError("the output is nested too deeply, or contains itself", "output_invalid") from None
    except Exception as error:  # noqa: BLE001 - the value's own code runs in there
        raise NodeError(f"the output isn't JSON: {error}", "output_invalid") from None
    found = _within(Raw(data), len(data), limit)
    if b"null" in data and not _all_finite(value):
        where = _not_finite(value, "$") or "a value"
        raise NodeError(f"the output isn't JSON: {where} is not a finite number", "output_invalid")
    return found


def _within(data: Raw, size: int, limit: int) -> Raw:
    if size > limit:
        raise NodeError(f"the output has {size} bytes, the limit is {limit}", "output_too_large")
    return data


def encode_request(value: Any, at: str) -> Raw:
    """Return a request's JSON value as bytes.

    Raises:
        InvalidInput: it isn't JSON, or is too large.
    """
    try:
        return encode_output(value)
    except NodeError as error:
        raise InvalidInput([Fault(at, str(error))], "the request") from None


def as_text(value: object) -> str:
    """Return what a user's code gave for a text as one that JSON can carry: surrogates are escaped.

    Messages of errors are no JSON: Python puts lone surrogates into the names of files that aren't UTF-8, and `str()`
    of a user's own error may raise whatever it likes.
    """
    try:
        text = value if type(value) is str else str(value)
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    except BaseException:  # noqa: BLE001 - the value's own code runs in there
        return f"(a {type(value).__name__} that can't be shown)"


def _all_finite(value: Any) -> bool:
    """Whether `value` has no NaN and no infinity in it."""
    with suppress(Exception):  # a whole number beyond 64 bits, for one
        if _looks_infinite(_pack(value)) is None:
            return True
    try:
        _strict(value)  # refuses NaN in C, three times as fast as a walk in Python
    except ValueError:
        return False
    except TypeError:  # a key that msgspec allows and the standard encoder doesn't
        return _not_finite(value, "$") is None
    return True


def _not_finite(value: Any, at: str) -> str | None:
    """The path of the first NaN or infinity in `value`."""
    if isinstance(value, float):
        return None if math.isfinite(value) else at
    if isinstance(value, dict):
        items = [(f"{at}.{key}", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(f"{at}[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, msgspec.Struct):
        items = [(f"{at}.{name}", getattr(value, name)) for name in value.__struct_fields__]
    else:
        return None
    for path, item in items:
        if found := _not_finite(item, path):
            return found
    return None
