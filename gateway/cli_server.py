"""What every command against a server shares: which server, in which form to answer, and the call itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import click

from .client import Client

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"
_TOKEN: Final = "sessiond.token"


def remote(command: F) -> F:
    """Add the options that every command against a server has."""
    command = click.option("--json", "json_only", is_flag=True, help="Write JSON only.")(command)
    command = click.option(
        "--token",
        metavar="TOKEN",
        envvar="SESSIOND_TOKEN",
        show_envvar=True,
        expose_value=False,
        callback=_keep_token,
        help="API key or JSON Web Token; others on this machine can see an option, but not the variable.",
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


def _keep_token(context: click.Context, _: click.Parameter, value: str | None) -> None:
    """Keep it where `call` finds it: no command has anything to do with it."""
    context.meta[_TOKEN] = value


def call(server: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do some work with a client."""
    token: str | None = click.get_current_context().meta.get(_TOKEN)

    async def connected() -> T:
        async with Client(server, token=token) as client:
            return await work(client)

    return asyncio.run(connected())
