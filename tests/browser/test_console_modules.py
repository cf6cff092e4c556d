"""The tests that stand beside the console's own modules, and the TypeScript client's against a real server."""

from __future__ import annotations

import re
import subprocess
import sys

import bundle
import pytest
from support.command import ROOT, environment


@pytest.mark.timeout(300)
def test_modules_and_client() -> None:
    node = bundle.find_node()
    assert node is not None, "the console's tests need Node.js: make console"
    vitest = ROOT / "console" / "node_modules" / "vitest" / "vitest.mjs"
    assert vitest.is_file(), "the console's tests need what its lock file names: make console"
    done = subprocess.run(
        [str(node), str(vitest), "run"],
        cwd=ROOT / "console",
        env=environment({"PYTHON": sys.executable, "NO_COLOR": "1"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Tests +\d{2,} passed", done.stdout), done.stdout


def test_what_is_built_is_built_from_the_sources() -> None:
    assert bundle.is_fresh(), "the console's sources have changed since it was built: make console"
