"""The command `sessiond` as a person runs it: as a process, with pipes or in a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SCRIPT = str(Path(sys.executable).with_name("sessiond"))
SECONDS = 60.0
"""How long anything may take; far more than it should."""


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without the developer's own settings of sessiond, and what is given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSIOND_")}
    return {**inherited, **(given or {})}


def command(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, without a terminal."""
    return subprocess.run(
        [SCRIPT, *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Terminal:
    """It runs in a terminal, in which one can read and type."""

    def __init__(self, *arguments: str | Path, rows: int = 40, columns: int = 100) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            [SCRIPT, *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment({"TERM": "xterm-256color"}),
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self.screen = ""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    def expect(self, text: str) -> None:
        """Read until `text` appears after what was expected before."""
        while text not in self.screen[self._read :]:
            if not self._more():
                raise AssertionError(f"{text!r} never appeared in:\n{self.screen}")
        self._read = self.screen.index(text, self._read) + len(text)

    def type(self, text: str) -> None:
        """Type; Ctrl-C is `\\x03`, Ctrl-D `\\x04`."""
        os.write(self._master, text.encode())

    def wait(self) -> int:
        """Read to the end and return the exit code."""
        while self._more():
            pass
        return self._process.wait(SECONDS)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], SECONDS)
        if not ready:
            raise AssertionError(f"nothing came for {SECONDS} s after:\n{self.screen}")
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.screen += data.decode("utf-8", "replace")
        return bool(data)


def _take_terminal() -> None:
    """In the child: make stdin its controlling terminal, so that a typed Ctrl-C becomes a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
