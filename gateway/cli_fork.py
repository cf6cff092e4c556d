"""`sessiond fork`: a new session that reuses what another one has completed."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..actors.core.errors import Fault, InvalidInput
from .cli_exit import EXIT_HELP, reporting
from .cli_input import parse_input
from .cli_server import call, remote
from .cli_show import as_json
from .cli_watch import follow


@click.command(epilog=EXIT_HELP)
@click.argument("session")
@click.option("--after-seq", type=click.IntRange(1), metavar="SEQ", help="Fork SESSION as it was after this event.")
@click.option("--from-node", metavar="ID", help="Fork it as it is, but run this node, and all behind it, again.")
@click.option(
    "-i", "--input", "inputs", multiple=True, metavar="KEY=VALUE", help="In place of the whole input; repeatable."
)
@click.option("--session-id", metavar="ID", help="The fork's id; made up if absent. The same request is done once.")
@click.option("--pending", is_flag=True, help="Only create it; `sessiond start` starts it.")
@click.option("--watch", "watched", is_flag=True, help="Watch it to its end.")
@remote
def fork(
    session: str,
    after_seq: int | None,
    from_node: str | None,
    inputs: tuple[str, ...],
    session_id: str | None,
    pending: bool,
    watched: bool,
    server: str,
    json_only: bool,
) -> None:
    """Start a new session that reuses what SESSION has completed, and print its id; SESSION isn't touched.

    What is reused came from SESSION's own input, whatever -i says.
    """
    with reporting(as_json=json_only):
        if (after_seq is None) == (from_node is None):
            raise InvalidInput([Fault("--after-seq, --from-node", "exactly one of them is needed")], "the fork")
        request: dict[str, Any] = {"after_seq": after_seq} if from_node is None else {"from_node": from_node}
        if inputs:
            request["input"] = parse_input(inputs)
        made = call(server, lambda client: client.fork(session, fork_id=session_id, start=not pending, **request))
        if watched:
            click.echo(made.session_id, err=True)
            sys.exit(call(server, lambda client: follow(client, made.session_id, 0, json_only=json_only)))
        click.echo(as_json(made) if json_only else made.session_id)
