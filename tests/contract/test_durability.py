"""What about a store may lose acknowledged data: the rules, and what is found by looking at real stores."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from redis import Redis
from support.redis_server import RedisServer
from support.stores import OpenStore

from sessiond import Options, Runtime
from sessiond.actors.core.errors import InvalidInput, StoreError, StoreUnavailable, UnsafeStore
from sessiond.actors.core.ports import Hazard
from sessiond.persistence.durability import (
    FileFacts,
    file_system_of,
    inspect_memory,
    inspect_redis,
    inspect_sqlite,
    judge_file,
    judge_redis,
)

FINE = FileFacts("full", True, "ext4", read_only=False, writable=True, mode=0o640, free=1 << 40)
GOOD = {
    "redis_version": "7.2.4",
    "role": "master",
    "connected_slaves": "0",
    "used_memory": "1",
    "maxmemory": "100",
    "aof_last_write_status": "ok",
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "aof-load-truncated": "no",
    "maxmemory-policy": "noeviction",
}
MOUNTS = (
    "/dev/sda / ext4 rw 0 0\nproc /proc proc rw 0 0\nhost:/x /srv/my\\040data nfs4 rw 0 0\ntmpfs /srv tmpfs rw 0 0\n"
)


def said(hazards: list[Hazard]) -> list[tuple[str, bool]]:
    return [(hazard.setting, hazard.unsafe) for hazard in hazards]


def test_a_good_file_and_a_good_server_have_no_hazards() -> None:
    assert judge_file(FINE) == []
    assert judge_file(msgspec.structs.replace(FINE, wal=None, mode=0, file_system="")) == []
    assert judge_redis(GOOD) == []
    assert judge_redis(GOOD | {"connected_slaves": "2"}, replicas=1) == []
    assert judge_redis({}) == []


@pytest.mark.parametrize(
    ("change", "setting", "unsafe"),
    [
        ({"synchronous": "normal"}, "synchronous", True),
        ({"wal": False}, "journal_mode", True),
        ({"file_system": "nfs4"}, "file system", True),
        ({"file_system": "tmpfs"}, "file system", True),
        ({"read_only": True, "writable": False}, "file system", True),
        ({"writable": False}, "permission", True),
        ({"mode": 0o666}, "permission", False),
        ({"free": 1 << 20}, "free space", False),
    ],
)
def test_each_hazard_of_a_file_is_named(change: dict[str, object], setting: str, unsafe: bool) -> None:
    assert said(judge_file(msgspec.structs.replace(FINE, **change))) == [(setting, unsafe)]


@pytest.mark.parametrize(
    ("change", "setting", "unsafe"),
    [
        ({"redis_version": "5.0.14"}, "redis_version", True),
        ({"role": "slave"}, "role", True),
        ({"connected_slaves": "1"}, "connected_slaves", False),
        ({"appendonly": "no", "appendfsync": "no"}, "appendonly", True),
        ({"appendfsync": "everysec"}, "appendfsync", True),
        ({"appendfsync": "no"}, "appendfsync", True),
        ({"no-appendfsync-on-rewrite": "yes"}, "no-appendfsync-on-rewrite", True),
        ({"aof_last_write_status": "err"}, "aof_last_write_status", True),
        ({"aof-load-truncated": "yes"}, "aof-load-truncated", False),
        ({"maxmemory-policy": "allkeys-lru"}, "maxmemory-policy", True),
        ({"used_memory": "81"}, "maxmemory", False),
    ],
)
def test_each_hazard_of_a_server_is_named(change: dict[str, str], setting: str, unsafe: bool) -> None:
    assert said(judge_redis(GOOD | change)) == [(setting, unsafe)]


def test_replicas_that_are_waited_for_and_are_not_there_are_named() -> None:
    assert said(judge_redis(GOOD | {"connected_slaves": "1"}, replicas=2)) == [("connected_slaves", False)]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/var/s.db", "ext4"),
        ("/srv/my data/s.db", "nfs4"),
        ("/srv/other/s.db", "tmpfs"),
        ("/srvx/s.db", "ext4"),
        ("/procs", "ext4"),
    ],
)
def test_the_longest_mount_point_decides(path: str, found: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == found
    assert file_system_of(Path(path), "") == ""


def test_looking_at_a_file_makes_none(tmp_path: Path) -> None:
    assert "synchronous" in dict(said(inspect_sqlite(f"sqlite:///{tmp_path}/s.db")))
    assert "synchronous" not in dict(said(inspect_sqlite(f"sqlite:///{tmp_path}/s.db?synchronous=full")))
    assert not list(tmp_path.iterdir())


def test_looking_at_a_store_leaves_it_as_it_is(open_store: OpenStore, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    open_store(url).close()
    before = (tmp_path / "s.db").read_bytes()
    assert "journal_mode" not in dict(said(inspect_sqlite(url)))
    assert (tmp_path / "s.db").read_bytes() == before
    with closing(sqlite3.connect(tmp_path / "s.db")) as other:
        other.execute("PRAGMA journal_mode=DELETE")
    (tmp_path / "s.db").chmod(0o666)
    assert {"journal_mode", "permission"} <= set(dict(said(inspect_sqlite(url))))


def test_a_server_is_looked_at_without_making_a_store(redis_server: RedisServer, redis_url: str) -> None:
    assert "appendonly" in dict(said(inspect_redis(redis_url)))
    with Redis(port=redis_server.port) as client:
        assert client.dbsize() == 0
        client.execute_command("ACL", "SETUSER", "plain", "on", "nopass", "~*", "+@all", "-config")
        try:
            assert "CONFIG GET" in dict(said(inspect_redis(redis_url.replace("127", "plain:x@127"))))
        finally:
            client.execute_command("ACL", "DELUSER", "plain")


def test_a_replica_is_a_hazard(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    try:
        with Redis(port=server.port) as admin:
            admin.replicaof("127.0.0.1", 1)
        assert "role" in dict(said(inspect_redis(server.url)))
    finally:
        server.stop()


def test_what_can_not_be_looked_at_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        inspect_sqlite(f"sqlite:///{tmp_path}/nowhere/s.db")
    with pytest.raises(StoreUnavailable):
        inspect_redis("redis://127.0.0.1:1/0")
    with pytest.raises(InvalidInput):
        inspect_memory("memory://?shards=x&y=1")


async def test_strict_durability_refuses_before_anything_is_claimed(open_store: OpenStore, durable_url: str) -> None:
    strict = Options(strict_durability=True)
    with pytest.raises(UnsafeStore, match=r"synchronous is normal|appendonly is no"):
        async with Runtime.open(durable_url, options=strict):
            pass
    assert open_store(durable_url).claim(0, "first") == "1:first"


async def test_strict_durability_takes_a_store_that_loses_nothing(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    server.start()
    try:
        async with Runtime.open(f"{server.url}?shards=1", options=Options(strict_durability=True)) as runtime:
            assert not [hazard for hazard in runtime.store.hazards() if hazard.unsafe]
    finally:
        server.stop()
