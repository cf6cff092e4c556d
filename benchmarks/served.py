"""The server under measurement: `sessiond serve` as a process of its own, on a store of its own.

The clients are in the process that measures. Both share the machine's cores, and maybe not they alone: so what the
server needed is measured too, its CPU seconds, and for how long it was ready to go on and had no core.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from turns import Figures

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from support.redis_server import RedisServer  # noqa: E402 - found by the path above
from support.served import Served  # noqa: E402

STORES = ("sqlite", "redis")
"""SQLite with synchronous NORMAL, Redis with appendfsync everysec."""


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """A real redis-server with AOF everysec."""
    server = RedisServer(directory, appendonly="yes", appendfsync="everysec")
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def place(store: str) -> Iterator[tuple[Path, str]]:
    """A directory, and the URL of an empty store."""
    with TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        if store == "redis":
            with redis_server(directory) as url:
                yield directory, url
        else:
            yield directory, f"sqlite:///{directory}/bench.db"


def server(directory: Path, url: str, *arguments: str) -> Served:
    """A server on a free port, to be entered; node modules are looked for beside the benchmarks."""
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")]))
    return Served("--store", url, *arguments, cwd=directory, env={"PYTHONPATH": path})


@contextmanager
def serving(store: str, *arguments: str) -> Iterator[Served]:
    """A server on an empty store."""
    with place(store) as (directory, url), server(directory, url, *arguments) as served:
        yield served


def cpu_seconds(pid: int) -> float:
    """Seconds that a process has computed so far, its own and the system's for it, on all its threads."""
    # The name, in brackets, may hold spaces; utime and stime are the 14th and 15th field of the whole line.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid: int) -> float:
    """Seconds that the threads of a process were ready to run, and others had the cores."""
    waited = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(FileNotFoundError):  # the thread has ended
            waited += int(task.read_text().split()[1])
    return waited / 1e9


class Meter:
    """What the server, and the clients in this process, need of the machine from here on.

    Attributes:
        seconds: by the clock, until it was stopped.
        cpu: seconds that the server computed.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._server = cpu_seconds(pid)
        self._clients = time.process_time()
        self._waited = waited_seconds(pid)
        self._began = time.perf_counter()
        self.seconds = self.cpu = 0.0

    def stop(self, work: str) -> Figures:
        """Return how many cores were in use, by the name of the work."""
        self.seconds = time.perf_counter() - self._began
        self.cpu = max(cpu_seconds(self._pid) - self._server, 1 / os.sysconf("SC_CLK_TCK"))
        clients = time.process_time() - self._clients
        waited = waited_seconds(self._pid) - self._waited
        return {
            f"{work} cores used by the server": self.cpu / self.seconds,
            f"{work} cores used by the clients": clients / self.seconds,
            f"{work} cores that the server had to wait for": waited / self.seconds,
        }


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
