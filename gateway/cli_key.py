"""`sessiond key`: API keys for a server, in a file of which the server needs only the hashes."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

import click
import msgspec

from ..actors.core.errors import Fault, InvalidInput
from ..actors.core.tenancy import DEFAULT, check_tenant
from ..actors.core.timestamps import epoch, stamp
from .cli_exit import EXIT_HELP, reporting
from .keys import append_key, new_key
from .principal import ROLES, Role

_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400}


@click.group(epilog=EXIT_HELP)
def key() -> None:
    """Make keys for those who may use a server."""


@key.command(epilog=EXIT_HELP)
@click.option("--tenant", default=DEFAULT, show_default=True, help="Whose sessions and workflows it gives access to.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(ROLES),
    help="What it may do: each role may do what those before it may; repeatable.",
)
@click.option("--expires", metavar="WHEN", help="Such as 12h, 90d or 2030-01-01T00:00:00Z; never if absent.")
@click.option("--note", help="Whose it is; kept in the file.")
@click.option(
    "--keys",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="SESSIOND_KEYS",
    default=Path("keys.jsonl"),
    show_default=True,
    show_envvar=True,
    help="The file to add it to; made if there is none.",
)
@click.option("--json", "json_only", is_flag=True, help="Write JSON only.")
def new(
    tenant: str, roles: tuple[Role, ...], expires: str | None, note: str | None, path: Path, json_only: bool
) -> None:
    """Make a key, print it, once, and add its hash to the file. A running server takes it up within a second.

    To revoke a key, remove its line from the file: streams that it opened are closed.
    """
    with reporting(as_json=json_only):
        check_tenant(tenant)
        ends = None if expires is None else read_expiry(expires, time.time())
        token, entry = new_key(tenant, roles, ends, note)
        append_key(path, entry)
    if json_only:
        shown = {"key": token, "id": entry.id, "tenant": tenant, "roles": roles, "expires_at": ends}
        click.echo(msgspec.json.encode(shown).decode())
        return
    click.echo(token)
    click.echo(f"added to {path} as {entry.id}; it is shown only now", err=True)


def read_expiry(text: str, now: float) -> str:
    """Return the time that a span from `now`, or a timestamp, means.

    Raises:
        InvalidInput: it is neither, or in the past.
    """
    if match := re.fullmatch(r"([1-9]\d{0,5})([mhd])", text):
        return stamp(now + int(match[1]) * _UNITS[match[2]])
    try:
        if not re.search(r"(Z|[+-]\d\d:\d\d)$", text):
            raise ValueError("it says no offset")
        ends = epoch(text)
    except ValueError:
        fault = Fault("--expires", "should be such as 30m, 12h, 90d or 2030-01-01T00:00:00Z")
        raise InvalidInput([fault], "the key") from None
    if ends <= now:
        raise InvalidInput([Fault("--expires", "is in the past")], "the key")
    return stamp(ends)
