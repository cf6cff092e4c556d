"""The command line, `sessiond`; each command imports what it needs only when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

import click

from ..actors.version import VERSION

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("cli_run", "Run a workflow file as one session in this process."),
    "validate": ("cli_run", "Check workflow files."),
    "diff": ("cli_diff", "Say what changed between two versions of a workflow."),
    "serve": ("cli_serve", "Serve sessions over HTTP, WebSocket and SSE."),
    "doctor": ("cli_doctor", "Tell whether a store may lose what it acknowledged."),
    "key": ("cli_key", "Make keys for those who may use a server."),
    "ls": ("cli_remote", "List the sessions of a server."),
    "get": ("cli_remote", "Show a session."),
    "execute": ("cli_remote", "Start a session of a workflow."),
    "watch": ("cli_remote", "Follow a session live, to its end."),
    "start": ("cli_remote", "Start a pending session."),
    "pause": ("cli_remote", "Pause a session."),
    "resume": ("cli_remote", "Let a paused session go on."),
    "stop": ("cli_remote", "End a session at once, as failed."),
    "cancel": ("cli_remote", "End a session as cancelled."),
    "review": ("cli_remote", "Answer a human review, or list the open ones."),
    "signal": ("cli_nodes", "Signal a session, or one of its nodes."),
    "retry": ("cli_nodes", "Run a node again that failed and waits."),
    "skip": ("cli_nodes", "Go on behind a node that failed and waits."),
    "fork": ("cli_fork", "Start a new session that reuses what another one has completed."),
    "delete": ("cli_remote", "Remove a session that has ended."),
}
"""Each command's module here, and its line in the list of commands."""


class LazyGroup(click.Group):
    """Imports a command's module when the command is called: `--help` and errors stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[cmd_name][0]}", __package__)
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="sessiond")
def main(**_: Any) -> None:
    """Durable sessions: start, watch, pause, correct, resume and stop long workflows."""


if __name__ == "__main__":
    main()
