"""Commands against a server: `ls`, `get`, `execute`, the controls, `review`, `delete`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, get_args

import click
from msgspec import UNSET

from ..actors.core.errors import Fault, InvalidInput
from ..actors.core.lifecycle import Action, Status
from .cli_exit import EXIT_HELP, reporting
from .cli_input import parse_input
from .cli_server import call, remote
from .cli_show import as_json, show_receipt, show_reviews, show_session, show_sessions
from .cli_watch import follow
from .client import Client
from .files import read_workflow
from .review_desk import read_value


@click.command(epilog=EXIT_HELP)
@click.option("--status", type=click.Choice(get_args(Status)), help="Only sessions in this status.")
@click.option("--label", metavar="KEY[:VALUE]", help="Only sessions with this label.")
@click.option("--workflow", "workflow_id", metavar="ID", help="Only sessions of this workflow.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many.")
@click.option("--cursor", help="Where the page before ended: its next_cursor.")
@remote
def ls(server: str, json_only: bool, **query: Any) -> None:
    """List sessions, newest first."""
    with reporting(as_json=json_only):
        page = call(server, lambda client: client.rows(**query))
        click.echo(as_json(page) if json_only else show_sessions(page, time.time()))
        if page.next_cursor and not json_only:
            click.echo(f"more: --cursor {page.next_cursor}", err=True)


@click.command(epilog=EXIT_HELP)
@click.argument("session")
@remote
def get(session: str, server: str, json_only: bool) -> None:
    """Show SESSION: its status, its nodes, its output or error."""
    with reporting(as_json=json_only):
        detail = call(server, lambda client: client.detail(session))
        click.echo(as_json(detail) if json_only else show_session(detail, time.time()))


@click.command(epilog=EXIT_HELP)
@click.argument("workflow", metavar="WORKFLOW|FILE")
@click.option("-i", "--input", "inputs", multiple=True, metavar="KEY=VALUE", help="As for `sessiond run`; repeatable.")
@click.option("--session-id", metavar="ID", help="The session's id; made up if absent. The same request is done once.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="For lists; repeatable.")
@click.option("--pending", is_flag=True, help="Only create it; `sessiond start` starts it.")
@click.option("--watch", "watched", is_flag=True, help="Watch it to its end.")
@remote
def execute(
    workflow: str,
    inputs: tuple[str, ...],
    session_id: str | None,
    labels: tuple[str, ...],
    pending: bool,
    watched: bool,
    server: str,
    json_only: bool,
) -> None:
    """Start a session of a workflow that the server has, or of the one in a FILE, and print its id."""
    with reporting(as_json=json_only):
        graph = read_workflow(Path(workflow)).value if Path(workflow).suffix else workflow
        options: dict[str, Any] = {"start": not pending, "labels": _labels(labels)}
        if session_id is not None:
            options["session_id"] = session_id
        given = parse_input(inputs)
        started = call(server, lambda client: client.execute(graph, given, **options))
        if watched:
            click.echo(started.session_id, err=True)
            sys.exit(call(server, lambda client: follow(client, started.session_id, 0, json_only=json_only)))
        click.echo(as_json(started) if json_only else started.session_id)


def _labels(items: tuple[str, ...]) -> dict[str, str]:
    if wrong := [item for item in items if "=" not in item]:
        raise InvalidInput([Fault(f"--label {item}", "should be key=value") for item in wrong], "the labels")
    return dict(item.split("=", 1) for item in items)


def _control(action: Action, line: str) -> click.Command:
    """Make the command for one action."""

    @click.command(action, epilog=EXIT_HELP, help=line)
    @click.argument("session")
    @click.option("--reason", help="Why; kept with the session.")
    @remote
    def control(session: str, reason: str | None, server: str, json_only: bool) -> None:
        with reporting(as_json=json_only):
            receipt = call(server, lambda client: client.control(session, action, reason))
            click.echo(as_json(receipt) if json_only else show_receipt(receipt))

    return control


start = _control("start", "Start SESSION, which is pending.")
pause = _control("pause", "Pause SESSION: from the answer on no node starts.")
resume = _control("resume", "Let SESSION go on after a pause.")
stop = _control("stop", "End SESSION at once, as failed.")
cancel = _control("cancel", "End SESSION as cancelled; running nodes have a moment to clean up.")


@click.command(epilog=EXIT_HELP)
@click.argument("session", required=False)
@click.argument("action", required=False, type=click.Choice(["approve", "reject", "modify"]))
@click.option("--node", metavar="ID", help="Which review, if the session has more than one open.")
@click.option("--data", metavar="VALUE", help="What to modify with: JSON if it can be read as JSON, else text.")
@remote
def review(
    session: str | None, action: str | None, node: str | None, data: str | None, server: str, json_only: bool
) -> None:
    """Answer a human review of SESSION; without ACTION, list the open ones."""
    with reporting(as_json=json_only):
        if session is None or action is None:
            page = call(server, lambda client: client.reviews(**_given(session_id=session, node_id=node)))
            click.echo(as_json(page) if json_only else show_reviews(page))
            return
        value = None if data is None else read_value(data)

        async def answer(client: Client) -> Any:
            where = node or await _the_one(client, session)
            return await client.review(session, where, action, value)

        answered = call(server, answer)
        click.echo(as_json(answered) if json_only else f"{session} goes on (seq {answered.seq})")


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


async def _the_one(client: Client, session: str) -> str:
    """The node whose review is open, if it is one; if none is the caller's to answer, another's: the server says so."""
    names = [item.node_id for item in (await client.reviews(session_id=session)).items]
    if not names:
        nodes = (await client.detail(session)).nodes
        names = [name for name, found in nodes.items() if found.wait is not UNSET]
    if not names:
        raise InvalidInput([Fault(session, "no review of this session waits")], "the review")
    if len(names) > 1:
        raise InvalidInput([Fault("--node", f"is needed: reviews wait at {', '.join(names)}")], "the review")
    return names[0]


@click.command(epilog=EXIT_HELP)
@click.argument("session")
@remote
def delete(session: str, server: str, json_only: bool) -> None:
    """Remove SESSION, which has ended, and its events."""
    with reporting(as_json=json_only):
        call(server, lambda client: client.delete(session))
        click.echo(as_json({"session_id": session, "deleted": True}) if json_only else f"{session} is deleted")


@click.command(epilog=EXIT_HELP)
@click.argument("session")
@click.option("--after", type=click.IntRange(0), default=0, help="Begin after this seq.")
@remote
def watch(session: str, after: int, server: str, json_only: bool) -> None:
    """Follow SESSION live to its end, over as many connections as it takes. Ctrl-C leaves it running.

    Exits as the session ends: 0 completed, 1 failed, 3 cancelled.
    """
    with reporting(as_json=json_only):
        sys.exit(call(server, lambda client: follow(client, session, after, json_only=json_only)))
