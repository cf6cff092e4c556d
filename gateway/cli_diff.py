"""`sessiond diff`: what changed between two versions of a workflow, from files or from a server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from ..actors.core.errors import Fault, InvalidInput, InvalidWorkflow
from ..actors.core.workflow_diff import Change, Outline, compare, outline
from .cli_exit import reporting
from .cli_server import call, remote
from .cli_show import as_json
from .client import ProblemError
from .files import InvalidFile, read_data
from .progress import printable

EXIT_HELP: Final = "Exit codes: 0 done and the same, 1 different, 2 bad input, 4 the server can't be reached."

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_MARKS: Final = {"added": "+", "removed": "-", "changed": "~"}


class Difference(msgspec.Struct, frozen=True):
    """What `--json` writes."""

    same: bool
    changes: list[Change]


@click.command(epilog=EXIT_HELP)
@click.argument("old", metavar="FILE|WORKFLOW[@VERSION]")
@click.argument("new", metavar="FILE|WORKFLOW[@VERSION]")
@remote
def diff(old: str, new: str, server: str, json_only: bool) -> None:
    """Say what leads from one version of a workflow to another: nodes, edges, properties.

    A WORKFLOW is one that the server has, its newest version unless one is named. Two files need no server.
    """
    with reporting(as_json=json_only):
        changes = compare(_outline(old, server), _outline(new, server))
        if json_only:
            click.echo(as_json(Difference(not changes, changes)))
        else:
            for change in changes:
                click.echo(line(change))
        sys.exit(1 if changes else 0)


def line(change: Change) -> str:
    """Return a change as a line for a person."""
    mark = _MARKS[change.kind]
    match change.what, change.kind:
        case "node", ("added" | "removed") if isinstance(node := _either(change), dict):
            return printable(f"{mark} node {change.path.removeprefix('$.nodes.')} ({node['type']})")
        case "edge", ("added" | "removed"):
            source = change.path.removeprefix("$.nodes.").removesuffix(".next_ids")
            return printable(f"{mark} edge {source} → {_either(change)}")
        case _, "changed":
            return printable(f"{mark} {change.path}: {_shown(change.old)} → {_shown(change.new)}")
        case _:
            return printable(f"{mark} {change.path}: {_shown(_either(change))}")


def _either(change: Change) -> Any:
    return change.old if change.kind == "removed" else change.new


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _outline(operand: str, server: str) -> Outline:
    """The workflow that an operand names.

    Raises:
        InvalidFile, InvalidInput: there is none, or it hasn't the form of one.
    """
    path = Path(operand)
    if path.suffix.lower() not in _SUFFIXES and not path.is_file():
        return outline(_stored(operand, server))
    found = read_data(path)
    try:
        return outline(found.value)
    except InvalidWorkflow as error:
        raise InvalidFile(found.locate(error.faults)) from None


def _stored(operand: str, server: str) -> Any:
    workflow_id, _, version = operand.partition("@")
    try:
        return call(server, lambda client: client.workflow(workflow_id, version or None))
    except ProblemError as error:
        if error.status != 404:
            raise
        raise InvalidInput([Fault(operand, str(error))], "the comparison") from None  # 1 would mean a difference
