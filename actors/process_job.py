"""What crosses to a worker process and back, and the worker's own side.

A worker is a plain loop: a job comes in, its outcome goes out. Nothing that the user's code raises leaves it in
any other way, so an outcome can always be read.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

import msgspec
from msgspec import Raw

from .core.errors import NodeError
from .core.events import Failure
from .core.json import as_text, encode_output
from .core.user_code import UserCode


class JobContext(msgspec.Struct, kw_only=True):
    """A node's context in a process of its own: what it may look at, as plain JSON.

    It can't stream, report or wait: that needs the session. Attributes are those of NodeContext.
    """

    session_id: str
    node_id: str
    attempt: int
    round: int
    idempotency_key: str
    input: Any
    context: Any
    upstream: dict[str, Any]
    properties: Any

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger of the worker process that says which session and node it is."""
        extra = {"session_id": self.session_id, "node_id": self.node_id, "attempt": self.attempt}
        return logging.LoggerAdapter(logging.getLogger("sessiond.node"), extra)


class Outcome(msgspec.Struct):
    """What a job came to: an output, or why there is none."""

    output: Raw = Raw(b"null")
    failure: Failure | None = None


def encode_job(target: Callable[..., Any], properties: type[msgspec.Struct] | None, context: JobContext) -> bytes:
    """Return a job: the code by reference, the rest as JSON.

    Raises:
        NodeError: `not_importable`: a process can't find the code under its name.
    """
    try:
        return pickle.dumps((target, properties, msgspec.json.encode(context)))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise NodeError(f"the node can't run in a process: {error}", "not_importable") from None


def perform(job: bytes) -> bytes:
    """Run a job and return its Outcome as JSON, whatever the code does."""
    try:
        target, properties, payload = pickle.loads(job)
        context = msgspec.json.decode(payload, type=JobContext)
        if properties is not None:
            context.properties = msgspec.convert(context.properties, properties)
        code = UserCode(target, properties, "process")
        outcome = Outcome(output=encode_output(code.call(context, context.properties)))
    except NodeError as error:
        outcome = Outcome(failure=Failure(as_text(error.node_code), as_text(error)))
    except BaseException as error:  # noqa: BLE001 - SystemExit and the like end this attempt only
        outcome = Outcome(failure=Failure("exception", f"{type(error).__name__}: {as_text(error)}"))
    return msgspec.json.encode(outcome)


def serve_jobs(connection: Connection) -> None:
    """Be a worker process until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with_parent, name="sessiond-parent", daemon=True).start()
    while True:
        try:
            job = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(perform(job))


def _end_with_parent() -> None:
    """A killed parent can't say goodbye; its sessions run again elsewhere, so this work is in vain."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
