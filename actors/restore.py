"""Bringing sessions back from the store: snapshot and log, or the log alone where the snapshot is damaged.

A session that can't be brought back, or whose log isn't what this process published, is quarantined: it is
left as it is, byte for byte, nothing of it runs, and whoever asks for it is told so. The others don't notice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from .core.detail import SessionDetail, describe
from .core.errors import CorruptLog, FutureVersion, LogTrimmed, NotFound, Quarantined, SessiondError, StoreError
from .core.events import unpack
from .core.extent import NEW, LogExtent, unknown
from .core.ports import SessionRow, Snapshot, Store, Stored
from .core.segment import Segment
from .core.snapshot import extent_of, thaw
from .core.state import SessionState, fold
from .core.workflow import Workflow
from .definitions import Definitions

logger = logging.getLogger("sessiond.restore")

_ALL: Final = 1 << 62
"""More bytes than any log has."""
_CHILD: Final = b'"event":"child:started"'
"""Where this occurs, which user data can bring about too, the log is kept whole."""


class Restored(NamedTuple):
    """A session as it was left.

    Attributes:
        extent: what its snapshot knew of its log.
        since: bytes of log since then.
    """

    row: SessionRow
    workflow: Workflow
    state: SessionState
    extent: LogExtent
    since: int


class Restorer:
    """Reads sessions back, and remembers which it couldn't.

    Args:
        read: runs a blocking call on the store off the loop.

    Attributes:
        quarantined: why, by session id; of those that somebody wanted.
    """

    def __init__(self, store: Store, definitions: Definitions, read: Callable[..., Awaitable[Any]]) -> None:
        self._store = store
        self._definitions = definitions
        self._read = read
        self._diverged: set[str] = set()
        self.quarantined: dict[str, Quarantined] = {}

    async def restore(self, session_id: str) -> Restored | None:
        """Return a session as it was left, None if there is none.

        Raises:
            Quarantined: it can't be read, or isn't what was published.
            Unavailable: the store doesn't answer.
        """
        if session_id in self._diverged:
            raise self.quarantined[session_id]
        try:
            found = await self._restored(session_id)
        except (CorruptLog, FutureVersion) as error:
            raise self._quarantine(session_id, error) from error
        self.quarantined.pop(session_id, None)
        return found

    def distrust(self, session_id: str, error: StoreError) -> None:
        """Never bring a session back in this process: its log is shorter than, or other than, what was published.

        Going on from such a log would use a seq again that watchers have seen with other contents.
        """
        self._diverged.add(session_id)
        self._quarantine(session_id, error)

    def forget(self, session_id: str) -> None:
        """Hold nothing against a session that was deleted: its id may be used again."""
        self._diverged.discard(session_id)
        self.quarantined.pop(session_id, None)

    def _quarantine(self, session_id: str, error: StoreError) -> Quarantined:
        if session_id not in self.quarantined:
            logger.error("session %s is quarantined and left as it is: %s: %s", session_id, error.code, error)
        self.quarantined[session_id] = Quarantined(session_id, error)
        return self.quarantined[session_id]

    async def _restored(self, session_id: str) -> Restored | None:
        try:
            stored: Stored | None = await self._read(self._store.load, session_id)
            if stored is None:
                return None
            workflow = await self._workflow(stored.row)
            return _restored(workflow, stored)
        except CorruptLog as error:
            found = await self._from_whole_log(session_id, error)
            logger.warning("session %s: %s; its log is whole, and was read from its beginning", session_id, error)
            return found

    async def _from_whole_log(self, session_id: str, error: CorruptLog) -> Restored:
        """Fold the log from seq 1.

        Raises:
            CorruptLog: it isn't whole either, or there is no row.
        """
        row: SessionRow | None = await self._read(self._store.row, session_id)
        if row is None:
            raise error
        try:
            segments: list[Segment] = await self._read(self._store.read, session_id, 0, _ALL)
        except LogTrimmed as trimmed:
            raise CorruptLog(f"{error}, and {trimmed}") from error
        if not segments or segments[-1].last_seq < row.seq:
            raise error
        workflow = await self._workflow(row)
        return _restored(workflow, Stored(row, None, segments))

    async def base(self, session_id: str) -> SessionDetail | None:
        """Return a session as its snapshot has it: what stands for events that were trimmed. None if there is none.

        Raises:
            CorruptLog, FutureVersion: it can't be read.
            Unavailable: the store doesn't answer.
        """
        stored: Stored | None = await self._read(self._store.load, session_id)
        if stored is None or stored.snapshot is None:
            return None
        return describe(await self._workflow(stored.row), state_in(stored.snapshot), ())

    async def _workflow(self, row: SessionRow) -> Workflow:
        try:
            return await self._definitions.of(row)
        except NotFound as error:
            raise CorruptLog(f"its workflow is gone: {error}") from error


def _restored(workflow: Workflow, stored: Stored) -> Restored:
    state = state_of(workflow, stored)
    snapshot = stored.snapshot
    extent = NEW if snapshot is None else extent_of(snapshot.data) or unknown(snapshot.seq)
    if not extent.whole and any(_CHILD in segment.data for segment in stored.segments):
        extent = msgspec.structs.replace(extent, whole=True)
    return Restored(stored.row, workflow, state, extent, sum(len(segment.data) for segment in stored.segments))


def state_of(workflow: Workflow, stored: Stored) -> SessionState:
    """Return what a snapshot, if there is one, and the log after it amount to.

    Raises:
        CorruptLog, FutureVersion: they can't be read.
    """
    if stored.snapshot is None:
        return _folded(workflow, SessionState(stored.row.session_id), stored.segments)
    return _folded(workflow, state_in(stored.snapshot), stored.segments)


def state_in(snapshot: Snapshot) -> SessionState:
    """Return the state in a snapshot.

    Raises:
        CorruptLog, FutureVersion: it can't be read, or is another's.
    """
    state = thaw(snapshot.data)
    if (state.session_id, state.seq) != (snapshot.session_id, snapshot.seq):
        raise CorruptLog(f"the snapshot is of {state.session_id!r} at seq {state.seq}, not {snapshot.seq}")
    return state


def _folded(workflow: Workflow, state: SessionState, segments: Iterable[Segment]) -> SessionState:
    try:
        for segment in segments:
            fold(workflow, state, [record for record in unpack(segment) if record.seq > state.seq])
    except SessiondError:
        raise
    except Exception as error:
        raise CorruptLog(f"the log can't be folded after seq {state.seq}: {error!r}") from error
    return state
