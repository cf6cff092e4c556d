"""The commands of the multiplexed WebSocket, as one table: name → what its data must be, and the operation behind it.

Commands on sessions are the operations of the HTTP API, told of in the same types and the same problems.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType
from tornado.httputil import HTTPHeaders

from ..actors.core.errors import Conflict, Fault, InvalidInput, NotFound, NotWaiting
from ..actors.core.json import encode_request
from ..actors.core.lifecycle import Action
from ..actors.core.messages import Answered, AnswerWait, Receipt, Signalled, SignalSession
from . import sessions
from .call import Call, Gateway
from .principal import Principal, Role
from .problems import Problem
from .requests import Command, Execute, NoQuery, Seen, Seq
from .responses import Me, Resumed, SignalSent, Started
from .waits import open_waits
from .wire import convert

ALL: Final = "*"
"""In place of a session's id: every session that the caller may see."""


class Subscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Follow a session.

    Attributes:
        session_id: its id, or `*` for every session that the caller may see, live only.
        after: the last seq that the client has.
        seen: the timestamp of that event, as the client has it.
    """

    session_id: str
    after: Seq = 0
    seen: Seen | None = None

    def __post_init__(self) -> None:
        if self.session_id == ALL and self.after:
            raise ValueError("`*` is live only: it takes no `after`")


class Unsubscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Follow a session, or `*`, no longer."""

    session_id: str


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No data."""


class OneSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command to a session."""

    session_id: str
    reason: Annotated[str, Meta(max_length=2_000)] | None = None


class StartSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Start a session that is pending."""

    session_id: str


class Authenticate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stay beyond the end of the key or token that the socket was opened with, or have the roles of a new one.

    Attributes:
        token: a fresh key or token, of the same tenant and the same name. Where nobody has to say who they are, any.
    """

    token: str


class UserInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answer the review, or send the signal, that a session waits for.

    Attributes:
        node_id: whose wait it is; may be left out where only one node waits.
        content: of a review `{action, data?}`, or what takes the place of what is reviewed; of a signal its payload.
    """

    session_id: str
    content: Any
    node_id: str | None = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message from the client; `id` comes back in the answer's `reply_to`, `traceparent` is as the HTTP header."""

    cmd: str
    data: Any = UNSET
    id: str | int | None = None
    traceparent: str | None = None


class Subscribed(msgspec.Struct, frozen=True):
    """From here on the session's events come, stored ones first."""

    session_id: str
    after: int


class Unsubscribed(msgspec.Struct, frozen=True, omit_defaults=True):
    """No more events of the session come; `seq` is that of the last one that was sent."""

    session_id: str
    seq: int | None = None


class Pong(msgspec.Struct, frozen=True):
    """The server is there."""

    pong: bool = True


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a message: `result` if it is `ok`, else `problem`."""

    reply_to: str | int | None
    ok: bool
    result: Any = UNSET
    problem: Problem | UnsetType = UNSET


class Ambiguous(Conflict):
    """No node waits, or several do, and the input doesn't say which of them it is for."""

    code = "ambiguous"

    def __init__(self, node_ids: list[str]) -> None:
        which = f"several nodes wait: {', '.join(node_ids)}; say in `node_id` which of them is meant"
        super().__init__(which if node_ids else "no node waits for an input")


Run: TypeAlias = Callable[["Caller", Any], Awaitable[Any]]


class Caller(msgspec.Struct, frozen=True):
    """Who sends commands."""

    gateway: Gateway
    headers: HTTPHeaders
    principal: Principal
    trace: str | None = None

    def call(self, body: Any, said: str | None = None) -> Call:
        """Return the same as a request of the HTTP API, on the session that is meant by `said`."""
        path = {} if said is None else {"session_id": self.principal.session(said)}
        return Call(self.gateway, path, body, NoQuery(), self.headers, self.principal, trace=self.trace)


class Spec(msgspec.Struct, frozen=True):
    """One command.

    Attributes:
        data: what its data must be.
        result: what its result is.
        needs: the least role that may give it.
        run: carries it out; None where the socket itself does.
    """

    data: Any
    result: Any
    needs: Role
    run: Run | None = None


async def ping(caller: Caller, data: Nothing) -> Pong:
    """Answer at once."""
    return Pong()


