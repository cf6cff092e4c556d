"""What an error of Redis means: try again, make room, or stop."""

from __future__ import annotations

import pytest
from redis import exceptions

from sessiond.actors.core.errors import Fenced, StoreError, StoreFull, StoreUnavailable
from sessiond.persistence.redis_link import explain

IN_SCRIPT = "Error running script (call to f_2b9): @user_script:61: -"


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (exceptions.ConnectionError("Connection closed by server."), StoreUnavailable),
        (exceptions.TimeoutError("Timeout reading from socket"), StoreUnavailable),
        (exceptions.TimeoutError(), StoreUnavailable),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), StoreUnavailable),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), StoreUnavailable),
        (exceptions.MasterDownError("Link with MASTER is down"), StoreUnavailable),
        (exceptions.ClusterDownError("Hash slot not served"), StoreUnavailable),
        (
            exceptions.ResponseError(IN_SCRIPT + "READONLY You can't write against a replica."),
            StoreUnavailable,
        ),
        (exceptions.ResponseError("MISCONF Errors writing to the AOF file"), StoreUnavailable),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), StoreUnavailable),
        (exceptions.ResponseError("BUSY Redis is busy running a script."), StoreUnavailable),
        (exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), StoreFull),
        (exceptions.ResponseError(IN_SCRIPT + "OOM command not allowed when used memory > …"), StoreFull),
        (exceptions.AuthenticationError("invalid username-password pair"), StoreError),
        (exceptions.NoPermissionError("this user has no permissions"), StoreError),
        (exceptions.MovedError("3999 127.0.0.1:6381"), StoreError),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), StoreError),
        (exceptions.ResponseError("BUSYKEY Target key name already exists."), StoreError),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else value.__name__,
)
def test_an_error_has_one_meaning(error: exceptions.RedisError, meaning: type[Exception]) -> None:
    found = explain(error)
    assert type(found) is meaning
    assert not isinstance(found, Fenced)
    assert str(found).startswith("Redis: ")
    assert len(str(found)) > len("Redis: ")
