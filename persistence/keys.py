"""The names of all keys in Redis.

Keys of a shard carry its tag in braces, so Redis Cluster keeps them on one node and one script may
touch them together (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

from ..actors.core.ports import RowQuery, SessionRow
from .listing import label_terms

META: Final = "sessiond"
"""Hash: `schema`, `shards`."""
MARK: Final = "sessiond:mark"
"""Empty: written where replicas are waited for, so that there is something to wait for."""

WORKFLOW_IDS: Final = "{w}:ids"
"""Set: ids of the workflows with a listed version."""

LISTINGS: Final = "{w}:listings"
"""Counter: how often a version was listed; orders the versions of a workflow."""

RUNNING: Final = "running"
"""Index of the running sessions of every tenant that aren't idle."""

DUE: Final = "due"
"""Index of the idle sessions of every tenant that have a timer, with the time when it is due for a score."""


ENDED: Final = "ended"
"""Index of the ended sessions of every tenant, with the time when they ended for a score."""


def prefix(shard: int) -> str:
    """Return what all keys of a shard begin with."""
    return f"{{s{shard}}}:"


def owner(shard: int) -> str:
    """Name the string that holds the owner token of a shard."""
    return f"{{s{shard}}}:owner"


def log(shard: int, session_id: str) -> str:
    """Name the stream that holds the segments of a session."""
    return f"{{s{shard}}}:log:{session_id}"


def session(shard: int, session_id: str) -> str:
    """Name the hash that holds the row and the snapshot of a session."""
    return f"{{s{shard}}}:session:{session_id}"


def index(shard: int, term: str) -> str:
    """Name the sorted set that holds the sessions of a shard that answer a search term."""
    return f"{{s{shard}}}:index:{term}"


def versions(workflow_id: str) -> str:
    """Name the hash of all versions of a workflow."""
    return f"{{w}}:versions:{workflow_id}"


def listed(workflow_id: str) -> str:
    """Name the sorted set of the listed versions of a workflow."""
    return f"{{w}}:listed:{workflow_id}"


def member(created_at: str, session_id: str) -> str:
    """Name a session in the indexes; the names sort by age, byte by byte."""
    return f"{created_at} {session_id}"


def row_terms(row: SessionRow) -> list[str]:
    """Return every index that holds `row`; after an `@` stands its score there, else that is 0."""
    tenant = quote(row.tenant, safe="")
    terms = [
        f"{tenant}/all",
        status_term(row.tenant, row.status),
        f"{tenant}/workflow/{quote(row.workflow_id, safe='')}",
        definition_term(row),
    ]
    terms += (f"{tenant}/label/{quote(term, safe='')}" for term in label_terms(row.labels))
    if row.waits:
        terms.append(f"{tenant}/waiting")
    if row.status == "running" and not row.idle:
        terms.append(RUNNING)
    if row.idle and row.wakes_at is not None:
        terms.append(f"{DUE}@{row.wakes_at!r}")
    if row.ended_at is not None:
        terms.append(f"{ENDED}@{moment(row.ended_at)!r}")
    return terms


def status_term(tenant: str, status: str) -> str:
    """Name the index of a tenant's sessions that have a status."""
    return f"{quote(tenant, safe='')}/status/{quote(status, safe='')}"


def definition_term(row: SessionRow) -> str:
    """Name the index of the sessions that have the definition that `row` has."""
    names = (row.tenant, "definition", row.workflow_id, row.workflow_version)
    return "/".join(quote(name, safe="") for name in names)


def moment(time: str) -> float:
    """Return a time (RFC 3339) as seconds since the Unix epoch."""
    return datetime.fromisoformat(time).timestamp()


def query_terms(query: RowQuery) -> list[str]:
    """Return indexes each of which holds every row that `query` wants, at least one."""
    tenant = quote(query.tenant, safe="")
    terms: list[str] = []
    if query.status is not None:
        terms.append(status_term(query.tenant, query.status))
    if query.workflow_id is not None:
        terms.append(f"{tenant}/workflow/{quote(query.workflow_id, safe='')}")
    if query.label is not None:
        terms.append(f"{tenant}/label/{quote(query.label, safe='')}")
    if query.waiting:
        terms.append(f"{tenant}/waiting")
    return terms or [f"{tenant}/all"]
