"""Where a batch may write: pure checks of its shape and of its place in the logs.

Every adapter answers the same way: a fenced owner is told so before anything else is checked against
the logs, then a commit either continues its log, or is in it already, or is refused with its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..actors.core.errors import CorruptLog, LogTrimmed, PositionConflict, StoreError
from ..actors.core.ports import Batch, Commit, SessionRow
from ..actors.core.segment import Segment
from ..actors.core.sharding import shard_of


def check_shape(batch: Batch, shards: int) -> None:
    """Refuse a batch that no log could take.

    Raises:
        StoreError: a session of another shard, a row of another session, a log that begins without a row,
            an empty segment, or a log that would be trimmed up to its snapshot or beyond.
    """
    for commit in batch.commits:
        name, segment, row = commit.session_id, commit.segment, commit.row
        if shards > 1 and shard_of(name, shards) != batch.shard:
            raise StoreError(f"session {name!r} is not of shard {batch.shard}")
        if row is None:
            if segment.first_seq == 1:
                raise StoreError(f"the first commit of session {name!r} has no row")
        elif row.session_id != name:
            raise StoreError(f"a commit of session {name!r} has the row of {row.session_id!r}")
        if not 1 <= segment.first_seq <= segment.last_seq:
            raise StoreError(f"a segment of {name!r} goes from {segment.first_seq} to {segment.last_seq}")
    for snapshot in batch.snapshots:
        name = snapshot.session_id
        if shards > 1 and shard_of(name, shards) != batch.shard:
            raise StoreError(f"session {name!r} is not of shard {batch.shard}")
        if snapshot.trim and not 0 < snapshot.trim < snapshot.seq:
            raise StoreError(f"a snapshot of {name!r} at {snapshot.seq} would trim its log up to {snapshot.trim}")


def unwritten(batch: Batch, head: Callable[[str], int], stored: Callable[[str, int], Segment | None]) -> list[Commit]:
    """Return the commits of `batch` that are not in their logs yet, in order.

    Args:
        batch: commits of one session follow each other in order.
        head: the last seq in a session's log, 0 if there is none.
        stored: the segment that ends at a seq of a session, if there is one.

    Raises:
        PositionConflict: a commit or a snapshot doesn't fit the log.
    """
    heads: dict[str, int] = {}
    fresh: list[Commit] = []
    for commit in batch.commits:
        name, segment = commit.session_id, commit.segment
        end = heads.get(name)
        if end is None:
            end = head(name)
        if segment.first_seq == end + 1:
            fresh.append(commit)
            heads[name] = segment.last_seq
        elif stored(name, segment.last_seq) == segment:
            heads[name] = end
        else:
            raise PositionConflict(name, segment.first_seq - 1, end)
    for snapshot in batch.snapshots:
        name = snapshot.session_id
        end = heads[name] if name in heads else head(name)
        if not 1 <= snapshot.seq <= end:
            raise PositionConflict(name, snapshot.seq, end)
    return fresh


def check_read(session_id: str, after: int, segments: Sequence[Segment], covered: Callable[[], int]) -> None:
    """Check what is to be returned of a log.

    Args:
        session_id: whose log it is.
        after: what was asked for.
        segments: what was found.
        covered: looks up the seq of the session's snapshot, 0 if there is none; asked only where a front is missing.

    Raises:
        LogTrimmed: the front isn't there any more, and the snapshot covers it.
        CorruptLog: there is a gap or an overlap.
    """
    if segments and segments[0].first_seq > after + 1 and covered() >= segments[0].first_seq - 1:
        raise LogTrimmed(session_id, segments[0].first_seq)
    check_contiguous(session_id, after, segments)


def check_contiguous(session_id: str, after: int, segments: Iterable[Segment]) -> int:
    """Return the last seq of `segments`, which must go on from `after` (or from within the first).

    Raises:
        CorruptLog: there is a gap or an overlap.
    """
    end, first = after, True
    for segment in segments:
        if segment.first_seq > end + 1 or (segment.first_seq <= end and not first):
            raise CorruptLog(f"the log of {session_id!r} goes on at seq {segment.first_seq} after {end}")
        end, first = segment.last_seq, False
    return end


def check_loaded(row: SessionRow, snapshot_seq: int, segments: Iterable[Segment]) -> None:
    """Refuse a log that ends before the seq its row was written with.

    Raises:
        CorruptLog: the end is lost, or there is a gap.
    """
    end = check_contiguous(row.session_id, snapshot_seq, segments)
    if end < row.seq:
        raise CorruptLog(f"the log of {row.session_id!r} ends at seq {end}, its row was written at {row.seq}")
