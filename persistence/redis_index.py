"""Lists of sessions in Redis: sorted sets per shard and search term, merged when read.

All members have the same score, so Redis keeps them in byte order, which is the order of their age;
a page is a range below the last member of the page before (https://redis.io/commands/zrangebylex).
"""

from __future__ import annotations

from heapq import nlargest
from typing import Any, Final, get_args

from ..actors.core.lifecycle import Status
from ..actors.core.ports import RowPage, RowQuery, SessionRow
from ..actors.core.sharding import shard_of
from . import keys
from .codec import decode_row
from .listing import decode_cursor, matches, page

_STATUSES: Final[tuple[str, ...]] = get_args(Status)


class RedisIndex:
    """Reads the indexes that commit.lua keeps.

    Args:
        client: a redis-py client; its errors pass through.
        shards: how many shards the store has.
    """

    def __init__(self, client: Any, shards: int) -> None:
        self._client = client
        self._shards = shards

    def running(self, shard: int) -> list[str]:
        """Return ids of a shard's running sessions that aren't idle, newest first."""
        members = self._client.zrevrange(keys.index(shard, keys.RUNNING), 0, -1)
        return [_session_id(member) for member in members]

    def due(self, shard: int, until: float) -> list[str]:
        """Return ids of a shard's idle sessions whose timer is due, earliest first."""
        members = self._client.zrangebyscore(keys.index(shard, keys.DUE), "-inf", until)
        return [_session_id(member) for member in members]

    def expired(self, shard: int, before: str, limit: int) -> list[str]:
        """Return ids of a shard's sessions that ended before a time (RFC 3339), earliest first."""
        until = f"({keys.moment(before)!r}"
        members = self._client.zrangebyscore(keys.index(shard, keys.ENDED), "-inf", until, 0, limit)
        return [_session_id(member) for member in members]

    def page(self, query: RowQuery) -> RowPage:
        """Return a page of rows, newest first.

        One index leads; what else the query asks for is filtered here. A row that changes in between
        may drop out of the page, but none comes twice and none that stays is passed over.

        Raises:
            ValueError: the cursor is none of ours.
        """
        before = b"+"
        if query.cursor is not None:
            before = b"(" + keys.member(*decode_cursor(query.cursor)).encode()
        wanted = query.limit + 1
        found: list[SessionRow] = []
        term = self._shortest(keys.query_terms(query))
        while len(found) < wanted:
            members = self._newest(term, before, wanted)
            found += (row for row in self._rows(members) if matches(row, query))
            if len(members) < wanted:
                break
            before = b"(" + members[-1]
        return page(found, query.limit)

    def counts(self, tenant: str) -> dict[str, int]:
        """Return how many sessions of a tenant have each status."""
        return dict(zip(_STATUSES, self._sizes([keys.status_term(tenant, each) for each in _STATUSES]), strict=True))

    def _shortest(self, terms: list[str]) -> str:
        """Return the term that the fewest sessions answer, in all shards together."""
        if len(terms) == 1:
            return terms[0]
        totals = self._sizes(terms)
        return terms[totals.index(min(totals))]

    def _sizes(self, terms: list[str]) -> list[int]:
        """Return how many sessions answer each term, in all shards together."""
        with self._client.pipeline(transaction=False) as pipeline:
            for term in terms:
                for shard in range(self._shards):
                    pipeline.zcard(keys.index(shard, term))
            counts = pipeline.execute()
        return [sum(counts[at : at + self._shards]) for at in range(0, len(counts), self._shards)]

    def _newest(self, term: str, before: bytes, count: int) -> list[bytes]:
        """Return the newest `count` members of an index below `before`, newest first."""
        with self._client.pipeline(transaction=False) as pipeline:
            for shard in range(self._shards):
                pipeline.zrevrangebylex(keys.index(shard, term), before, "-", start=0, num=count)
            return nlargest(count, (member for found in pipeline.execute() for member in found))

    def _rows(self, members: list[bytes]) -> list[SessionRow]:
        """Return the rows of the members that still exist."""
        with self._client.pipeline(transaction=False) as pipeline:
            for session_id in map(_session_id, members):
                pipeline.hget(keys.session(shard_of(session_id, self._shards), session_id), "row")
            return [decode_row(record) for record in pipeline.execute() if record is not None]


def _session_id(member: bytes) -> str:
    return member.partition(b" ")[2].decode()
