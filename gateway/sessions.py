"""Operations on sessions: create, look, control, answer, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final, assert_never

from msgspec import UNSET

from ..actors.core.errors import Fault, InvalidInput, InvalidWorkflow, NotFound, SessionExists
from ..actors.core.fork import Fork
from ..actors.core.json import encode_request
from ..actors.core.lifecycle import Action
from ..actors.core.messages import (
    Answered,
    AnswerWait,
    Cancel,
    Created,
    Pause,
    Receipt,
    Resume,
    RetryNode,
    Signalled,
    SignalSession,
    SkipNode,
    Start,
    Stop,
)
from ..actors.core.ports import RowQuery, SessionRow
from ..actors.core.reviewers import reviewers_of
from ..actors.core.workflow import Workflow
from .call import Call, Reply
from .idempotency import session_id_for
from .problems import KeyReused
from .requests import (
    Command,
    Execute,
    ForkSession,
    ResumeNode,
    RetryInput,
    Review,
    ReviewQuery,
    SessionQuery,
    Signal,
    SkipOutput,
)
from .responses import Resumed, ReviewItem, ReviewList, SessionCounts, SessionItem, SessionList, SignalSent, Started
from .waits import await_detail
from .wire import below

PREFIX: Final = "/api/v1/sessions/"
TAKEN: Final = frozenset({"counts", ".", ".."})
"""What means something else where a session's id may stand: no session can have it, for it couldn't be looked at."""


async def execute(call: Call) -> Reply:
    """Create a session and start it."""
    created = await _create(call, call.body)
    pending = created.status == "pending"
    answer = Started(created.session_id, "pending" if pending else "started", created.seq)
    return Reply(answer, 202, _location(created))


async def create(call: Call) -> Reply:
    """Create a session that waits for its start."""
    return await _created(call, await _create(call, call.body))


async def fork(call: Call) -> Reply:
    """Create a session that reuses what another one has completed."""
    call.gateway.check_open()
    body: ForkSession = call.body
    with _named(call, body.session_id) as session_id:
        request = Fork(
            after_seq=body.after_seq,
            from_node=body.from_node,
            input=UNSET if body.input is UNSET else encode_request(body.input, "$.input"),
            session_id=session_id,
            start=body.start,
        )
        async with _room(call, session_id):
            created = await call.runtime.fork(call.path["session_id"], request, call.by)
    return await _created(call, created)


async def _created(call: Call, created: Created) -> Reply:
    detail = await call.runtime.detail(created.session_id)
    return Reply(detail, 201, {**_location(created), "ETag": f'"{detail.seq}"'})


async def _create(call: Call, body: Execute) -> Created:
    call.gateway.check_open()
    runtime, tenant = call.runtime, call.principal.tenant
    workflow: Workflow | str
    if body.graph is not None:
        call.principal.require("author")
        try:
            workflow = await runtime.definitions.compiled(body.graph, tenant)
        except InvalidWorkflow as error:
            raise below(error, "$.graph") from None
    else:
        workflow = body.workflow_id or ""
    with _named(call, body.session_id) as session_id:
        async with _room(call, session_id):
            return await runtime.create(
                workflow,
                input=body.input,
                session_id=session_id,
                context=body.context,
                labels=body.labels,
                deadline_s=body.deadline_s,
                start=body.start,
                tenant=tenant,
                trace=call.trace,
                by=call.by,
            )


def _room(call: Call, session_id: str | None) -> AbstractAsyncContextManager[None]:
    """Hold room for a session, unless it is there: who asks again gets the first answer, whatever there is room for."""

    async def known() -> bool:
        if session_id is None:
            return False
        try:
            await call.runtime.row(call.principal.session(session_id))
        except NotFound:
            return False
        return True

    return call.gateway.quota.room(call.principal.tenant, known)


@contextmanager
def _named(call: Call, given: str | None) -> Iterator[str | None]:
    """Yield the id of the session to create: the one that is given, or that of the request's key, if it has one."""
    if given in TAKEN:
        raise InvalidInput([Fault("$.session_id", f"{given!r} means something else in a path")], "the session")
    derived = session_id_for((call.principal.tenant, call.key)) if call.key and given is None else None
    try:
        yield derived or given
    except SessionExists:
        if derived is None:
            raise
        raise KeyReused from None


def _location(created: Created) -> dict[str, str]:
    return {"Location": PREFIX + created.session_id}


async def rows(call: Call) -> Reply:
    """List sessions, newest first."""
    query: SessionQuery = call.query
    page = await call.runtime.rows(
        RowQuery(
            tenant=call.principal.tenant,
            status=query.status,
            workflow_id=query.workflow_id,
            label=query.label,
            cursor=query.cursor,
            limit=query.limit,
        )
    )
    return Reply(SessionList([SessionItem.of(row) for row in page.items], page.next_cursor))


