"""The store for production: Redis, with a log per session and a script per batch.

`redis://host:port/db`, or `rediss://` with TLS; the options are those of redis-py (`socket_timeout`,
`socket_connect_timeout`, … in seconds) and `shards`, how many shards a new store gets, and `replicas`, how many of them
must have a commit before it counts. The layout of the keys is at the top of commit.lua, their names are in `keys`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import exceptions

from ..actors.core.errors import CorruptLog, Fenced, PositionConflict, StoreError, Unavailable
from ..actors.core.ports import Batch, Definition, Hazard, RowPage, RowQuery, SessionRow, Snapshot, Store, Stored
from ..actors.core.segment import Segment
from ..actors.core.sharding import shard_of
from . import keys
from .codec import (
    VERSION,
    check_version,
    counted,
    decode_definition,
    decode_row,
    decode_snapshot,
    encode_definition,
    encode_row,
    encode_snapshot,
)
from .durability import server_hazards
from .listing import definition_of
from .positions import check_loaded, check_read, check_shape
from .redis_index import RedisIndex
from .redis_link import (
    ScriptChannel,
    check_replicas,
    explain,
    explained,
    locate,
    on_replicas,
    open_client,
    script,
)

_SHARDS: Final = 64
_TYPICAL_SEGMENT: Final = 16_384
_MOST_ENTRIES: Final = 1024
_GONE: Final = 1 << 62


def open_store(url: str) -> Store:
    """Connect to the Redis that `url` names; make a store there if there is none.

    Raises:
        InvalidInput: the URL has a fault.
        StoreUnavailable: Redis doesn't answer, or is still loading; try again.
        StoreError: what is there is no store, or has another number of shards than the URL asks for.
        FutureVersion: a newer sessiond made the store.
    """
    return RedisStore(*locate(url))


class RedisStore:
    """Sessions in Redis.

    Args:
        url: as redis-py takes it.
        shards: how many shards the store must have; None for as many as it has, 64 in a new one.
        replicas: how many must have a commit, or a claim, before it counts.

    Attributes:
        shards: see Store.
    """

    def __init__(self, url: str, shards: int | None = None, replicas: int = 0) -> None:
        self._replicas = replicas
        try:
            self._client: Any = open_client(url)
            self._channel = ScriptChannel(url, "commit.lua", replicas)
        except ValueError as error:
            raise StoreError(f"{url}: {error}") from error
        try:
            self.shards = self._open(shards)
            self._index = RedisIndex(self._client, self.shards)
        except BaseException:
            self.close()
            raise

    def claim(self, shard: int, nonce: str) -> str:
        """Take ownership of a shard; see Store."""
        if not 0 <= shard < self.shards:
            raise ValueError(f"there is no shard {shard} of {self.shards}")
        with explained(), self._client.pipeline(transaction=False) as pipeline:
            pipeline.eval(script("claim.lua"), 1, keys.owner(shard), nonce)
            if self._replicas:
                for command in on_replicas(self._replicas):
                    pipeline.execute_command(*command)
            replies = pipeline.execute()
            if self._replicas:
                check_replicas(self._replicas, replies[-1])
        return str(replies[0].decode())

    def commit(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None]:
        """Apply each batch with one script call, all of them in one round trip; see Store."""
        answers: list[StoreError | Unavailable | None] = [None] * len(batches)
        sent: list[int] = []
        calls: list[list[bytes | str | int]] = []
        for at, batch in enumerate(batches):
            try:
                check_shape(batch, self.shards)
                calls.append(_arguments(batch))
                sent.append(at)
            except StoreError as error:
                answers[at] = error
            except ValueError as error:  # a string that is no UTF-8, for one
                answers[at] = StoreError(f"the batch can't be stored: {error}")
        if calls:
            try:
                replies = self._channel.call(calls)
            except exceptions.RedisError as error:
                replies = [error] * len(calls)
            for at, reply in zip(sent, replies, strict=True):
                answers[at] = _answer(batches[at], reply)
        return answers

    def commit_at_once(self, batches: Sequence[Batch]) -> list[StoreError | Unavailable | None] | None:
        """Never: it takes a round trip; see Store."""
        return None

    def load(self, session_id: str) -> Stored | None:
        """Return a session as of one moment; see Store."""
        shard = shard_of(session_id, self.shards)
        names = keys.session(shard, session_id), keys.log(shard, session_id)
        with explained():
            found = self._client.eval(script("load.lua"), 2, *names)
        if found is None:
            return None
        record, seq_text, data, entries = found
        row, seq = decode_row(record), int(seq_text or 0)
        segments = [_segment(entry_id, fields[1], fields[3]) for entry_id, fields in entries]
        check_loaded(row, seq, segments)
        snapshot = Snapshot(session_id, seq, decode_snapshot(data)) if seq else None
        return Stored(row, snapshot, segments)

    def read(self, session_id: str, after: int, limit: int) -> list[Segment]:
        """Return a part of a log; see Store."""
        name = keys.log(shard_of(session_id, self.shards), session_id)
        segments: list[Segment] = []
        size, last = 0, after
        count = limit // _TYPICAL_SEGMENT + 1
        while True:
            with explained():
                entries = self._client.xrange(name, min=f"{last}-1", count=count)
            found = [_segment(entry_id, fields[b"f"], fields[b"d"]) for entry_id, fields in entries]
            if segments and found and found[0].first_seq > last + 1:
                break  # trimmed between two pages: the next read says so
            for segment in found:
                size += len(segment.data)
                if size > limit and segments:
                    break
                segments.append(segment)
                last = segment.last_seq
            if len(entries) < count or size >= limit:
                break
            fitting = (limit - size) * len(segments) // max(size, 1) + 1
            count = min(max(fitting, 1), _MOST_ENTRIES)
        check_read(session_id, after, segments, lambda: self._covered(session_id))
        return segments

    def unfinished(self, shard: int) -> list[str]:
        """Return running sessions; see Store."""
        with explained():
            return self._index.running(shard)

    def due(self, shard: int, until: float) -> list[str]:
        """Return idle sessions whose timer is due; see Store."""
        with explained():
            return self._index.due(shard, until)

    def expired(self, shard: int, before: str, limit: int) -> list[str]:
        """Return sessions that ended before a time; those of schema 1 and 2 aren't found; see Store."""
        with explained():
            return self._index.expired(shard, before, limit)

    def row(self, session_id: str) -> SessionRow | None:
        """Return a row; see Store."""
        with explained():
            record = self._client.hget(keys.session(shard_of(session_id, self.shards), session_id), "row")
        return None if record is None else decode_row(record)

    def rows(self, query: RowQuery) -> RowPage:
        """Return a page of rows, merged from the shards' indexes; see Store."""
        with explained():
            return self._index.page(query)

    def counts(self, tenant: str) -> dict[str, int]:
        """Count sessions by status, by the sizes of the shards' indexes; see Store."""
        with explained():
            return self._index.counts(tenant)

    def delete(self, session_id: str, *, token: str | None = None, with_definition: bool = True) -> bool:
        """Remove a session; see Store. A crash before the end may leave its definition."""
        shard = shard_of(session_id, self.shards)
        names = keys.session(shard, session_id), keys.log(shard, session_id), keys.owner(shard)
        row = self.row(session_id) if with_definition else None
        with explained():
            deleted = self._client.eval(script("delete.lua"), 3, *names, keys.prefix(shard), token or "")
            if deleted < 0:
                raise Fenced(shard)
            if row is not None:
                self._drop_definition(row)
        return bool(deleted)

    def _drop_definition(self, row: SessionRow) -> None:
        """Remove a definition that isn't listed and that no session has; of older ones it isn't known who has them."""
        workflow_id, version = definition_of(row)
        term = keys.definition_term(row)
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hget(keys.versions(workflow_id), version)
            pipeline.zscore(keys.listed(workflow_id), version)
            for shard in range(self.shards):
                pipeline.exists(keys.index(shard, term))
            record, rank, *used = pipeline.execute()
        if record is not None and counted(record) and rank is None and not any(used):
            self._client.hdel(keys.versions(workflow_id), version)

    def put_definition(self, definition: Definition) -> None:
        """Keep a definition; see Store."""
        workflow_id, version = definition.workflow_id, definition.version
        with explained():
            rank = self._client.incr(keys.LISTINGS) if definition.listed else 0
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hsetnx(keys.versions(workflow_id), version, encode_definition(definition))
                if definition.listed:
                    pipeline.zadd(keys.listed(workflow_id), {version: rank}, nx=True)
                    pipeline.sadd(keys.WORKFLOW_IDS, workflow_id)
                pipeline.execute()

    def definition(self, workflow_id: str, version: str | None) -> Definition | None:
        """Return a definition; see Store."""
        with explained():
            if version is None:
                newest = self._client.zrevrange(keys.listed(workflow_id), 0, 0)
                if not newest:
                    return None
                version = newest[0].decode()
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hget(keys.versions(workflow_id), version)
                pipeline.zscore(keys.listed(workflow_id), version)
                record, rank = pipeline.execute()
        if record is None:
            return None
        kept = decode_definition(record)
        return Definition(workflow_id, version, kept.body, kept.created_at, rank is not None)

    def definitions(self) -> list[Definition]:
        """Return the newest listed version of each workflow; see Store."""
        with explained():
            names = sorted(self._client.smembers(keys.WORKFLOW_IDS))
        newest = (self.definition(name.decode(), None) for name in names)
        return [definition for definition in newest if definition is not None]

    def unlist_definition(self, workflow_id: str) -> bool:
        """Take a workflow off the list; see Store."""
        with explained(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(keys.listed(workflow_id))
            pipeline.srem(keys.WORKFLOW_IDS, workflow_id)
            return bool(pipeline.execute()[0])

    def hazards(self) -> list[Hazard]:
        """Return what risks acknowledged data; see Store."""
        return server_hazards(self._client, self._replicas)

    def close(self) -> None:
        """Close all connections; see Store."""
        self._channel.close()
        self._client.close()
        self._client.connection_pool.disconnect()

    def _covered(self, session_id: str) -> int:
        """The seq of a session's snapshot; of one that was deleted a moment ago, beyond any."""
        name = keys.session(shard_of(session_id, self.shards), session_id)
        with explained():
            row, seq = self._client.hmget(name, "row", "snapshot_seq")
        return _GONE if row is None else int(seq or 0)

    def _open(self, shards: int | None) -> int:
        """Return the number of shards of the store, made if there is none."""
        with explained():
            meta = self._client.hgetall(keys.META)
            if not meta:
                self._check_empty()
                with self._client.pipeline(transaction=True) as pipeline:
                    pipeline.hsetnx(keys.META, "schema", VERSION)
                    pipeline.hsetnx(keys.META, "shards", shards or _SHARDS)
                    pipeline.hgetall(keys.META)
                    meta = pipeline.execute()[-1]
        schema = int(meta.get(b"schema", 0))
        check_version(schema, "the store in Redis")
        if schema < VERSION:  # what older ones wrote is read as it is; but they must not write any more
            with explained():
                self._client.hset(keys.META, "schema", VERSION)
        found = int(meta[b"shards"])
        if shards is not None and shards != found:
            raise StoreError(f"the store in Redis has {found} shards, not {shards}; their number is fixed")
        return found

    def _check_empty(self) -> None:
        """Refuse to make a store where one was: with another number of shards its sessions would seem to be gone."""
        owners = [keys.owner(shard) for shard in range(_SHARDS)]
        if any(self._client.exists(owner) for owner in owners):
            raise CorruptLog(
                f"there are shards in Redis, but its record {keys.META!r} is gone: evicted, or deleted. If you know "
                f"the number of shards, run: HSET {keys.META} schema {VERSION} shards <number>"
            )


def _arguments(batch: Batch) -> list[bytes | str | int]:
    """Return the number of keys, the key and the arguments that commit.lua takes for a batch."""
    shard = batch.shard
    values: list[bytes | str | int] = [
        1,
        keys.owner(shard),
        batch.token,
        keys.prefix(shard),
        len(batch.commits),
    ]
    for commit in batch.commits:
        segment, row = commit.segment, commit.row
        values += (commit.session_id, segment.first_seq, segment.last_seq, segment.data)
        if row is None:
            values.append(0)
        else:
            member = keys.member(row.created_at, row.session_id)
            values += (3, encode_row(row), member, " ".join(keys.row_terms(row)))
    for snapshot in batch.snapshots:
        values += (snapshot.session_id, snapshot.seq, encode_snapshot(snapshot.data), snapshot.trim)
    return values


def _answer(batch: Batch, reply: Any) -> StoreError | Unavailable | None:
    if isinstance(reply, exceptions.RedisError):
        return explain(reply)
    match reply:
        case [b"applied"]:
            return None
        case [b"fenced"]:
            return Fenced(batch.shard)
        case [b"conflict", session, expected, found]:
            return PositionConflict(session.decode(), expected, found)
        case _:
            return StoreError(f"Redis: unexpected reply {reply!r}")


def _segment(entry_id: bytes, first: bytes, data: bytes) -> Segment:
    return Segment(int(first), int(entry_id.partition(b"-")[0]), data)
