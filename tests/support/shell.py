"""Commands against one server, as a person gives them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.command import SCRIPT, command, environment


class Shell:
    """Runs commands against one server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run one and return what it wrote: to stdout if it did well, to stderr if not."""
        done = command(*arguments, env={"SESSIOND_SERVER": self.url})
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def execute(self, workflow: str, *arguments: str) -> str:
        return self("execute", workflow, *arguments).strip()

    @contextmanager
    def watching(self, session: str) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of a session as they come."""
        with subprocess.Popen(
            [SCRIPT, "watch", session, "--json", "--server", self.url],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as watching:
            assert watching.stdout is not None
            yield (json.loads(line) for line in watching.stdout)
            watching.terminate()
