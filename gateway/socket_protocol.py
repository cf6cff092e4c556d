"""RFC 6455 on Tornado's connection: what Tornado leaves out of the protocol, and what it keeps that nobody needs.

Tornado awaits a socket's frames at the bottom of the coroutines that answered its handshake, and so holds those, the
request and all its headers for as long as the socket is open. Here frames are read by a task of their own.
"""

from __future__ import annotations

import asyncio
from typing import Final

from tornado.websocket import WebSocketHandler, WebSocketProtocol13

_OF_THE_REQUEST: Final = ("path_args", "path_kwargs", "open_args", "open_kwargs", "_headers", "_transforms", "ui")
"""What a handler keeps of its request, and a socket has no use for."""


class SocketProtocol(WebSocketProtocol13):
    """One connection."""

    _reading: asyncio.Task[None] | None = None

    async def _receive_frame_loop(self) -> None:
        """Begin to read, and let the handshake end."""
        self._reading = asyncio.get_running_loop().create_task(super()._receive_frame_loop())


def forget_request(handler: WebSocketHandler) -> None:
    """Drop what only the handshake needed; the handler has no `request` any more."""
    kept = vars(handler)
    for name in ("request", *_OF_THE_REQUEST):
        kept.pop(name, None)
