"""`sessiond doctor`: whether a store may lose what it acknowledged, by the same rules as the server's log."""

from __future__ import annotations

import os
import sys
from typing import Final

import click
import msgspec

from ..actors.core.errors import InvalidInput, StoreError, Unavailable
from ..actors.core.ports import Hazard
from ..actors.plugins import inspect_store
from .cli_exit import reporting
from .settings import Settings

SAFE: Final = 0
UNSAFE: Final = 1
UNREACHABLE: Final = 2

_EXIT_HELP: Final = "Exit codes: 0 nothing acknowledged can be lost, 1 it can, 2 the store can't be looked at."


@click.command(epilog=_EXIT_HELP)
@click.option("--store", help="Which store: sqlite:///file.db, redis://host/0; else SESSIOND_STORE, as for serve.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON only.")
def doctor(store: str | None, as_json: bool) -> None:
    """Name each setting of a store that may lose acknowledged data, and what to do about it.

    The store is only looked at: nothing is made, claimed or changed, so a server may run on it meanwhile.
    """
    with reporting(as_json=as_json):
        url = Settings.read(os.environ, store=store).store
        try:
            hazards = inspect_store(url)
        except InvalidInput:
            raise
        except (StoreError, Unavailable) as error:
            message = {"error": {"code": error.code, "message": str(error), "faults": []}}
            click.echo(msgspec.json.encode(message).decode() if as_json else f"error: {error}", err=True)
            sys.exit(UNREACHABLE)
    unsafe = any(hazard.unsafe for hazard in hazards)
    click.echo(_as_json(hazards, unsafe) if as_json else _as_text(hazards, unsafe))
    sys.exit(UNSAFE if unsafe else SAFE)


def _as_json(hazards: list[Hazard], unsafe: bool) -> str:
    return msgspec.json.encode({"safe": not unsafe, "hazards": hazards}).decode()


def _as_text(hazards: list[Hazard], unsafe: bool) -> str:
    lines = []
    for hazard in hazards:
        lines.append(f"{'unsafe ' if hazard.unsafe else 'notice '} {hazard.setting} is {hazard.found}")
        lines.append(f"         {hazard.risk}")
        lines.append(f"         {hazard.advice}")
    lines.append("This store may lose acknowledged data." if unsafe else "Nothing acknowledged can be lost.")
    return "\n".join(lines)
