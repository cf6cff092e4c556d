"""YAML as data: the core schema of YAML 1.2, with the line of every value, and bounds.

PyYAML speaks YAML 1.1, where `on` and `no` are booleans, `2026-01-01` is a date and `1:30` is ninety; a workflow is
JSON, so only its scanner is used here. Aliases may expand to a bounded number of values; tags and merge
keys are refused. Building from events needs no recursion, so depth is a limit and not a crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 100_000
"""Values in one document, those of aliases counted each time."""

_PARSER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_PREFIXED: Final = re.compile(r"0x[0-9a-fA-F]{1,16}|0o[0-7]{1,21}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class YamlError(Exception):
    """The text isn't such YAML; `line` counts from 1."""

    def __init__(self, message: str, line: int | None) -> None:
        self.message = message
        self.line = line
        super().__init__(message)


class Document(msgspec.Struct, frozen=True):
    """A document.

    Attributes:
        value: as `json.loads` would give it.
        lines: the line, from 1, of each value by its path (`$.nodes.a.next_ids[0]`).
    """

    value: Any
    lines: dict[str, int]


def parse_yaml(text: str) -> Document:
    """Return the one document in `text`.

    Raises:
        YamlError: it isn't YAML 1.2 data of one document within the bounds.
    """
    builder = _Builder()
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(error.problem or str(error), mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error).splitlines()[0], None) from None
    if not builder.documents:
        raise YamlError("it is empty", None)
    return Document(builder.root, builder.lines)


def _events(text: str) -> Iterator[yaml.Event]:
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=_PARSER)
    return events


class _Open:
    """A mapping or sequence that isn't closed yet."""

    __slots__ = ("anchor", "at", "begin", "key", "value")

    def __init__(self, value: dict[str, Any] | list[Any], at: str, anchor: str | None, begin: int) -> None:
        self.value = value
        self.at = at
        self.anchor = anchor
        self.begin = begin
        self.key: str | None = None


class _Builder:
    """Builds a value from events."""

    def __init__(self) -> None:
        self.root: Any = None
        self.lines: dict[str, int] = {}
        self.documents = 0
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise YamlError("a second document begins here; a file should hold one", line)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event, line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case yaml.AliasEvent():
                self._alias(event, line)
            case _:
                pass

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> None:
        if event.tag is not None:
            raise YamlError(f"the tag {event.tag!r} isn't supported", line)
        if len(self._stack) >= MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels", line)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._tally(1, line)
        at = self._put(value, line)
        self._stack.append(_Open(value, at, event.anchor, self._count))

    def _close(self) -> None:
        done = self._stack.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = done.value, self._count - done.begin + 1

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if event.tag is not None and event.tag != "tag:yaml.org,2002:str":
            raise YamlError(f"the tag {event.tag!r} isn't supported", line)
        plain = event.implicit[0] and event.tag is None
        value = _plain(event.value, line) if plain else event.value
        self._tally(1, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, 1
        self._put(value, line, plain=plain)

    def _alias(self, event: yaml.AliasEvent, line: int) -> None:
        if event.anchor not in self._anchors:
            raise YamlError(f"the alias *{event.anchor} names no anchor that is complete above it", line)
        value, size = self._anchors[event.anchor]
        self._tally(size, line)
        self._put(value, line)

    def _tally(self, size: int, line: int) -> None:
        self._count += size
        if self._count > MAX_VALUES:
            raise YamlError(f"more than {MAX_VALUES} values, those of aliases counted each time", line)

    def _put(self, value: Any, line: int, *, plain: bool = False) -> str:
        """Put a value where it belongs, and return its path."""
        if not self._stack:
            self.root = value
            self.lines["$"] = line
            return "$"
        outer = self._stack[-1]
        if isinstance(outer.value, list):
            at = f"{outer.at}[{len(outer.value)}]"
            outer.value.append(value)
        elif outer.key is None:
            outer.key = _key(value, outer.value, line, plain=plain)
            self.lines[f"{outer.at}.{outer.key}"] = line
            return outer.at
        else:
            at = f"{outer.at}.{outer.key}"
            outer.value[outer.key] = value
            outer.key = None
            return at
        self.lines[at] = line
        return at


def _key(value: Any, mapping: dict[str, Any], line: int, *, plain: bool) -> str:
    if value == "<<" and plain:
        raise YamlError("merge keys (<<) aren't supported", line)
    if not isinstance(value, str):
        shown = "null" if value is None else str(value).lower() if isinstance(value, (bool, int, float)) else "this"
        raise YamlError(f"a key should be text, {shown} isn't: put it in quotes", line)
    if value in mapping:
        raise YamlError(f"the key {value!r} is given twice", line)
    return value


def _plain(text: str, line: int) -> Any:
    """Return a plain scalar by the core schema."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > 18:
            raise YamlError(f"the number {text[:20]}… is too long; put it in quotes", line)
        return int(text)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise YamlError(f"the number {text[:20]} is too large", line)
        return number
    if _SPECIAL.fullmatch(text):
        raise YamlError(f"{text} is not a number that JSON knows", line)
    return text