async def counts(call: Call) -> Reply:
    """Count sessions by status, as of a second ago or less."""
    return Reply(SessionCounts(await call.gateway.counts.of(call.principal.tenant)))


async def detail(call: Call) -> Reply:
    """Return one session, whole; 304 if the client has it as of the present seq.

    With `wait` the answer comes when the session has ended, is quiet, or waits for somebody.
    """
    found = await await_detail(call)
    tag = f'"{found.seq}"'
    known = {part.strip().removeprefix("W/") for part in call.headers.get("If-None-Match", "").split(",")}
    if tag in known or "*" in known:
        return Reply(None, 304, {"ETag": tag})
    return Reply(found, headers={"ETag": tag})


async def workflow(call: Call) -> Reply:
    """Return the graph that a session runs."""
    found = await call.runtime.workflow_of(call.path["session_id"])
    return Reply(found.body, headers={"ETag": f'"{found.version}"'})


async def control(call: Call) -> Reply:
    """Start, pause, resume, stop or cancel a session."""
    body: Command = call.body
    message = _control(body.action, body.reason, call.by)
    receipt: Receipt = await call.command(message)
    return Reply(receipt)


def _control(action: Action, reason: str | None, by: str | None) -> Start | Pause | Resume | Stop | Cancel:
    match action:
        case "start":
            return Start(by)
        case "pause":
            return Pause(reason, by)
        case "resume":
            return Resume(by)
        case "stop":
            return Stop(reason, by)
        case "cancel":
            return Cancel(reason, by)
        case _:
            assert_never(action)


async def review(call: Call) -> Reply:
    """Approve, reject or modify what a node asked a person."""
    body: Review = call.body
    data = encode_request(body.data, "$.data")
    return await _answer(call, AnswerWait(body.node_id, body.action, data, call.by))


async def resume_node(call: Call) -> Reply:
    """Complete any suspended node with an output."""
    body: ResumeNode = call.body
    output = encode_request(body.output, "$.output")
    return await _answer(call, AnswerWait(call.path["node_id"], "resume", output, call.by))


async def retry_node(call: Call) -> Reply:
    """Run a node again that failed and is suspended."""
    body: RetryInput = call.body
    given = UNSET if body.input is UNSET else encode_request(body.input, "$.input")
    return await _answer(call, RetryNode(call.path["node_id"], given, call.by))


async def skip_node(call: Call) -> Reply:
    """Complete a node that failed and is suspended, with an output in place of its own."""
    body: SkipOutput = call.body
    output = encode_request(body.output, "$.output")
    return await _answer(call, SkipNode(call.path["node_id"], output, call.by))


async def signal(call: Call) -> Reply:
    """Signal a node, or whichever waits for a name."""
    body: Signal = call.body
    message = SignalSession(encode_request(body.payload, "$.payload"), body.name, body.node_id, call.by)
    signalled: Signalled = await call.command(message)
    return Reply(SignalSent(signalled.seq))


async def _answer(call: Call, message: AnswerWait | RetryNode | SkipNode) -> Reply:
    answered: Answered = await call.command(message)
    return Reply(Resumed(answered.seq))


async def delete(call: Call) -> Reply:
    """Remove a session that has ended, with its events."""
    await call.runtime.delete(call.path["session_id"])
    return Reply(None, 204)


async def reviews(call: Call) -> Reply:
    """List the waits that are open for the caller, of the newest sessions first.

    Left out are reviews that are for others to answer, by `reviewers` or `four_eyes`; roles don't matter here.
    """
    query: ReviewQuery = call.query
    if query.session_id is not None:
        found, cursor = [await call.runtime.row(call.principal.session(query.session_id))], None
    else:
        tenant = call.principal.tenant
        page = await call.runtime.rows(RowQuery(tenant, waiting=True, cursor=query.cursor, limit=query.limit))
        found, cursor = page.items, page.next_cursor
    lists = await asyncio.gather(*[_waits(call, row, query.node_id) for row in found if row.waits])
    return Reply(ReviewList([item for items in lists for item in items], cursor))


async def _waits(call: Call, row: SessionRow, node_id: str | None) -> list[ReviewItem]:
    """What one session asks of people now; the row may be older than its detail."""
    try:
        found = await call.runtime.detail(row.session_id)
    except NotFound:
        return []  # deleted since it was listed
    return [
        ReviewItem(
            found.session_id,
            name,
            found.workflow_id,
            found.status,
            node.wait.reason,
            node.wait.prompt,
            node.wait.actions,
            node.wait.schema,
            node.wait.timeout_s,
        )
        for name, node in found.nodes.items()
        if node.wait is not UNSET and node_id in (None, name) and reviewers_of(node.wait).may(call.by)
    ]
