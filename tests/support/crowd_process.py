"""Thousands of watchers of one session, in a process of their own; told what to do by lines of JSON on stdin.

Each watcher checks that what it sees is a contiguous slice of the log, and comes back from where it was whenever it
is cut off: at once, then after a rest that grows and is never the same for two. It reads frames itself: a library
would cost more than the server.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import sys
import time
from typing import Any, Final, cast

import uvloop

_SEQ: Final = re.compile(rb'\{"seq":(\d+),')
_HELLO: Final = (
    "GET {path}?after={after} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_NO_MASK: Final = b"\0\0\0\0"


class Watcher(asyncio.Protocol):
    """One connection after another, one log."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.last = 0
        self.gaps = 0
        self.live = False
        self.ended = False
        self.closed_with: int | None = None
        self.transport: asyncio.Transport | None = None
        self._data = b""
        self._upgraded = False
        self._tries = 0

    def join(self) -> None:
        self._data, self._upgraded, self.closed_with = b"", False, None
        self.connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        crowd, loop = self.crowd, asyncio.get_running_loop()
        crowd.attempts += 1
        try:
            if crowd.receive_bytes:
                connection = socket.socket()
                connection.setblocking(False)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, crowd.receive_bytes)
                await loop.sock_connect(connection, (crowd.host, crowd.port))
                await loop.create_connection(lambda: self, sock=connection)
            else:
                await loop.create_connection(lambda: self, crowd.host, crowd.port)
        except OSError:
            self._rest()

    def _rest(self) -> None:
        self._tries += 1
        most = min(4.0, 0.05 * 2**self._tries)
        asyncio.get_running_loop().call_later(random.uniform(most / 4, most), self.join)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(_HELLO.format(path=self.crowd.path, after=self.last).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.live:
            self.live = False
            self.crowd.alive -= 1
        if self.ended:
            return
        if self.closed_with is not None:
            self.crowd.closed[self.closed_with] = self.crowd.closed.get(self.closed_with, 0) + 1
        if self._tries or not self._upgraded:
            self._rest()
        else:
            self._tries = 1
            self.join()

    def data_received(self, data: bytes) -> None:
        data = self._data + data if self._data else data
        at = 0
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._data = data
                return
            if not data.startswith(b"HTTP/1.1 101 "):
                self.crowd.refused += 1
                assert self.transport is not None
                self.transport.abort()
                return
            self._upgraded = True
            at = end + 4
        size = len(data)
        while size - at >= 2:
            opcode, length, head = data[at] & 15, data[at + 1], at + 2
            if length == 126:
                length, head = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, head = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if head + length > size or (head > size):
                break
            at = head + length
            self._frame(opcode, data[head:at])
        self._data = data[at:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            if match := _SEQ.match(payload):
                seq = int(match[1])
                if seq != self.last + 1:
                    self.gaps += 1
                self.last = seq
                self.crowd.events += 1
                if b'"event":"execution:completed"' in payload and not self.ended:
                    self.ended = True
                    self.crowd.through += 1
            elif b'"event":"stream:live"' in payload:
                self.live, self._tries = True, 0
                self.crowd.alive += 1
        elif opcode == 9 and self.transport is not None:
            self.transport.write(bytes((0x8A, 0x80 | len(payload))) + _NO_MASK + payload)
        elif opcode == 8:
            self.closed_with = int.from_bytes(payload[:2], "big")
            if self.transport is not None:
                self.transport.close()


class Crowd:
    """All of them."""

    def __init__(self) -> None:
        self.watchers: list[Watcher] = []
        self.host, self.port, self.path = "127.0.0.1", 0, ""
        self.attempts = self.refused = self.events = self.alive = self.through = 0
        self.closed: dict[int, int] = {}
        self.receive_bytes = 0

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        match order["do"]:
            case "join":
                self.port, self.path, self.receive_bytes = order["port"], order["path"], order["receive_bytes"]
                more = [Watcher(self) for _ in range(order["count"])]
                self.watchers += more
                for start in range(0, len(more), order["at_once"]):
                    for watcher in more[start : start + order["at_once"]]:
                        watcher.join()
                    while not all(watcher.live for watcher in more[start : start + order["at_once"]]):
                        await asyncio.sleep(0.01)
            case "cut":  # all of them hang up, and come back in the same moment
                for watcher in self.watchers:
                    if watcher.transport is not None:
                        watcher.transport.abort()
                await asyncio.sleep(0)
                while self.alive == len(self.watchers):
                    await asyncio.sleep(0.01)
                await self._all_live()
            case "cut_off":  # the server does it
                while self.alive:
                    await asyncio.sleep(0.01)
            case "back":
                await self._all_live()
            case "end":
                while self.through < len(self.watchers):
                    await asyncio.sleep(0.01)
            case "deaf":
                for watcher in self.watchers:
                    if watcher.transport is not None:
                        watcher.transport.pause_reading()
            case "hear":
                for watcher in self.watchers:
                    if watcher.transport is not None:
                        watcher.transport.resume_reading()
        return self.report() | {"seconds": time.monotonic() - began}

    async def _all_live(self) -> None:
        while self.alive < len(self.watchers):
            await asyncio.sleep(0.01)

    def report(self) -> dict[str, Any]:
        lasts = [watcher.last for watcher in self.watchers]
        return {
            "alive": self.alive,
            "gaps": sum(watcher.gaps for watcher in self.watchers),
            "least": min(lasts, default=0),
            "most": max(lasts, default=0),
            "events": self.events,
            "attempts": self.attempts,
            "refused": self.refused,
            "closed": self.closed,
            "through": self.through,
        }


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    crowd = Crowd()
    while line := await reader.readline():
        answer = await crowd.obey(json.loads(line))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
