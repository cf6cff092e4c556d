"""`/ws`: commands, their answers, and the events of many sessions over one WebSocket.

Commands of a socket are carried out one after the other, in the order in which they came; the next isn't read before
the answer is written. So whoever sends faster than it reads is held back by its own connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET
from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from ..actors.core.segment import frame
from ..actors.core.token_bucket import TokenBucket
from ..actors.taps import TapOverflow
from ..actors.tracing import traceparent
from .call import Gateway, Route
from .commands import (
    ALL,
    COMMANDS,
    Answer,
    Authenticate,
    Caller,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    data_of,
)
from .fan_in import FanIn
from .json_limits import parse
from .live_socket import SLOW, LiveSocket
from .problems import close_code, problem_of, report
from .responses import Me
from .socket_protocol import forget_request
from .traces import traced
from .wire import convert, encode

TOO_MANY: Final = 4429


class CommandSocket(LiveSocket):
    """Takes commands, and sends their answers and the events of what they subscribe to."""

    def initialize(self, gateway: Gateway, routes: Mapping[str, Route]) -> None:
        """Take what all requests share."""
        super().initialize(gateway, routes)
        self._caller: Caller | None = None
        self._address = ""
        self._fan: FanIn | None = None
        self._bucket = TokenBucket(gateway.settings.max_commands_s, gateway.settings.max_commands_s)

    def open(self) -> None:
        """Listen to who may; refusals are close codes, since a browser can't read a failed handshake."""
        gateway = self.gateway
        self.begin()
        try:
            principal = gateway.admit(self.request)
            gateway.enter(self, principal)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a close code
            self._failed(error)
            return
        self._address = self.request.remote_ip or ""
        forget_request(self)
        self._caller = Caller(gateway, HTTPHeaders(), principal)
        self._fan = FanIn(gateway, principal, self.put, self._failed)

    async def on_message(self, message: str | bytes) -> None:
        """Carry out a command and answer it."""
        caller = self._caller
        if caller is None:
            return  # turned away, and it can't know that yet
        self.felt()
        if not self.gateway.auth.valid(caller.principal):
            self.expel()
            return
        if self._bucket.take(asyncio.get_running_loop().time()):
            self.close(TOO_MANY, "too many commands")
            return
        self.gateway.entered()
        try:
            answer = await self._answer(caller, message)
            await self.put(frame(encode(answer)))
        except (StreamClosedError, WebSocketClosedError):
            return  # the peer left
        finally:
            self.gateway.left()

    def on_close(self) -> None:
        """Let go of everything that belongs to the connection."""
        super().on_close()
        if self._fan is not None:
            self._fan.close()

    async def _answer(self, caller: Caller, message: str | bytes) -> Answer:
        request, session_id = Request(""), None
        try:
            request = _request(message, self.gateway.settings.max_depth)
            data = data_of(request)
            session_id = getattr(data, "session_id", None)
            self.gateway.rate.take(caller.principal.tenant)
            caller.principal.require(COMMANDS[request.cmd].needs)
            return Answer(request.id, True, await self._traced(caller, request, data, session_id))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem
            report(error)
            return Answer(request.id, False, UNSET, problem_of(error, session_id))

    async def _traced(self, caller: Caller, request: Request, data: Any, session_id: str | None) -> Any:
        """Carry a command out; where spans are recorded, one is of what may change something."""
        tracing = caller.gateway.runtime.tracing if COMMANDS[request.cmd].needs != "viewer" else None
        parent = traceparent(request.traceparent)
        about = {} if session_id is None else {"sessiond.session_id": session_id}
        with traced(tracing, f"ws {request.cmd}", parent, about) as trace:
            given = caller if trace is None else msgspec.structs.replace(caller, trace=trace)
            return await self._run(given, request.cmd, data)

    async def _run(self, caller: Caller, cmd: str, data: Any) -> Any:
        fan = self._fan
        assert fan is not None, "who may give commands may follow"
        match data:
            case Subscribe(session_id="*"):
                self.gateway.check_open()
                fan.follow_all()
                return Subscribed(ALL, 0)
            case Subscribe(session_id=said, after=after, seen=seen):
                self.gateway.check_open()
                session_id = caller.principal.session(said)
                await fan.subscribe(session_id, after, seen)
                return Subscribed(session_id, after)
            case Unsubscribe(session_id="*"):
                fan.unfollow_all()
                return Unsubscribed(ALL)
            case Unsubscribe(session_id=said):
                session_id = caller.principal.session(said)
                return Unsubscribed(session_id, fan.unsubscribe(session_id))
            case Authenticate(token=token):
                principal = self.gateway.renew(self, caller.principal, token, self._address)
                self._caller = msgspec.structs.replace(caller, principal=principal)
                return Me.of(principal)
            case _:
                run = COMMANDS[cmd].run
                assert run is not None, "the socket itself carries out what has no operation"
                return await run(caller, data)

    def _failed(self, error: Exception) -> None:
        match error:
            case StreamClosedError() | WebSocketClosedError():
                return  # the peer left
            case TapOverflow() if self._fan is not None:
                self._fan.close()
                self.close(SLOW, "too slow for all sessions at once")
            case _:
                report(error)
                self.close(*close_code(error))


def _request(message: str | bytes, depth: int) -> Request:
    """Return a message as a request.

    Raises:
        Malformed, InvalidInput: it isn't one.
    """
    body = message.encode() if isinstance(message, str) else message
    return convert(parse(body, depth), Request, "the command")
