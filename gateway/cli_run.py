"""`sessiond run` and `sessiond validate`: workflow files, without a server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, Final, NoReturn

import click
import msgspec

from ..actors.core.lifecycle import Status
from ..actors.core.node import TaskType
from ..actors.core.workflow import Workflow
from ..actors.handle import Session
from .cli_exit import EXIT_HELP, Exit, exit_of, reporting
from .cli_input import parse_input
from .files import FileFault, InvalidFile, compile_workflow, read_workflow
from .local_run import Order, Outlet, run_order
from .node_modules import load_nodes

NODE_THREADS: Final = "sessiond-node"
"""How the names of the threads of blocking nodes begin."""

nodes_option = click.option(
    "--nodes",
    multiple=True,
    metavar="MODULE[:REGISTRY]",
    help="Import a module for the node types and tools it registers; repeatable.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON only.")


@click.command(epilog=EXIT_HELP)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="KEY=VALUE",
    help="A field of the input (JSON if it can be read as JSON, else text), or @FILE for the whole; repeatable.",
)
@click.option(
    "--store",
    default="memory://",
    show_default=True,
    help="Where the session is kept, e.g. sqlite:///run.db. With a durable one and --session-id, a run that was "
    "killed goes on when it is started again.",
)
@click.option("--session-id", metavar="ID", help="The session's id; made up if absent.")
@click.option("--yes", is_flag=True, help="Approve every human review.")
@nodes_option
@json_option
def run(
    file: Path,
    inputs: tuple[str, ...],
    store: str,
    session_id: str | None,
    yes: bool,
    nodes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run the workflow in FILE as one session in this process, live in the terminal.

    Progress goes to stderr, the session's output to stdout as JSON. With --json, stdout has one event per line,
    exactly as a server sends them. Ctrl-C cancels politely, a second one leaves at once.
    """
    with reporting(str(file), as_json=as_json):
        registry = load_nodes(nodes)
        workflow = compile_workflow(read_workflow(file), registry.types)
        order = Order(
            workflow=workflow,
            input=parse_input(inputs),
            store=store,
            registry=registry,
            session_id=session_id,
            approve=yes,
        )
        status, output = asyncio.run(_run(order, as_json=as_json))
    if status == "completed" and not as_json:
        click.echo(json.dumps(output, indent=2, ensure_ascii=False))
    _leave(exit_of(status))


def _leave(code: Exit) -> NoReturn:
    """Exit; at once if a blocking node still holds a thread, which nothing can stop and Python would wait for."""
    if any(thread.name.startswith(NODE_THREADS) for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


async def _run(order: Order, *, as_json: bool) -> tuple[Status, Any]:
    from .outlets import JsonLines, Screen, open_screen  # rich takes 0.1 s to import

    def begin(session: Session) -> Outlet:
        if as_json:
            return JsonLines(sys.stdout.buffer)
        screen = open_screen(order.workflow.nodes, quiet_nodes(order.workflow))
        screen.note(f"{order.workflow.workflow_id} · session {session.id}")
        return screen

    return await run_order(order, begin, lambda o: o if isinstance(o, Screen) and o.can_ask else None)


def quiet_nodes(workflow: Workflow) -> list[str]:
    """Return the nodes that complete or wait as soon as they start."""
    return [node.id for node in workflow.nodes.values() if not isinstance(node.type, TaskType)]


@click.command(epilog=EXIT_HELP)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@nodes_option
@json_option
def validate(files: tuple[Path, ...], nodes: tuple[str, ...], as_json: bool) -> None:
    """Check the workflow in each of FILES, and list every fault with its file, line and path."""
    with reporting(as_json=as_json):
        types = load_nodes(nodes).types
        bad = False
        for file in files:
            try:
                workflow = compile_workflow(read_workflow(file), types)
            except InvalidFile as error:
                bad = True
                _report(file, None, error.faults, as_json=as_json)
            else:
                _report(file, workflow, [], as_json=as_json)
    sys.exit(Exit.BAD_INPUT if bad else Exit.DONE)


def _report(file: Path, workflow: Workflow | None, faults: list[FileFault], *, as_json: bool) -> None:
    if as_json:
        found = {
            "file": str(file),
            "valid": not faults,
            "workflow_id": workflow.workflow_id if workflow else None,
            "version": workflow.version if workflow else None,
            "faults": faults,
        }
        click.echo(msgspec.json.encode(found))
    elif workflow is None:
        for fault in faults:
            click.echo(str(fault), err=True)
    else:
        click.echo(f"{file}: valid, {len(workflow.nodes)} nodes, version {workflow.version}")
