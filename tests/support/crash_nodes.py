"""Node types for a server that is to be killed: the first attempt of each stays in the middle of its work for ever.

Each attempt is noted in the file LEDGER, as `began <key> <attempt>`, and its side effect as `did <key> <attempt>`; the
key is the idempotency key. Whoever is in the middle writes its key to the pipe HERE.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import msgspec

from sessiond import NodeContext, NodeError, node, tool


def _write(path: str, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def note(word: str, key: str, attempt: int) -> None:
    _write(os.environ["LEDGER"], f"{word} {key} {attempt}")


def here(key: str) -> None:
    _write(os.environ["HERE"], key)


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When to stay in the middle, and what to come to otherwise."""

    round: int = 1
    attempts: int = 1
    fail: bool = False
    value: Any = None


@node("mark")
async def mark(context: NodeContext, properties: Hold) -> Any:
    """Does its work at once."""
    note("began", context.idempotency_key, context.attempt)
    note("did", context.idempotency_key, context.attempt)
    return properties.value


@node("held")
async def held(context: NodeContext, properties: Hold) -> Any:
    """Stays in the middle of its first `attempts` in round `round`."""
    note("began", context.idempotency_key, context.attempt)
    if context.round == properties.round and context.attempt <= properties.attempts:
        here(context.idempotency_key)
        await asyncio.get_running_loop().create_future()
    if properties.fail:
        raise NodeError("no luck", "unlucky")
    note("did", context.idempotency_key, context.attempt)
    return properties.value


@node("second_time")
async def second_time(context: NodeContext) -> Any:
    """Fails at its first attempt."""
    note("began", context.idempotency_key, context.attempt)
    if context.attempt == 1:
        raise NodeError("not yet", "not_yet")
    note("did", context.idempotency_key, context.attempt)
    return {"attempt": context.attempt}


def _block(key: str, attempt: int) -> Any:
    note("began", key, attempt)
    if attempt == 1:
        here(key)
        threading.Event().wait()
    note("did", key, attempt)
    return {"attempt": attempt}


@node("blocking")
def blocking(context: Any) -> Any:
    """Holds a thread."""
    return _block(context.idempotency_key, context.attempt)


@node("crunching", runs_in="process")
def crunching(context: Any) -> Any:
    """Holds a process."""
    return _block(context.idempotency_key, context.attempt)


@tool("block")
def block(key: str, attempt: int) -> Any:
    return _block(key, attempt)
