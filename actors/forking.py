"""Preparing a fork: reads the original's log off the loop, and returns the command that creates the fork."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET

from .definitions import Definitions
from .errors import Fault, InvalidInput, NotFound, SessionExists
from .events import ExecutionCreated, ForkedFrom, unpack
from .fork import Fork, Original, reused
from .messages import Create
from .ports import SessionRow, Store
from .schema import check_against
from .tenancy import session_name, tenant_of
from .workflow import Workflow

PAGE: Final = 1_048_576
"""Bytes of log that are read at a time."""

Read = Callable[..., Awaitable[Any]]


async def prepare(
    store: Store, definitions: Definitions, read: Read, session_id: str, request: Fork, new_id: str
) -> tuple[Workflow, Create]:
    """Return the workflow of a session and the command that creates its fork; the session isn't touched.

    Args:
        store: where the session is.
        definitions: where its workflow is.
        read: runs a blocking call off the loop.
        session_id: the original.
        request: what is asked for.
        new_id: the fork's id, unless the request names one; either way in the tenant of the original.

    Raises:
        NotFound: there is no such session.
        InvalidInput, NotBegun: the request is wrong, by itself or for this session.
        SessionExists: the id was used for another request.
    """
    request.check()
    digest = request.digest(session_id)
    seq = request.after_seq
    name = session_name(request.session_id or new_id, tenant_of(session_id))
    if request.session_id is not None:
        created: ExecutionCreated | None = await read(_created, store, name)
        if created is not None:
            if created.request != digest or created.forked_from is None:
                raise SessionExists(name)
            seq = created.forked_from.seq  # a repetition means the same fork, though the original went on
    row: SessionRow | None = await read(store.row, session_id)
    if row is None:
        raise NotFound("session", session_id)
    workflow = await definitions.of(row)
    if workflow.input_schema is not None and request.input is not UNSET:
        value = msgspec.json.decode(request.input)
        check_against(workflow.input_schema, value, "$.input", "the session's input")
    original: Original = await read(_original, store, workflow, session_id, seq)
    state = original.state
    if not state.seq:
        raise NotFound("session", session_id)  # deleted meanwhile
    if request.after_seq is not None and request.after_seq > state.seq:
        fault = Fault("$.after_seq", f"is {request.after_seq}, the session is at seq {state.seq}")
        raise InvalidInput([fault], "the request")
    return workflow, Create(
        session_id=name,
        input=state.input if request.input is UNSET else request.input,
        context=state.context,
        labels=state.labels,
        deadline_s=state.deadline_s,
        tenant=state.tenant,
        request=digest,
        start=request.start,
        forked_from=ForkedFrom(session_id, state.seq, request.from_node),
        reused=reused(original, request.from_node),
    )


def _created(store: Store, session_id: str) -> ExecutionCreated | None:
    """The first fact of a session, if there is such a session."""
    segments = store.read(session_id, 0, 1)
    fact = unpack(segments[0])[0].data if segments else None
    return fact if isinstance(fact, ExecutionCreated) else None


def _original(store: Store, workflow: Workflow, session_id: str, seq: int | None) -> Original:
    """Fold a session's log, up to `seq` if one is named: snapshots don't tell how rounds began."""
    original = Original(workflow, session_id)
    at = 0
    while segments := store.read(session_id, at, PAGE):
        for segment in segments:
            records = unpack(segment)
            original.take(record for record in records if seq is None or record.seq <= seq)
        at = segments[-1].last_seq
        if seq is not None and at >= seq:
            break
    return original
