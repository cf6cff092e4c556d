"""Lines that a person types, awaited on the event loop: no thread that a Ctrl-C would have to wait for."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Final, Self

_CHUNK: Final = 4_096


class LineReader:
    """Reads lines from a file descriptor; a context manager.

    Args:
        descriptor: of a terminal, a pipe or a socket; not of a regular file, on which nobody can wait.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = b""
        self._ended = False
        self._wake: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._loop.add_reader(self._descriptor, self._readable)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.remove_reader(self._descriptor)

    async def line(self) -> str:
        """Return the next line, without its end.

        Raises:
            EOFError: there is none and will be none.
        """
        while b"\n" not in self._pending:
            if self._ended:
                raise EOFError
            self._wake = self._loop.create_future()
            await self._wake
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace").strip()

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, _CHUNK)
        except OSError:  # the terminal was hung up
            data = b""
        self._pending += data
        if not data:
            self._ended = True
            self._loop.remove_reader(self._descriptor)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
