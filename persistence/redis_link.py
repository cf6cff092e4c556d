"""Connections to Redis, and what its errors mean.

The client never retries by itself: it can't know whether a command that got no answer was applied.
The owner of a log can, because commits are idempotent by position, and so it alone repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis import exceptions
from redis.backoff import NoBackoff
from redis.client import Redis
from redis.connection import BlockingConnectionPool, ConnectionPool
from redis.retry import Retry

from ..actors.core.errors import StoreError, StoreFull, StoreUnavailable, Unavailable
from . import keys
from .locator import positive

_READERS: Final = 16
_CONNECT_SECONDS: Final = 2.0
_REPLY_SECONDS: Final = 5.0
_REPLICA_MS: Final = 500
"""Milliseconds in which replicas have what was written, or the commit is sent again."""
_PASSING: Final = re.compile(r"\b(READONLY|LOADING|MASTERDOWN|MISCONF|BUSY|NOREPLICAS|CLUSTERDOWN|TRYAGAIN)\b")
_PASSING_TYPES: Final = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
_REFUSED_TYPES: Final = (exceptions.AuthenticationError, exceptions.AuthorizationError)


def explain(error: exceptions.RedisError) -> StoreError | Unavailable:
    """Return what a Redis error means to the engine: try again, make room, or stop.

    A script wraps the error of a command it called, so the code may stand anywhere in the message.
    """
    said = f"Redis: {str(error) or type(error).__name__}"
    if isinstance(error, exceptions.OutOfMemoryError) or "OOM command not allowed" in said:
        return StoreFull(said)
    if isinstance(error, _REFUSED_TYPES):
        return StoreError(said)
    if isinstance(error, _PASSING_TYPES) or _PASSING.search(said):
        return StoreUnavailable(said)
    return StoreError(said)


@contextmanager
def explained() -> Iterator[None]:
    """Raise Redis errors within the block as the engine's own; see `explain`."""
    try:
        yield
    except exceptions.RedisError as error:
        raise explain(error) from error


class Location(NamedTuple):
    """What a store URL says: the URL as redis-py takes it, the shards, and how many replicas must have a commit."""

    url: str
    shards: int | None
    replicas: int


def locate(url: str) -> Location:
    """Return what `redis://host:port/db` and its options say.

    Raises:
        InvalidInput: an option has a fault.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    shards = positive(options, "shards", 0) if "shards" in options else None
    replicas = positive(options, "replicas", 0)
    for own in ("shards", "replicas"):
        options.pop(own, None)
    return Location(parts._replace(query=urlencode(options)).geturl(), shards, replicas)


def on_replicas(count: int) -> tuple[tuple[bytes | str | int, ...], ...]:
    """Return the commands that wait until so many replicas have what was written before them.

    WAIT knows only what its own connection has written, and what is sent again may have been written by another one:
    so there is a write of its own (https://redis.io/docs/latest/commands/wait/).
    """
    return ("SET", keys.MARK, ""), ("WAIT", count, _REPLICA_MS)


def check_replicas(count: int, reached: Any) -> None:
    """Check what WAIT said.

    Raises:
        ConnectionError: too few replicas have it, or it isn't known.
    """
    if not isinstance(reached, int) or reached < count:
        raise exceptions.ConnectionError(f"of {count} replicas, these have the commit: {reached}")


@cache
def script(name: str) -> str:
    """Return the text of a Lua script beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def open_client(url: str) -> Redis:
    """Return a client for reading, safe to use from several threads; it connects when first used.

    Args:
        url: as redis-py takes it; its options override the timeouts of 2 s to connect and 5 s to reply.
    """
    pool = BlockingConnectionPool.from_url(
        url, max_connections=_READERS, timeout=_REPLY_SECONDS, **_connection_options()
    )
    return Redis.from_pool(pool)


class ScriptChannel:
    """One connection for one script, called many times in a round trip; by one thread at a time.

    Args:
        url: see `open_client`.
        name: the script's file.
        replicas: how many must have what was written, before there is an answer.
    """

    def __init__(self, url: str, name: str, replicas: int = 0) -> None:
        self._replicas = replicas
        self._pool = ConnectionPool.from_url(url, max_connections=1, **_connection_options())
        self._connection: Any = None
        self._text = script(name)
        self._digest = sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def call(self, calls: Sequence[Sequence[bytes | str | int]]) -> list[Any]:
        """Run the script once for each of `calls` and return a reply or a RedisError for each.

        Args:
            calls: number of keys, keys and arguments of each call.

        Raises:
            RedisError: there was no answer to any; each call may have been applied or not.
        """
        replies = self._replicated([("EVALSHA", self._digest, *call) for call in calls])
        missing = [at for at, reply in enumerate(replies) if isinstance(reply, exceptions.NoScriptError)]
        if missing:  # a server that was restarted, or never saw the script
            again = self._replicated(
                [("SCRIPT", "LOAD", self._text), *(("EVALSHA", self._digest, *calls[at]) for at in missing)]
            )
            for at, reply in zip(missing, again[1:], strict=True):
                replies[at] = reply
        return replies

    def close(self) -> None:
        """Close the connection."""
        self._pool.disconnect()

    def _replicated(self, commands: list[tuple[bytes | str | int, ...]]) -> list[Any]:
        if not self._replicas:
            return self._round_trip(commands)
        *replies, _, reached = self._round_trip([*commands, *on_replicas(self._replicas)])
        if not any(isinstance(reply, exceptions.ResponseError) for reply in replies):  # else they say what is wrong
            check_replicas(self._replicas, reached)
        return replies

    def _round_trip(self, commands: list[tuple[bytes | str | int, ...]]) -> list[Any]:
        if self._connection is None:
            self._connection = self._pool.get_connection()
        connection = self._connection
        replies: list[Any] = []
        try:
            if connection.is_connected and _stale(connection):
                connection.disconnect()  # nothing of ours was sent on it: a new one may be made at once
            connection.send_packed_command(connection.pack_commands(commands))
            for _ in commands:
                try:
                    replies.append(connection.read_response())
                except exceptions.ResponseError as error:
                    replies.append(error)
        except BaseException:
            # Replies that still come belong to these commands: the next ones need a connection of their own.
            connection.disconnect()
            raise
        return replies


def _stale(connection: Any) -> bool:
    """Tell whether an idle connection was closed by the server, or holds a reply nobody waits for."""
    try:
        return bool(connection.can_read())
    except exceptions.ConnectionError:
        return True


def _connection_options() -> dict[str, Any]:
    return {
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _REPLY_SECONDS,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "decode_responses": False,
    }
