"""WebSocket frames as bytes, right and wrong ones, and a client that blocks and takes frames as they come."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self, TypeAlias

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
SECONDS: Final = 30.0

Frame: TypeAlias = tuple[int, bytes]


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """A frame from a client."""
    first, size = (0x80 if final else 0) | reserved << 4 | opcode, len(payload)
    bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def octets(data: bytes, size: int = 1) -> list[bytes]:
    """Data in chops of so many bytes."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def fragments(opcode: int, payload: bytes, size: int) -> list[bytes]:
    """A message in frames of so many bytes."""
    parts = octets(payload, size)
    last = len(parts) - 1
    return [frame(CONTINUATION if n else opcode, part, final=n == last) for n, part in enumerate(parts)]


class FrameClient:
    """A WebSocket connection."""

    def __init__(self, port: int, path: str, headers: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = b""
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n".encode()
        )
        while b"\r\n\r\n" not in self._data:
            assert self._more()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        self.head = head.decode()
        assert self.head.startswith("HTTP/1.1 101 "), self.head

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send pieces, each by a call of its own; what the server doesn't take any more is left."""
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except (ConnectionResetError, BrokenPipeError):
            return

    def frame(self) -> tuple[int, int, bytes] | None:
        """The next frame: reserved bits, opcode and payload; None at the end."""
        while True:
            if len(self._data) >= 2:
                size, begin = self._data[1], 2
                if size == 126:
                    size, begin = int.from_bytes(self._data[2:4], "big"), 4
                elif size == 127:
                    size, begin = int.from_bytes(self._data[2:10], "big"), 10
                if len(self._data) >= begin + size:
                    first, payload = self._data[0], self._data[begin : begin + size]
                    self._data = self._data[begin + size :]
                    return first >> 4 & 7, first & 15, payload
            if not self._more():
                return None

    def rest(self) -> list[Frame]:
        """All frames up to the end."""
        found: list[Frame] = []
        while (got := self.frame()) is not None:
            found.append(got[1:])
        return found

    def _more(self) -> bool:
        try:
            data = self._socket.recv(65_536)
        except ConnectionResetError:
            return False
        self._data += data
        return bool(data)