async def start_session(caller: Caller, data: StartSession | Execute) -> Receipt | Started:
    """Start a pending session, or a new one: with `graph` or `workflow_id`, `data` is that of an execution."""
    if isinstance(data, Execute):
        reply = await sessions.execute(caller.call(data))
        started: Started = reply.body
        return started
    return await _control(caller, data.session_id, "start")


async def pause_session(caller: Caller, data: OneSession) -> Receipt:
    """Pause a session."""
    return await _control(caller, data.session_id, "pause", data.reason)


async def resume_session(caller: Caller, data: OneSession) -> Receipt:
    """Have a paused session go on."""
    return await _control(caller, data.session_id, "resume", data.reason)


async def stop_session(caller: Caller, data: OneSession) -> Receipt:
    """End a session at once, as failed."""
    return await _control(caller, data.session_id, "stop", data.reason)


async def cancel_session(caller: Caller, data: OneSession) -> Receipt:
    """End a session as cancelled."""
    return await _control(caller, data.session_id, "cancel", data.reason)


async def _control(caller: Caller, session_id: str, action: Action, reason: str | None = None) -> Receipt:
    reply = await sessions.control(caller.call(Command(action, reason), session_id))
    receipt: Receipt = reply.body
    return receipt


async def user_input(caller: Caller, data: UserInput) -> Resumed | SignalSent:
    """Answer the review, or send the signal, that a session waits for."""
    runtime = caller.gateway.runtime
    session_id = caller.principal.session(data.session_id)
    detail = await runtime.detail(session_id)
    waiting = await open_waits(runtime, detail)
    node_id = data.node_id
    if node_id is None:
        if len(waiting) != 1:
            raise Ambiguous(sorted(waiting))
        (node_id,) = waiting
    elif node_id not in detail.nodes:
        raise NotFound("node", node_id)
    elif node_id not in waiting:
        raise NotWaiting(node_id, detail.nodes[node_id].status)
    wait = waiting[node_id]
    if wait is UNSET:
        message = SignalSession(encode_request(data.content, "$.content"), node_id=node_id, by=caller.principal.by)
        signalled: Signalled = await runtime.command(session_id, message)
        return SignalSent(signalled.seq)
    action, content = _review(wait.actions, data.content)
    review = AnswerWait(node_id, action, encode_request(content, "$.content"), caller.principal.by)
    answered: Answered = await runtime.command(session_id, review)
    return Resumed(answered.seq)


def _review(offered: tuple[str, ...], content: Any) -> tuple[str, Any]:
    """Return the action and the data that a person's input stands for."""
    if isinstance(content, dict) and content.get("action") in offered and content.keys() <= {"action", "data"}:
        return content["action"], content.get("data")
    for action in ("modify", "approve", "resume"):
        if action in offered:
            return action, content
    fault = Fault("$.content", f"should be {{action, data?}} with one of the actions {', '.join(offered)}")
    raise InvalidInput([fault], "the input")


COMMANDS: Final[Mapping[str, Spec]] = {
    "subscribe": Spec(Subscribe, Subscribed, "viewer"),
    "unsubscribe": Spec(Unsubscribe, Unsubscribed, "viewer"),
    "ping": Spec(Nothing, Pong, "viewer", ping),
    "authenticate": Spec(Authenticate, Me, "viewer"),
    "start_session": Spec(StartSession | Execute, Receipt | Started, "operator", start_session),
    "pause_session": Spec(OneSession, Receipt, "operator", pause_session),
    "resume_session": Spec(OneSession, Receipt, "operator", resume_session),
    "stop_session": Spec(OneSession, Receipt, "operator", stop_session),
    "cancel_session": Spec(OneSession, Receipt, "operator", cancel_session),
    "user_input": Spec(UserInput, Resumed | SignalSent, "operator", user_input),
}


def data_of(request: Request) -> Any:
    """Return a request's data as what its command takes.

    Raises:
        InvalidInput: there is no such command, or the data doesn't fit; with every fault.
    """
    spec = COMMANDS.get(request.cmd)
    if spec is None:
        raise InvalidInput([Fault("$.cmd", f"should be one of {', '.join(COMMANDS)}")], "the command")
    data = {} if request.data is UNSET else request.data
    kind = spec.data
    if request.cmd == "start_session":
        kind = Execute if isinstance(data, dict) and data.keys() & {"graph", "workflow_id"} else StartSession
    return convert(data, kind, "the command's data")
