"""How a command ends: its exit code, and errors as one clear line with the faults below it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

import click
import msgspec

from ..actors.core.errors import Conflict, InvalidInput, NotFound, SessiondError, Unavailable
from ..actors.core.lifecycle import Status
from .files import InvalidFile


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    FAILED = 1
    """The session failed, or what was asked was refused."""
    BAD_INPUT = 2
    CANCELLED = 3
    UNAVAILABLE = 4
    """The server or the store can't be reached, or isn't ready."""


EXIT_HELP: Final = (
    "Exit codes: 0 done, 1 failed or refused, 2 bad input, 3 the session was cancelled, "
    "4 the server or store can't be reached."
)

_OF_STATUS: Final[Mapping[Status, Exit]] = {
    "completed": Exit.DONE,
    "failed": Exit.FAILED,
    "cancelled": Exit.CANCELLED,
}


def exit_of(status: Status) -> Exit:
    """Return the exit code for a session that ended in `status`."""
    return _OF_STATUS[status]


@contextmanager
def reporting(subject: str | None = None, *, as_json: bool = False) -> Iterator[None]:
    """End the process with the right code and a clear message on stderr, should a known error come up.

    Args:
        subject: what the command is about, e.g. its file; named in the message.
        as_json: write the error as one line of JSON.
    """
    try:
        yield
    except (SessiondError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        click.echo(_as_json(error) if as_json else _as_text(error, subject), err=True)
        sys.exit(code_of(error))


def code_of(error: Exception) -> Exit:
    """Return the exit code for an error."""
    match error:
        case InvalidInput() | InvalidFile():
            return Exit.BAD_INPUT
        case NotFound() | Conflict():
            return Exit.FAILED
        case Unavailable() | OSError():
            return Exit.UNAVAILABLE
        case _:
            status = getattr(error, "status", 0)  # of a problem that a server answered
            if status in (400, 413, 415, 422):
                return Exit.BAD_INPUT
            return Exit.UNAVAILABLE if status in (429, 503, 507) else Exit.FAILED


def _as_text(error: Exception, subject: str | None) -> str:
    if isinstance(error, InvalidFile):
        return "\n".join(str(fault) for fault in error.faults)
    faults = getattr(error, "faults", [])
    head = f"{subject or 'error'}: {error}"
    if getattr(error, "status", 0) == 401 or getattr(error, "close_code", 0) == 4401:
        return f"{head}\n  give a key or a token by SESSIOND_TOKEN or --token"
    if len(faults) < 2:
        return head
    return "\n".join(
        [head.partition(" is invalid: ")[0] + " is invalid:", *(f"  {f.path}: {f.message}" for f in faults)]
    )


def _as_json(error: Exception) -> str:
    found: dict[str, Any] = {
        "code": getattr(error, "problem_code", None) or getattr(error, "code", "os_error"),
        "message": str(error),
        "faults": getattr(error, "faults", []),
    }
    return msgspec.json.encode({"error": found}).decode()
