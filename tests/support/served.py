"""`sessiond serve` as a process of its own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from support.command import EXAMPLES, SCRIPT, SECONDS, environment

_SAYS = "sessiond listens on "
WORKFLOWS = ("--workflow", EXAMPLES / "council_debate.yaml", "--workflow", EXAMPLES / "council_optimize.yaml")


class Served:
    """A server that listens once this is entered, and is ended when it is left.

    Attributes:
        url: where it listens.
    """

    def __init__(self, *arguments: str | Path, cwd: Path, port: int = 0, env: Mapping[str, str] | None = None) -> None:
        self._command = [SCRIPT, "serve", "--port", str(port), *map(str, arguments)]
        self._cwd = cwd
        self._env = environment(env)
        self.url = ""

    def __enter__(self) -> Self:
        self._log = (self._cwd / "serve.log").open("a")
        self._process = subprocess.Popen(
            self._command, cwd=self._cwd, env=self._env, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(_SAYS):
            self._end(signal.SIGKILL)
            raise AssertionError(f"the server said {line!r}, and in its log:\n{(self._cwd / 'serve.log').read_text()}")
        self.url = line.removeprefix(_SAYS).split()[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(signal.SIGTERM)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def log(self) -> str:
        """What it has logged so far."""
        return (self._cwd / "serve.log").read_text()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it politely, and return its exit code."""
        self._process.terminate()
        return self._process.wait(SECONDS)

    def _end(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()
