"""RFC 6455 on Tornado's connection: frames are read strictly, by a task of their own.

Tornado lets pass what the protocol rules out (frames without a mask, close codes that nobody may send), and ends
others without saying why. It also awaits frames at the bottom of the coroutines that answered the handshake, and so
holds those, the request and all its headers for as long as the socket is open.
"""

from __future__ import annotations

import asyncio
import codecs
import struct
from typing import Any, Final

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.util import _websocket_mask
from tornado.websocket import WebSocketHandler, WebSocketProtocol13, _WebSocketParams

from .deflate import NotDeflated, TooMuchInflated, inflate

PROTOCOL_ERROR: Final = 1002
NOT_CONSISTENT: Final = 1007
TOO_BIG: Final = 1009

_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_OPCODES: Final = frozenset({_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG})
_COMPRESSED: Final = 0x40
_CODES: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""Close codes below 3000 that may be sent (RFC 6455, section 7.4, and IANA's registry)."""
_FRAMES_A_TURN: Final = 64
"""Frames that are taken from one socket before others get their turn."""

_OF_THE_REQUEST: Final = (
    "path_args",
    "path_kwargs",
    "open_args",
    "open_kwargs",
    "_headers",
    "_transforms",
    "ui",
    "request_id",
)
"""What a handler keeps of its request, and a socket has no use for."""


class Refused(Exception):
    """The peer broke the protocol; the connection is failed with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketProtocol(WebSocketProtocol13):
    """One connection.

    Attributes:
        compresses: whether messages may be compressed, both ways.
    """

    def __init__(self, handler: WebSocketHandler, most: int, compresses: bool) -> None:
        super().__init__(handler, False, _WebSocketParams(max_message_size=most))
        self.compresses = compresses
        self._most = most
        self._opcode = _CONTINUATION
        self._compressed = False
        self._parts: list[bytes] = []
        self._utf8: codecs.IncrementalDecoder | None = None
        self._task: asyncio.Task[None] | None = None

    async def _receive_frame_loop(self) -> None:
        """Begin to read, and let the handshake end."""
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            count = 0
            while not self.client_terminated:
                await self._receive_frame()
                count += 1
                if count % _FRAMES_A_TURN == 0:
                    await asyncio.sleep(0)
        except StreamClosedError:
            self._abort()
        except Refused as refused:
            self.close(refused.code, refused.reason)
            self._abort()
        finally:
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    async def _receive_frame(self) -> None:
        stream = self.stream
        first, second = await stream.read_bytes(2)
        opcode, size = first & 0x0F, second & 0x7F
        self._check_head(first, second)
        if size == 126:
            (size,) = struct.unpack("!H", await stream.read_bytes(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await stream.read_bytes(8))
        if size + sum(map(len, self._parts)) > self._most and opcode < _CLOSE:
            raise Refused(TOO_BIG, f"a message has at most {self._most} bytes")
        mask = await stream.read_bytes(4)
        payload = _websocket_mask(mask, await stream.read_bytes(size)) if size else b""
        match opcode:
            case 0x8:
                self._take_close(payload)
            case 0x9:
                self._send_pong(payload)
            case 0xA:
                self._run_callback(self.handler.on_pong, payload)
            case _:
                await self._take_data(first, opcode, payload)

    def _check_head(self, first: int, second: int) -> None:
        final, reserved, opcode = first & 0x80, first & 0x70, first & 0x0F
        if not second & 0x80:
            raise Refused(PROTOCOL_ERROR, "a client's frames are masked")
        if opcode not in _OPCODES:
            raise Refused(PROTOCOL_ERROR, f"there is no opcode {opcode}")
        if reserved and not (reserved == _COMPRESSED and self.compresses and opcode in (_TEXT, _BINARY)):
            raise Refused(PROTOCOL_ERROR, "a reserved bit is set")
        if opcode >= _CLOSE:
            if not final or second & 0x7F > 125:
                raise Refused(PROTOCOL_ERROR, "control frames are whole and have 125 bytes at most")
        elif (opcode == _CONTINUATION) is not bool(self._opcode):
            raise Refused(PROTOCOL_ERROR, "a message begins once, and then goes on")

    async def _take_data(self, first: int, opcode: int, payload: bytes) -> None:
        if opcode:
            self._opcode, self._compressed = opcode, bool(first & _COMPRESSED)
            if opcode == _TEXT and not self._compressed:
                self._utf8 = _new_decoder()
        final = bool(first & 0x80)
        if self._utf8 is not None:
            _check_text(self._utf8, payload, final)
        self._parts.append(payload)
        if not final:
            if len(self._parts) > _FRAMES_A_TURN:  # of empty fragments there may be any number
                self._parts = [b"".join(self._parts)]
            return
        data, text = b"".join(self._parts), self._opcode == _TEXT
        self._parts, self._opcode, self._utf8 = [], _CONTINUATION, None
        if self._compressed:
            data = self._inflated(data, text)
        if self.server_terminated:
            return
        done = self._run_callback(self.handler.on_message, data.decode() if text else data)
        if done is not None:
            await done

    def _inflated(self, data: bytes, text: bool) -> bytes:
        try:
            found = inflate(data, self._most)
        except NotDeflated:
            raise Refused(NOT_CONSISTENT, "the message can't be decompressed") from None
        except TooMuchInflated:
            raise Refused(TOO_BIG, f"a message has at most {self._most} bytes") from None
        if text:
            _check_text(_new_decoder(), found, True)
        return found

    def _take_close(self, payload: bytes) -> None:
        if len(payload) == 1:
            raise Refused(PROTOCOL_ERROR, "a close code has two bytes")
        code = int.from_bytes(payload[:2], "big") if payload else None
        if code is not None and code not in _CODES and not 3000 <= code <= 4999:
            raise Refused(PROTOCOL_ERROR, "nobody may send this close code")
        _check_text(_new_decoder(), payload[2:], True)
        self.client_terminated = True
        self.close_code, self.close_reason = code, payload[2:].decode()
        self.close(code)


def _new_decoder() -> Any:
    return codecs.getincrementaldecoder("utf-8")()


def _check_text(decoder: codecs.IncrementalDecoder, data: bytes, final: bool) -> None:
    try:
        decoder.decode(data, final)
    except UnicodeDecodeError:
        raise Refused(NOT_CONSISTENT, "the text isn't UTF-8") from None


def is_handshake(request: HTTPServerRequest) -> bool:
    """Return whether a request asks for a WebSocket as RFC 6455 has it, whatever its version."""
    headers = request.headers
    connection = {word.strip() for word in headers.get("Connection", "").lower().split(",")}
    upgrades = headers.get("Upgrade", "").lower() == "websocket" and "upgrade" in connection
    return request.method == "GET" and upgrades and "Sec-WebSocket-Key" in headers


def forget_request(handler: WebSocketHandler) -> None:
    """Drop what only the handshake needed; the handler has no `request` any more."""
    kept = vars(handler)
    for name in ("request", *_OF_THE_REQUEST):
        kept.pop(name, None)
