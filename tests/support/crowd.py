"""Thousands of watchers of one session: see `crowd_process`, which this starts and tells what to do."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec


class Report(msgspec.Struct, frozen=True):
    """What has become of the watchers.

    Attributes:
        seconds: that the order took.
        alive: watchers that are connected, and through with what was stored.
        gaps: events that didn't follow the one before.
        least: the lowest of the last seqs that the watchers have seen.
        most: the highest.
        events: that they got in all.
        attempts: connections that were tried.
        refused: answers other than 101.
        closed: close codes, and how many got each.
        through: watchers that have seen the terminal event.
    """

    seconds: float
    alive: int
    gaps: int
    least: int
    most: int
    events: int
    attempts: int
    refused: int
    closed: dict[int, int]
    through: int


class Crowd:
    """The process of the watchers."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, do: str, **more: Any) -> Report:
        """Give an order and wait until it is carried out."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
        line = await self._process.stdout.readline()
        assert line, "the crowd has died"
        return msgspec.json.decode(line, type=Report, strict=False)

    async def join(self, url: str, session_id: str, count: int, receive_bytes: int = 0) -> Report:
        """Have so many more watch, 250 at a time; the system keeps `receive_bytes` for each that it hasn't read."""
        path = f"/api/v1/sessions/{session_id}/events"
        port = int(url.rpartition(":")[2])
        return await self.tell("join", count=count, at_once=250, port=port, path=path, receive_bytes=receive_bytes)


@asynccontextmanager
async def a_crowd() -> AsyncIterator[Crowd]:
    """Start the process; it ends when this is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("crowd_process.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Crowd(process)
    finally:
        process.kill()
        await process.wait()


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    """Let processes that are started within have so many file descriptors, as far as that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def bytes_of(pid: int, field: str = "VmRSS") -> int:
    """Bytes by a field of /proc/<pid>/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)
