"""Tells when something keeps the event loop from turning, and what.

A thread sends the loop a heartbeat and waits for it. If it doesn't come in time, the loop's own thread is busy with
one piece of code; its stack says which, and from the stack it is known which node that belongs to.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from asyncio import AbstractEventLoop
from collections.abc import Callable
from types import FrameType
from typing import Final

logger = logging.getLogger("sessiond.watchdog")

_IDLE: Final = frozenset({"selectors", "asyncio.base_events", "asyncio.runners", "asyncio.events"})
"""Modules in which a loop's thread is when nothing keeps it: then the machine is busy, not our code."""


class LoopWatchdog:
    """Measures how late an event loop is, and reports what blocks it.

    Args:
        loop: the loop; to be made on its thread.
        name_of: names the owner of the code that a stack is in, None if it knows none.
        threshold_s: seconds of lateness from which it is reported; half of it is between heartbeats.
        quiet_s: seconds after a report without another one; those left out are counted.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        name_of: Callable[[FrameType], str | None],
        *,
        threshold_s: float = 0.25,
        quiet_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self._name_of = name_of
        self._threshold_s = threshold_s
        self._quiet_s = quiet_s
        self._clock = clock
        self._closing = threading.Event()
        self._beaten = threading.Event()
        self._thread: threading.Thread | None = None
        self._sent: float | None = None
        self._lag_s = 0.0
        self._reported: float | None = None
        self._left_out = 0

    @property
    def lag_s(self) -> float:
        """Seconds by which the latest heartbeat was late, or is by now."""
        sent = self._sent
        return self._lag_s if sent is None else max(self._lag_s, self._clock() - sent)

    def start(self) -> None:
        """Begin to measure."""
        self._thread = threading.Thread(target=self._watch, name="sessiond-watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop measuring, and wait until the thread has ended."""
        self._closing.set()
        self._beaten.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._closing.wait(self._threshold_s / 2):
            self._beaten.clear()
            if self._closing.is_set():  # it was set for `close`, just now
                return
            self._sent = self._clock()
            try:
                self._loop.call_soon_threadsafe(self._beat)
            except RuntimeError:  # the loop was closed
                return
            if not self._beaten.wait(self._threshold_s):
                self._late()
                self._beaten.wait()

    def _beat(self) -> None:
        """On the loop: it turns."""
        if self._sent is not None:
            self._lag_s, self._sent = self._clock() - self._sent, None
        self._beaten.set()

    def _late(self) -> None:
        frame = sys._current_frames().get(self._loop_thread)
        now = self._clock()
        if frame is None or frame.f_globals.get("__name__") in _IDLE:
            return
        if self._reported is not None and now - self._reported < self._quiet_s:
            self._left_out += 1
            return
        owner = self._name_of(frame) or "something"
        more = f" ({self._left_out} reports were left out)" if self._left_out else ""
        stack = "".join(traceback.format_stack(frame, limit=12))
        logger.warning("%s has blocked the event loop for %.2f s%s; it is at\n%s", owner, self.lag_s, more, stack)
        self._reported, self._left_out = now, 0
