"""What about a store may lose acknowledged data: one list of rules for the log, `sessiond doctor` and strict mode.

The rules are pure: they judge what was found. `inspect_…` look at a store without opening it, so that one that
can't be opened, or must not be touched, is judged too. What each setting of SQLite and Redis guarantees is
said at https://sqlite.org/pragma.html#pragma_synchronous and
https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from ..actors.core.errors import StoreError
from ..actors.core.ports import Hazard
from . import sqlite_file
from .locator import parse

NETWORKS: Final = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
    ]
)
"""File systems of more than one machine: the write-ahead log of SQLite needs memory that all its users share."""
VOLATILE: Final = frozenset(("ramfs", "tmpfs"))
LOW_SPACE: Final = 256 << 20
"""Bytes below which free space is worth a word."""
NEAR: Final = 0.8
"""Part of maxmemory above which it is worth a word."""
OLDEST_REDIS: Final = (6, 2)
_WAL: Final = b"\x02\x02"
_WAL_AT: Final = 18
"""Where the header of an SQLite file says how it is journaled (https://sqlite.org/fileformat2.html)."""
_CONFIG: Final = (
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "aof-load-truncated",
    "maxmemory-policy",
)
_MEASURED: Final = ("redis_version", "role", "connected_slaves", "used_memory", "maxmemory", "aof_last_write_status")


class FileFacts(msgspec.Struct, frozen=True):
    """What was found about an SQLite file; it may not exist yet.

    Attributes:
        synchronous: `normal` or `full`.
        wal: whether it has a write-ahead log; None if there is no file.
        file_system: its type, "" if unknown.
        read_only: whether the file system is mounted so.
        writable: whether this process may write the file and its folder.
        mode: permission bits of the file, 0 if there is none.
        free: bytes left for this user.
    """

    synchronous: str
    wal: bool | None
    file_system: str
    read_only: bool
    writable: bool
    mode: int
    free: int


def inspect_memory(url: str) -> list[Hazard]:
    """Judge `memory://`."""
    parse(url, ("shards",))
    return memory_hazards()


def inspect_sqlite(url: str) -> list[Hazard]:
    """Judge the file that a store URL names, without opening it as a database.

    Raises:
        InvalidInput: the URL has a fault.
        StoreError: there is no such folder, or it can't be looked at.
    """
    location = sqlite_file.locate(url)
    return file_hazards(location.path, location.synchronous)


def inspect_redis(url: str) -> list[Hazard]:
    """Judge the Redis that a store URL names, without making a store there.

    Raises:
        InvalidInput: the URL has a fault.
        StoreUnavailable, StoreError: it doesn't answer, or refuses to.
    """
    from . import redis_link  # the client takes 0.2 s to import, and only Redis needs it

    location = redis_link.locate(url)
    client = redis_link.open_client(location.url)
    try:
        return server_hazards(client, location.replicas)
    finally:
        client.connection_pool.disconnect()


def memory_hazards() -> list[Hazard]:
    """Return what is to be said of a store in memory."""
    return [Hazard("the store", "in memory", "Everything is lost when the process ends.", "Use sqlite:// or redis://.")]


def file_hazards(path: str, synchronous: str) -> list[Hazard]:
    """Judge an SQLite file.

    Raises:
        StoreError: there is no such folder, or it can't be looked at.
    """
    try:
        return judge_file(_file_facts(Path(path), synchronous))
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


def server_hazards(client: Any, replicas: int) -> list[Hazard]:
    """Judge a Redis server whose replicas, so many of them, have each commit.

    Raises:
        StoreUnavailable, StoreError: it doesn't answer.
    """
    from .redis_link import explained  # see inspect_redis

    with explained():
        measured = client.info("everything")
    found = {name: str(measured[name]) for name in _MEASURED if name in measured}
    try:
        with explained():
            for name in _CONFIG:
                found.update({_text(key): _text(value) for key, value in client.config_get(name).items()})
    except StoreError as error:
        unchecked = Hazard(
            "CONFIG GET",
            "refused",
            f"The settings of Redis can't be checked ({error}).",
            "Make sure of appendonly yes, appendfsync always and maxmemory-policy noeviction.",
        )
        return [unchecked, *judge_redis(found, replicas)]
    return judge_redis(found, replicas)


def judge_file(facts: FileFacts) -> list[Hazard]:
    """Return what is to be said of an SQLite file."""
    hazards: list[Hazard] = []

    def name(setting: str, found: object, risk: str, advice: str, *, unsafe: bool = True) -> None:
        hazards.append(Hazard(setting, str(found), risk, advice, unsafe))

    if facts.synchronous != "full":
        lost = "A power failure may lose the commits since the last checkpoint (a crash of the process loses none)."
        name("synchronous", facts.synchronous, lost, "Add ?synchronous=full to the store's URL to sync every commit.")
    if facts.wal is False:
        name(
            "journal_mode", "not WAL", "Readers and the writer block each other.", "Run PRAGMA journal_mode=WAL on it."
        )
    if facts.file_system in NETWORKS:
        risk = "SQLite's write-ahead log doesn't work on a network file system; the file may be damaged."
        name("file system", facts.file_system, risk, "Keep the file on a local disk, or use Redis.")
    if facts.file_system in VOLATILE:
        name("file system", facts.file_system, "It is in memory; a reboot loses all.", "Keep the file on a disk.")
    if facts.read_only:
        name("file system", "mounted read-only", "No commit succeeds.", "Remount it, or move the file.")
    elif not facts.writable:
        risk = "This user may not write the file and its folder, and no commit succeeds."
        name("permission", oct(facts.mode), risk, "Give both to the user that runs the server.")
    if facts.mode & 0o002:
        risk = "Every user of the machine may change the sessions."
        name("permission", oct(facts.mode), risk, "Run chmod o-w on it.", unsafe=False)
    if facts.free < LOW_SPACE:
        name(
            "free space",
            f"{facts.free >> 20} MiB",
            "When the disk is full, commands are refused with 507.",
            "Make room.",
            unsafe=False,
        )
    return hazards


def judge_redis(found: Mapping[str, str], replicas: int = 0) -> list[Hazard]:
    """Return what is to be said of a Redis server with these settings and measures; absent ones are passed over.

    Args:
        found: by name.
        replicas: how many have a commit before it counts.
    """
    hazards: list[Hazard] = []

    def name(setting: str, value: str, risk: str, advice: str, *, unsafe: bool = True) -> None:
        hazards.append(Hazard(setting, value, risk, advice, unsafe))

    version = found.get("redis_version", "")
    if version and _version(version) < OLDEST_REDIS:
        name("redis_version", version, "It was never tried with one so old.", "Use Redis 6.2 or newer.")
    if found.get("role") in ("slave", "replica"):
        name("role", "replica", "It takes no commits.", "Point the store's URL at the master.")
    elif (connected := found.get("connected_slaves")) is not None and int(connected) < replicas:
        name("connected_slaves", connected, f"Commits wait for {replicas} replicas.", "Connect them.", unsafe=False)
    elif connected not in (None, "0") and not replicas:
        risk = "Replication is asynchronous; a failover may lose the last commits."
        advice = "Add ?replicas=1 to the store's URL, or fail over by hand (FAILOVER), which waits."
        name("connected_slaves", connected, risk, advice, unsafe=False)
    if found.get("appendonly") == "no":
        name("appendonly", "no", "A restart of Redis loses all since its last RDB file.", "Set appendonly yes.")
    else:
        hazards += _judge_aof(found)
    policy = found.get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        name("maxmemory-policy", policy, "Redis may evict logs.", "Set maxmemory-policy noeviction.")
    limit, used = int(found.get("maxmemory", 0)), int(found.get("used_memory", 0))
    if limit and used >= NEAR * limit:
        risk = f"Of its {limit >> 20} MiB, {100 * used // limit} % are used; when full, commands are refused with 507."
        name("maxmemory", str(limit), risk, "Raise it, or delete ended sessions.", unsafe=False)
    return hazards


def _judge_aof(found: Mapping[str, str]) -> list[Hazard]:
    hazards: list[Hazard] = []
    fsync = found.get("appendfsync", "always")
    if fsync == "everysec":
        risk = "A power failure may lose about a second of commits, two if the disk is busy."
        hazards.append(Hazard("appendfsync", fsync, risk, "Set appendfsync always."))
    elif fsync != "always":
        risk = "A power failure may lose what the kernel hasn't written, often 30 seconds of commits."
        hazards.append(Hazard("appendfsync", fsync, risk, "Set appendfsync always."))
    if found.get("no-appendfsync-on-rewrite") == "yes":
        risk = "While Redis rewrites its file nothing is synced, whatever appendfsync says."
        hazards.append(Hazard("no-appendfsync-on-rewrite", "yes", risk, "Set no-appendfsync-on-rewrite no."))
    if found.get("aof_last_write_status", "ok") != "ok":
        risk = "Redis can't write its file and refuses commits."
        hazards.append(Hazard("aof_last_write_status", found["aof_last_write_status"], risk, "See its log."))
    if found.get("aof-load-truncated") == "yes":
        risk = "If the file was cut short, Redis starts without its end and says so only in its log."
        hazards.append(Hazard("aof-load-truncated", "yes", risk, "Set aof-load-truncated no.", unsafe=False))
    return hazards


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds an absolute path, "" if unknown.

    Args:
        path: without symbolic links.
        mounts: as in /proc/self/mounts: device, mount point, type, options.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        _, point, found, *_ = line.split(" ")
        place = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point))
        if path.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), found
    return kind


def _file_facts(path: Path, synchronous: str) -> FileFacts:
    resolved = path.resolve()
    folder = resolved.parent
    space = os.statvfs(folder)
    exists = resolved.exists()
    wal = None
    if exists:
        with resolved.open("rb") as file:
            header = file.read(_WAL_AT + len(_WAL))
        wal = header[_WAL_AT:] == _WAL if header else None
    mounts = Path("/proc/self/mounts")
    return FileFacts(
        synchronous=synchronous,
        wal=wal,
        file_system=file_system_of(resolved, mounts.read_text(errors="replace")) if mounts.exists() else "",
        read_only=bool(space.f_flag & os.ST_RDONLY),
        writable=os.access(folder, os.W_OK | os.X_OK) and (not exists or os.access(resolved, os.W_OK)),
        mode=resolved.stat().st_mode & 0o777 if exists else 0,
        free=space.f_bavail * space.f_frsize,
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()
