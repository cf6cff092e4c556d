"""Commands about one node of a session on a server: `signal`, `retry`, `skip`."""

from __future__ import annotations

from typing import Any, Final

import click

from ..actors.core.errors import Fault, InvalidInput
from .cli_exit import EXIT_HELP, reporting
from .cli_server import call, remote
from .cli_show import as_json
from .review_desk import read_value

VALUE: Final = "JSON if it can be read as JSON, else text"


@click.command(epilog=EXIT_HELP)
@click.argument("session")
@click.option("--node", metavar="ID", help="The node to signal.")
@click.option("--name", help="The signal's name: the node gets it that has waited longest for it.")
@click.option("--payload", metavar="VALUE", help=f"What the node gets, {VALUE}; null if absent.")
@remote
def signal(session: str, node: str | None, name: str | None, payload: str | None, server: str, json_only: bool) -> None:
    """Signal a node of SESSION; the signal is kept if nobody waits for it yet."""
    with reporting(as_json=json_only):
        if (node is None) == (name is None):
            raise InvalidInput([Fault("--node, --name", "exactly one of them is needed")], "the signal")
        target = {"node_id": node} if node is not None else {"name": name or ""}
        value = None if payload is None else read_value(payload)
        sent = call(server, lambda client: client.signal(session, value, **target))
        click.echo(as_json(sent) if json_only else f"{session} has the signal (seq {sent.seq})")


@click.command(epilog=EXIT_HELP)
@click.argument("session")
@click.argument("node")
@click.option("--input", "given", metavar="VALUE", help=f"What NODE sees as the session's input from now on, {VALUE}.")
@remote
def retry(session: str, node: str, given: str | None, server: str, json_only: bool) -> None:
    """Run NODE of SESSION again, which failed and waits for a person or for its next attempt."""
    with reporting(as_json=json_only):
        values: dict[str, Any] = {} if given is None else {"input": read_value(given)}
        answered = call(server, lambda client: client.retry_node(session, node, **values))
        click.echo(as_json(answered) if json_only else f"{node} of {session} runs again (seq {answered.seq})")


@click.command(epilog=EXIT_HELP)
@click.argument("session")
@click.argument("node")
@click.option("--output", metavar="VALUE", help=f"What NODE is said to have put out, {VALUE}; null if absent.")
@remote
def skip(session: str, node: str, output: str | None, server: str, json_only: bool) -> None:
    """Go on behind NODE of SESSION, which failed and waits for a person or for its next attempt."""
    with reporting(as_json=json_only):
        value = None if output is None else read_value(output)
        answered = call(server, lambda client: client.skip_node(session, node, value))
        click.echo(as_json(answered) if json_only else f"{session} goes on behind {node} (seq {answered.seq})")
