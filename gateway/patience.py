"""Peers that don't read what they asked for: their connections are closed after a while.

Tornado waits without end for its writes. So whoever asks for pages and reads none of them would hold a descriptor and
an answer for each connection, for as long as it likes, and needs no key for that. What counts is whether the peer takes
anything at all: an answer may take as long as a slow line needs.
"""

from __future__ import annotations

import asyncio
import math

from tornado.iostream import IOStream


class PatientStream(IOStream):
    """A stream that is closed if its peer takes nothing of what waits for it, for `patience` seconds up to twice that.

    Attributes:
        patience: in seconds; without end where somebody else looks after the connection.
    """

    patience = math.inf
    _look: asyncio.TimerHandle | None = None
    _taken = 0

    def close_fd(self) -> None:
        """Close, and look no more."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        super().close_fd()

    def _handle_write(self) -> None:
        super()._handle_write()
        if self._look is None:
            self._wait()

    def _wait(self) -> None:
        if self._write_buffer and self.patience < math.inf and not self.closed():
            self._taken = self._total_write_done_index
            self._look = asyncio.get_running_loop().call_later(self.patience, self._looked)

    def _looked(self) -> None:
        self._look = None
        if self._write_buffer and self._taken == self._total_write_done_index and self.patience < math.inf:
            self.close()
        else:
            self._wait()
