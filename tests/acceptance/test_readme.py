"""README.md, word by word: its shell blocks in one shell, its programs, and the outputs it shows.

A block marked `sh` is run; the block after it, if marked `json` or `text`, is what that wrote, where `…` stands for
anything.
Blocks marked `python` are run as programs. Blocks marked `bash` are for people: they need a machine of their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.command import ROOT, SECONDS
from support.served import WORKFLOWS, Served

README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8080"
"""The one thing that is replaced: a test can't rely on that port."""


class Block(NamedTuple):
    """A fenced block: its mark, its text, and the line on which it begins."""

    mark: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)


BLOCKS = list(blocks(README))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served("--store", "sqlite:///s.db", *WORKFLOWS, cwd=tmp_path_factory.mktemp("readme")) as served:
        yield served


def environment() -> dict[str, str]:
    """The commands of this environment come first: README puts those of .venv there."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def in_one_shell(scripts: list[str]) -> list[str]:
    """Run scripts one after the other in one shell that ends at the first failure; return what each wrote."""
    mark = "---- the end of a block ----"
    whole = "\n".join(f"{script}\necho; echo '{mark}'" for script in scripts)
    done = subprocess.run(
        ["bash", "-eu", "-c", whole],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(mark)[:-1]


def like(shown: Any, real: Any) -> bool:
    """Whether a real value is what is shown, `…` standing for anything."""
    if shown == "…":
        return True
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(like(shown[key], real[key]) for key in shown)
    return bool(shown == real)


def pattern(shown: str) -> str:
    return r"[\s\S]*?".join(re.escape(part) for part in shown.strip().split("…"))


@pytest.mark.timeout(120)
def test_the_tour_is_true(server: Served) -> None:
    tour = [(block, after) for block, after in zip(BLOCKS, [*BLOCKS[1:], None], strict=True) if block.mark == "sh"]
    assert len(tour) >= 8
    assert tour[0][0].text.count(ADDRESS) == 1
    wrote = in_one_shell([block.text.replace(ADDRESS, server.url) for block, _ in tour])
    for (block, after), real in zip(tour, wrote, strict=True):
        if after is not None and after.mark == "json":
            assert like(json.loads(after.text), json.loads(real)), f"README.md:{block.line} wrote {real}"
        elif after is not None and after.mark == "text":
            assert re.fullmatch(pattern(after.text), real.strip()), f"README.md:{block.line} wrote {real}"


def test_what_make_run_suggests_is_true(server: Served) -> None:
    text = (ROOT / "examples" / "try.txt").read_text(encoding="utf-8").replace("http://HOST:PORT", server.url)
    script = "\n".join(line for line in text.splitlines() if line.startswith("    "))
    script = script.replace(".venv/bin/", "").replace('"a four-day week"', '"a four-day week", "pace": 0.02')
    [wrote] = in_one_shell([script])
    assert '"action":"pause","status":"paused","changed":true' in wrote
    assert '"action":"resume","status":"running","changed":true' in wrote
    assert '"status":"completed"' in wrote


def program(text: str, tmp_path: Path, *arguments: str) -> str:
    path = tmp_path / "program.py"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, path, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_programs_run(server: Served, tmp_path: Path) -> None:
    follow, embed = (block.text for block in BLOCKS if block.mark == "python")
    assert program(embed, tmp_path) == "hello, Ada\n"
    request = '{"workflow_id": "council_debate", "input": {"topic": "tea", "pace": 0}, "session_id": "followed"}'
    in_one_shell([f"curl -sf {server.url}/api/v1/workflows/execute -H 'Content-Type: application/json' -d '{request}'"])
    lines = program(follow, tmp_path, server.url, "followed").splitlines()
    assert lines[0] == "1 execution:created None"
    assert lines[-1] == f"{len(lines)} execution:completed None"


def test_every_use_is_short() -> None:
    for block in BLOCKS:
        if block.mark == "python":
            assert sum(1 for line in block.text.splitlines() if line) <= 15, f"README.md:{block.line}"


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "examples/README.md",
        "CONTRIBUTING.md",
        "docs/workflows.md",
        "docs/nodes.md",
        "docs/agents.md",
        "docs/glossary.md",
        "docs/dependencies.md",
        "CHANGELOG.md",
    ],
)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{name} links to {target}"
