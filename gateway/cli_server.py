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


def remote(command: F) -> F:
    """Add the options that every command against a server has."""
    command = click.option("--json", "json_only", is_flag=True, help="Write JSON only.")(command)
    return click.option(
        "--server",
        metavar="URL",
        envvar="SESSIOND_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        show_envvar=True,
        help="The server to talk to.",
    )(command)


def call(server: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do some work with a client."""

    async def connected() -> T:
        async with Client(server) as client:
            return await work(client)

    return asyncio.run(connected())
