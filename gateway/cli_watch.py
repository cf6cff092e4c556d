"""Following a session of a server, on the screen or as JSON lines."""

from __future__ import annotations

import signal
import sys
from asyncio import CancelledError, get_running_loop
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ..actors.core.reset import StreamReset
from .cli_exit import Exit, exit_of
from .client import API, TERMINAL_EVENT, Client
from .local_run import Outlet
from .outlets import JsonLines, open_screen
from .progress_lines import QUIET

INTERRUPTED: Final = 130
"""What a shell reports of a process that Ctrl-C ended."""


async def follow(client: Client, session_id: str, after: int, *, json_only: bool) -> int:
    """Show a session's events after a seq, to its end, and return the exit code.

    Raises:
        NotFound, StreamRefused, Unavailable, ProblemError: it can't be followed.
    """
    outlet = await _open(client, session_id, json_only=json_only)
    loop = get_running_loop()
    following = loop.create_task(_take(client, session_id, after, outlet))
    loop.add_signal_handler(signal.SIGINT, following.cancel)
    try:
        return await following
    except CancelledError:
        outlet.close()
        outlet.note(f"{session_id} goes on; watch it again: sessiond watch {session_id}")
        return INTERRUPTED
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        outlet.close()


async def _take(client: Client, session_id: str, after: int, outlet: Outlet) -> Exit:
    async for record in client.watch(session_id, after):
        if isinstance(record, StreamReset):
            outlet.note(f"events up to {record.seq} aren't kept any more; the session as of then stands for them")
            outlet.take(msgspec.json.encode(record.notice), record)
            continue
        outlet.take(msgspec.json.encode(record), record)
        if record.event == TERMINAL_EVENT:
            return exit_of(record.data["status"])
    raise AssertionError("a stream ends by the terminal event")


async def _open(client: Client, session_id: str, *, json_only: bool) -> Outlet:
    answer = await client.request("GET", f"{API}/sessions/{quote(session_id, safe='')}/workflow")
    if json_only:
        return JsonLines(sys.stdout.buffer)
    nodes: dict[str, Any] = msgspec.json.decode(answer.body)["nodes"]
    quiet = [node_id for node_id, node in nodes.items() if node["type"] in QUIET]
    return open_screen(nodes, quiet, ask=False)
