"""`/ws`: commands, their answers, and the events of many sessions over one WebSocket.

Commands of a socket are carried out one after the other, in the order in which they came; the next isn't read before
the answer is written. So whoever sends faster than it reads is held back by its own connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from ..actors.segment import frame
from ..actors.taps import TapOverflow
from .call import Gateway
from .commands import ALL, COMMANDS, Answer, Caller, Request, Subscribe, Subscribed, Unsubscribe, Unsubscribed, data_of
from .fan_in import FanIn
from .json_limits import parse
from .live_socket import SLOW, LiveSocket
from .problems import close_code, problem_of, report
from .wire import convert, encode

TOO_MANY: Final = 4429
OVERLOAD: Final = 1013


class CommandSocket(LiveSocket):
    """Takes commands, and sends their answers and the events of what they subscribe to."""

    def initialize(self, gateway: Gateway) -> None:
        """Take what all requests share."""
        super().initialize(gateway)
        settings = gateway.settings
        self._rate = Rate(settings.max_commands_s, asyncio.get_running_loop().time)
        self._fan = FanIn(gateway.runtime, self.put, self._failed, settings.max_subscriptions)
        self._caller = Caller(gateway, self.request.headers)

    def open(self) -> None:
        """Listen; refusals are close codes, since a browser can't read a failed handshake."""
        gateway = self.gateway
        self.begin()
        if gateway.draining:
            self.leave()
        elif len(gateway.streams) > gateway.settings.max_streams:
            self.close(OVERLOAD, "try again later")

    async def on_message(self, message: str | bytes) -> None:
        """Carry out a command and answer it."""
        self.felt()
        if not self._rate.take():
            self.close(TOO_MANY, "too many commands")
            return
        self.gateway.entered()
        try:
            answer = await self._answer(message)
            await self.put(frame(encode(answer)))
        except (StreamClosedError, WebSocketClosedError):
            return  # the peer left
        finally:
            self.gateway.left()

    def on_close(self) -> None:
        """Let go of everything that belongs to the connection."""
        super().on_close()
        self._fan.close()

    async def _answer(self, message: str | bytes) -> Answer:
        request, session_id = Request(""), None
        try:
            request = _request(message)
            data = data_of(request)
            session_id = getattr(data, "session_id", None)
            return Answer(request.id, True, await self._run(request.cmd, data))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem
            report(error)
            return Answer(request.id, False, UNSET, problem_of(error, session_id))

    async def _run(self, cmd: str, data: Any) -> Any:
        match data:
            case Subscribe(session_id=session_id):
                self.gateway.check_open()
                if session_id == ALL:
                    self._fan.follow_all(_everything)
                else:
                    await self._fan.subscribe(session_id, data.after)
                return Subscribed(session_id, data.after)
            case Unsubscribe(session_id=session_id):
                if session_id == ALL:
                    self._fan.unfollow_all()
                    return Unsubscribed(session_id)
                return Unsubscribed(session_id, self._fan.unsubscribe(session_id))
            case _:
                run = COMMANDS[cmd].run
                assert run is not None, "the socket itself carries out what has no operation"
                return await run(self._caller, data)

    def _failed(self, error: Exception) -> None:
        match error:
            case StreamClosedError() | WebSocketClosedError():
                return  # the peer left
            case TapOverflow():
                self._fan.close()
                self.close(SLOW, "too slow for all sessions at once")
            case _:
                report(error)
                self.close(*close_code(error))


def _everything(session_id: str) -> bool:
    """Everybody may see every session."""
    return True


def _request(message: str | bytes) -> Request:
    """Return a message as a request.

    Raises:
        Malformed, InvalidInput: it isn't one.
    """
    body = message.encode() if isinstance(message, str) else message
    return convert(parse(body), Request, "the command")


class Rate:
    """A token bucket (RFC 2697, single rate): `per_s` a second, and as many at once.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, per_s: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._clock = clock
        self._left = float(per_s)
        self._at = clock()

    def take(self) -> bool:
        """Take one; False if there is none."""
        now = self._clock()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
