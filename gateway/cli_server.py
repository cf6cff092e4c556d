"""What every command against a server shares: which server, in which form to answer, and the call itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import click

from .client import Client

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"
_TOKEN: Final = "sessiond.token"
_CA: Final = "sessiond.ca"


def remote(command: F) -> F:
    """Add the options that every command against a server has."""
    command = click.option("--json", "json_only", is_flag=True, help="Write JSON only.")(command)
    command = click.option(
        "--token",
        metavar="TOKEN",
        envvar="SESSIOND_TOKEN",
        show_envvar=True,
        expose_value=False,
        callback=_keep(_TOKEN),
        help="API key or JSON Web Token; others on this machine can see an option, but not the variable.",
    )(command)
    command = click.option(
        "--ca",
        metavar="FILE",
        envvar="SESSIOND_CA",
        show_envvar=True,
        expose_value=False,
        callback=_keep(_CA),
        help="Authorities in PEM that may vouch for an https:// server, in place of the system's.",
    )(command)
    return click.option(
        "--server",
        metavar="URL",
        envvar="SESSIOND_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        show_envvar=True,
        help="The server to talk to.",
    )(command)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    """Return what keeps a value where `call` finds it: no command has anything to do with it."""

    def keep(context: click.Context, _: click.Parameter, value: str | None) -> None:
        context.meta[name] = value

    return keep


def call(server: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do some work with a client."""
    logging.getLogger("tornado").addHandler(logging.NullHandler())  # what it warns of is raised too, and told once
    kept: Mapping[str, str | None] = click.get_current_context().meta

    async def connected() -> T:
        async with Client(server, token=kept.get(_TOKEN), ca=kept.get(_CA)) as client:
            return await work(client)

    return asyncio.run(connected())
