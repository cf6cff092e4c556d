"""Checkpoints of SQLite's write-ahead log on a thread and a connection of their own.

SQLite's automatic checkpoint runs inside the commit that crosses its threshold, which then takes as
long as copying and syncing the whole log. Here a commit only counts bytes. A passive checkpoint waits
for nobody, but under steady writing never reaches the end of the log, which therefore grows; when it
is large, a restarting checkpoint stops the writer for the little that a passive one has just left
(https://sqlite.org/c3ref/wal_checkpoint_v2.html).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Final

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Checkpointer:
    """A thread that copies the write-ahead log into the database file.

    Args:
        connection: for this thread alone; its busy timeout bounds how long a writer can be held up.
        page_size: bytes per page of the file.
        on_error: called on the thread with an error other than "busy", at most once; the thread ends then.
        every: bytes written between passive checkpoints.
        restart_above: bytes of log above which it is begun anew.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        page_size: int,
        on_error: Callable[[sqlite3.Error], None],
        *,
        every: int = 8 << 20,
        restart_above: int = 64 << 20,
    ) -> None:
        self._connection = connection
        self._page_size = page_size
        self._on_error = on_error
        self._every = every
        self._restart_above = restart_above
        self._written = 0
        self._due = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sessiond-checkpoint", daemon=True)
        self._thread.start()

    def wrote(self, size: int) -> None:
        """Count `size` bytes of log; called by the writer after each commit."""
        self._written += size
        if self._written >= self._every:
            self._written = 0
            self._due.set()

    def close(self) -> None:
        """End the thread, after a checkpoint that leaves an empty log if nobody reads."""
        self._closing = True
        self._due.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        try:
            while True:
                self._due.wait()
                self._due.clear()
                if self._closing:
                    self._checkpoint("TRUNCATE")
                    return
                frames = self._checkpoint("PASSIVE")
                if frames * self._page_size > self._restart_above:
                    self._checkpoint("RESTART")
        except sqlite3.Error as error:
            self._on_error(error)

    def _checkpoint(self, mode: str) -> int:
        """Run one checkpoint; return the number of pages in the log."""
        try:
            _, frames, _ = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in _BUSY:
                return 0
            raise
        return int(frames)
