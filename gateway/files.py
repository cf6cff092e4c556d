"""Workflow files: JSON or YAML from disk, with the line of every fault in them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from ..actors.core.errors import Fault, InvalidWorkflow, SessiondError
from ..actors.core.node import NodeType
from ..actors.core.parse import parse
from ..actors.core.workflow import Workflow
from .yaml_data import Document, YamlError, parse_yaml

MAX_FILE: Final = 1_048_576
"""Bytes of one file, as of one request's body."""


class FileFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a file; `line` counts from 1, `path` leads into the file's data."""

    file: str
    message: str
    path: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message}" if self.path is None else f"{where}: {self.path}: {self.message}"


class InvalidFile(SessiondError):
    """A file can't be used; `faults` names each reason with its place."""

    code = "invalid_file"

    def __init__(self, faults: list[FileFault]) -> None:
        self.faults = faults
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")


class DataFile(msgspec.Struct, frozen=True):
    """What a file holds: plain JSON data, and the line of each value by its path."""

    name: str
    value: Any
    lines: dict[str, int]

    def locate(self, faults: Iterable[Fault]) -> list[FileFault]:
        """Return faults in the data with their lines, in the order of the file."""
        located = [FileFault(self.name, fault.message, fault.path, self.line(fault.path)) for fault in faults]
        return sorted(located, key=lambda fault: fault.line or 0)

    def line(self, path: str) -> int | None:
        """Return the line of the value at `path`, or of the nearest thing around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return None


def read_data(path: Path) -> DataFile:
    """Return the data in a JSON file (by its suffix) or a YAML one.

    Raises:
        InvalidFile: it can't be read, is too large, or isn't such data.
    """
    name = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        _refuse(name, error.strerror or str(error))
    if len(content) > MAX_FILE:
        _refuse(name, f"has {len(content)} bytes, the limit is {MAX_FILE}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(name, f"isn't UTF-8: byte {error.start}", line=content[: error.start].count(b"\n") + 1)
    if path.suffix.lower() == ".json":
        return DataFile(name, _parse_json(name, text), _lines_of_json(text))
    try:
        document = parse_yaml(text)
    except YamlError as error:
        _refuse(name, error.message, line=error.line)
    return DataFile(name, document.value, document.lines)


def read_workflow(path: Path) -> DataFile:
    """Return the definition in a file; its `workflow_id` is the file's name unless it says otherwise.

    Raises:
        InvalidFile: see `read_data`.
    """
    found = read_data(path)
    if isinstance(found.value, dict):
        found.value.setdefault("workflow_id", path.stem)
    return found


def compile_workflow(found: DataFile, types: Mapping[str, NodeType]) -> Workflow:
    """Check a definition against node types, and compile it.

    Raises:
        InvalidFile: with every fault and its line.
    """
    try:
        return parse(found.value, types)
    except InvalidWorkflow as error:
        raise InvalidFile(found.locate(error.faults)) from None


def _refuse(name: str, message: str, *, line: int | None = None) -> NoReturn:
    raise InvalidFile([FileFault(name, message, line=line)]) from None


def _parse_json(name: str, text: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                _refuse(name, f"the key {key!r} is given twice")
            found[key] = value
        return found

    def constant(word: str) -> NoReturn:
        _refuse(name, f"{word} is not JSON")

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except json.JSONDecodeError as error:
        _refuse(name, error.msg[:1].lower() + error.msg[1:], line=error.lineno)
    except RecursionError:
        _refuse(name, "nested too deeply")
    except ValueError as error:  # an integer of thousands of digits
        _refuse(name, str(error))


def _lines_of_json(text: str) -> dict[str, int]:
    """The lines of JSON, which YAML almost includes; none where it doesn't."""
    try:
        document: Document = parse_yaml(text.replace("\t", "  "))
    except YamlError:
        return {}
    return document.lines


def state_of_files(*paths: str | Path | None) -> list[tuple[int, int, int] | None]:
    """Return what changes when one of these files does; they needn't be there."""
    states: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            found = None if path is None else os.stat(path)
        except OSError:
            found = None
        states.append(None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino))
    return states
