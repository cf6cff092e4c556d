"""A bounded set of worker processes for CPU-heavy nodes, one job at a time each.

The standard ProcessPoolExecutor fails every job of the pool when one worker dies, and can't give up one that runs. Here
each job has a worker to itself: its death fails that job alone, and giving a job up kills its worker.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import msgspec
from msgspec import Raw

from .core.errors import Draining, NodeError
from .process_job import Outcome, serve_jobs

_spawn = get_context("spawn")
_decode = msgspec.json.Decoder(Outcome).decode
_births = threading.Lock()
"""multiprocessing looks after all its children when it starts one: not from two threads at once."""


class Worker:
    """One process and the pipe to it; started by its first job."""

    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._killed = False

    def call(self, job: bytes) -> bytes:
        """Have a job done; blocks its thread.

        Raises:
            NodeError: `process_died`.
        """
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._connection is not None
        try:
            self._connection.send_bytes(job)
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            raise NodeError(f"the node's process died, exit code {self._bury()}", "process_died") from None

    def _start(self) -> None:
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(target=serve_jobs, args=(theirs,), name="sessiond-worker", daemon=True)
        with _births:
            process.start()
        theirs.close()  # else the pipe would outlive the process
        self._process, self._connection = process, ours
        if self._killed:  # in the meantime
            process.kill()

    def _bury(self) -> int | None:
        if self._process is None or self._connection is None:
            return None
        self._connection.close()
        with _births:
            self._process.join()
            return self._process.exitcode

    def kill(self) -> None:
        """End the process at once; from any thread. A `call` under way raises."""
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the process, which has no job, and wait for it."""
        self.kill()
        self._bury()

    @property
    def pid(self) -> int | None:
        """The process's id, None before its first job."""
        return None if self._process is None else self._process.pid


class ProcessPool:
    """Worker processes, started when needed and kept.

    Args:
        size: processes at most, and so jobs at a time; further ones wait.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = asyncio.Semaphore(size)
        self._threads: ThreadPoolExecutor | None = None
        self._idle: list[Worker] = []
        self._closed = False

    async def run(self, job: bytes) -> Raw:
        """Return a job's output. When cancelled, the worker that does it is killed.

        Raises:
            NodeError: what the job's code raised; `process_died` if its worker went away.
            Draining: the pool is closed.
        """
        async with self._room:
            if self._closed:
                raise Draining("the runtime is shutting down")
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._size, "sessiond-process")
            worker = self._idle.pop() if self._idle else Worker()
            try:
                answer = await asyncio.get_running_loop().run_in_executor(self._threads, worker.call, job)
            except BaseException:
                worker.kill()
                raise
            self._idle.append(worker)
        outcome = _decode(answer)
        if outcome.failure is not None:
            raise NodeError(outcome.failure.message, outcome.failure.code)
        return outcome.output

    @property
    def idle(self) -> list[Worker]:
        """Workers without a job."""
        return list(self._idle)

    async def close(self) -> None:
        """End all processes; jobs under way should have been given up before."""
        self._closed = True
        threads, idle = self._threads, self._idle
        if threads is None:
            return
        self._idle = []
        for worker in idle:
            await asyncio.get_running_loop().run_in_executor(threads, worker.close)
        await asyncio.get_running_loop().run_in_executor(None, threads.shutdown)
