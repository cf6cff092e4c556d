"""`sessiond serve`: the server, its settings from flags, the environment and a file, in that order."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from ..actors.core.faults import fault_of
from .cli_exit import EXIT_HELP, reporting
from .files import FileFault, InvalidFile, read_data
from .setting_flags import flags_for_the_rest
from .settings import PREFIX, Settings


@click.command(epilog=EXIT_HELP)
@flags_for_the_rest
@click.option("--store", help="Where sessions are kept: sqlite:///file.db, redis://host/0 or memory://.")
@click.option("--host", help="Address to listen on; 127.0.0.1 unless told otherwise.")
@click.option("--port", type=int, help="Port; 8080 unless told otherwise, 0 takes a free one.")
@click.option("--nodes", multiple=True, metavar="MODULE[:REGISTRY]", help="Import a module of node types; repeatable.")
@click.option(
    "--workflow",
    "workflows",
    multiple=True,
    metavar="FILE",
    help="Register the workflow in a file at the start; repeatable.",
)
@click.option(
    "--strict-durability",
    is_flag=True,
    default=None,
    help="Refuse a store whose settings may lose acknowledged data; see `sessiond doctor`.",
)
@click.option("--log-limit-events", type=int, help="Events, about, that are kept of a session's log; 0 for all.")
@click.option("--log-limit-bytes", type=int, help="The same in bytes.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the log is written; text.")
@click.option("--keys", metavar="FILE", help="API keys of those who may use it: see `sessiond key new`.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings in YAML or JSON, by name.")
def serve(config: Path | None, **flags: Any) -> None:
    """Serve sessions over HTTP, WebSocket and SSE, until SIGTERM or Ctrl-C.

    Every setting is also SESSIOND_<NAME> in the environment, lists separated by commas, and a name in the file
    of --config. A flag goes before the environment, and that before the file.
    """
    with reporting():
        settings = read_settings(
            config, {name: value for name, value in flags.items() if value not in (None, ())}, os.environ
        )
        from .main import run  # tornado takes 0.1 s to import

        run(settings)
    sys.exit(0)


def read_settings(config: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings: flags first, then the environment, then the file.

    Raises:
        InvalidInput: a flag or a variable is wrong.
        InvalidFile: the file, or a setting in it, is wrong.
    """
    given = dict(flags)
    if config is not None:
        found = read_data(config)
        if not isinstance(found.value, dict):
            raise InvalidFile([FileFault(found.name, "should hold settings by name", "$", 1)])
        try:
            msgspec.convert(found.value, Settings)
        except msgspec.ValidationError as error:
            raise InvalidFile(found.locate([fault_of(error, "$")])) from None
        given = {name: value for name, value in found.value.items() if PREFIX + name.upper() not in environ} | given
    return Settings.read(environ, **given)
