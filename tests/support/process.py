"""The server as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class ServerProcess:
    """A running `python -m sessiond.gateway.main`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end and return the exit status."""
        return await self._process.wait()

    def memory(self, field: str) -> int:
        """Bytes by a field of /proc/<pid>/status, such as VmRSS, or VmHWM for the peak."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise LookupError(field)


@asynccontextmanager
async def server_process(directory: Path, nodes: str = "", **settings: str) -> AsyncIterator[ServerProcess]:
    """Run a server in a directory; `nodes` is the source of a module of node types."""
    (directory / "own_nodes.py").write_text(nodes)
    environ = {**os.environ, "PYTHONPATH": str(directory), "SESSIOND_PORT": "0", "SESSIOND_NODES": "own_nodes"}
    environ |= {f"SESSIOND_{name.upper()}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sessiond.gateway.main", cwd=directory, env=environ, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("sessiond listens on http"), line
        yield ServerProcess(process, line.split()[-1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
