"""Preparing a fork: reads the original's log off the loop, and returns the command that creates the fork."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET

from .core.answers import check_answered
from .core.errors import Fault, ForkTrimmed, InvalidInput, LogTrimmed, NotFound, SessionExists
from .core.events import ExecutionCreated, Fact, ForkedFrom, NodeStateChange, unpack
from .core.fork import Fork, Original, reused
from .core.messages import Create
from .core.ports import SessionRow, Store
from .core.schema import check_against
from .core.state import SessionState
from .core.tenancy import session_name, tenant_of
from .core.workflow import Workflow
from .definitions import Definitions
from .restore import state_in

PAGE: Final = 1_048_576
"""Bytes of log that are read at a time."""

Read = Callable[..., Awaitable[Any]]


async def prepare(
    store: Store,
    definitions: Definitions,
    read: Read,
    session_id: str,
    request: Fork,
    new_id: str,
    by: str | None = None,
) -> tuple[Workflow, Create]:
    """Return the workflow of a session and the command that creates its fork; the session isn't touched.

    Args:
        store: where the session is.
        definitions: where its workflow is.
        read: runs a blocking call off the loop.
        session_id: the original.
        request: what is asked for.
        new_id: the fork's id, unless the request names one; either way in the tenant of the original.
        by: who asks for it.

    Raises:
        NotFound: there is no such session.
        InvalidInput, NotBegun: the request is wrong, by itself or for this session.
        SessionExists: the id was used for another request.
        ForkTrimmed: events that the fork needs aren't kept any more.
        NotReviewer: it has another input, and would go on with what others answered about the former one.
    """
    request.check()
    digest = request.digest(session_id)
    seq = request.after_seq
    name = session_name(request.session_id or new_id, tenant_of(session_id))
    if request.session_id is not None:
        made: tuple[str, ForkedFrom | None] | None = await read(_made_by, store, name)
        if made is not None:
            made_by, forked_from = made
            if made_by != digest or forked_from is None:
                raise SessionExists(name)
            seq = forked_from.seq  # a repetition means the same fork, though the original went on
    row: SessionRow | None = await read(store.row, session_id)
    if row is None:
        raise NotFound("session", session_id)
    workflow = await definitions.of(row)
    if workflow.input_schema is not None and request.input is not UNSET:
        value = msgspec.json.decode(request.input)
        await read(check_against, workflow.input_schema, value, "$.input", "the session's input")
    original: Original = await read(_original, store, workflow, session_id, seq)
    state = original.state
    if not state.seq:
        raise NotFound("session", session_id)  # deleted meanwhile
    if request.after_seq is not None and request.after_seq > state.seq:
        fault = Fault("$.after_seq", f"is {request.after_seq}, the session is at seq {state.seq}")
        raise InvalidInput([fault], "the request")
    kept = reused(original, request.from_node)
    if request.input is not UNSET:
        check_answered(workflow, state, [node_id for node_id, fact in kept if node_id and _completes(fact)], by)
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
        reused=kept,
        by=UNSET if by is None else by,
        initiators=state.initiators or UNSET,
    )


def _completes(fact: Fact) -> bool:
    return isinstance(fact, NodeStateChange) and fact.status == "completed"


def _made_by(store: Store, session_id: str) -> tuple[str, ForkedFrom | None] | None:
    """By which request a session was made, and of which it is a fork; None if there is no such session."""
    try:
        segments = store.read(session_id, 0, 1)
    except LogTrimmed:
        snapshot = _snapshot(store, session_id)
        return None if snapshot is None else (snapshot.request, snapshot.forked_from)
    fact = unpack(segments[0])[0].data if segments else None
    return (fact.request, fact.forked_from) if isinstance(fact, ExecutionCreated) else None


def _snapshot(store: Store, session_id: str) -> SessionState | None:
    """A session as its snapshot has it."""
    stored = store.load(session_id)
    return None if stored is None or stored.snapshot is None else state_in(stored.snapshot)


def _original(store: Store, workflow: Workflow, session_id: str, seq: int | None) -> Original:
    """Fold a session's log, up to `seq` if one is named: snapshots don't tell how rounds began."""
    original = Original(workflow, session_id)
    while True:
        try:
            segments = store.read(session_id, original.state.seq, PAGE)
        except LogTrimmed as trimmed:
            original = _from_snapshot(store, workflow, session_id, seq, trimmed)
            continue
        for segment in segments:
            records = [record for record in unpack(segment) if record.seq > original.state.seq]
            original.take(record for record in records if seq is None or record.seq <= seq)
        if not segments or (seq is not None and segments[-1].last_seq >= seq):
            return original


def _from_snapshot(store: Store, workflow: Workflow, session_id: str, seq: int | None, trimmed: LogTrimmed) -> Original:
    """The original as of its snapshot, if that tells all that a fork needs.

    Raises:
        ForkTrimmed: it doesn't, or is of a later seq.
    """
    state = _snapshot(store, session_id)
    if state is None:
        raise NotFound("session", session_id) from trimmed  # deleted meanwhile
    if any(node.round > 1 for node in state.nodes.values()):
        raise ForkTrimmed(session_id, 0) from trimmed
    if seq is not None and seq < state.seq:
        raise ForkTrimmed(session_id, state.seq) from trimmed
    return Original.of(workflow, state)
