"""A disk that is full, fails a sync, or can't be written: SQLite's system calls answered with errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import failing
from support.command import SCRIPT, environment
from support.stores import OpenStore
from support.strace import traced

TESTS = Path(__file__).parents[1]


def outcomes(on: str, url: str, count: int, *injections: str) -> list[tuple[str, str]]:
    """What `support.failing` prints: sessions, and what became of each."""
    done = subprocess.run(
        [*traced(*injections), sys.executable, failing.__file__, on, url, str(count)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return [(name, outcome) for name, _, outcome in lines]


def stored(open_store: OpenStore, url: str, found: list[tuple[str, str]]) -> set[str]:
    store = open_store(url)
    return {name for name, _ in found if store.load(name) is not None}


def test_a_full_disk_refuses_and_goes_on_when_there_is_room(open_store: OpenStore, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    found = outcomes("store", url, 30, "pwrite64:error=ENOSPC:when=150..170")
    answers = [outcome for _, outcome in found]
    assert set(answers) == {"ok", "StoreFull"}
    assert answers[-1] == "ok", "it goes on"
    assert {f"s{number}" for number in range(30)} == stored(open_store, url, found)


@pytest.mark.parametrize(
    "injection", ["fdatasync:error=EIO:when=12", "pwrite64:error=EIO:when=90", "fdatasync:error=EIO:when=40"]
)
def test_after_an_error_of_the_disk_nothing_is_answered_well(
    open_store: OpenStore, tmp_path: Path, injection: str
) -> None:
    url = f"sqlite:///{tmp_path}/s.db?synchronous=full"
    found = outcomes("runtime", url, 300, injection)
    answers = [outcome for _, outcome in found]
    assert set(answers) == {"ok", "StoreBroken"}
    first = answers.index("StoreBroken")
    assert first > 0
    assert set(answers[first // 3 * 3 + 3 :]) == {"StoreBroken"}, "the writer stops for good"
    assert {name for name, outcome in found if outcome == "ok"} <= stored(open_store, url, found)


def test_a_file_that_may_not_be_written_is_refused_with_the_reason(open_store: OpenStore, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    open_store(f"sqlite:///{folder}/s.db").close()
    before = (folder / "s.db").read_bytes()
    (folder / "s.db").chmod(0o444)
    folder.chmod(0o555)
    # root may write anything: it is run without that right
    humble = ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    for words, status in ((["doctor"], 1), (["serve", "--port", "0"], 1)):
        done = subprocess.run(
            [*humble, SCRIPT, *words, "--store", f"sqlite:///{folder}/s.db"],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == status, done
        assert "write" in done.stdout + done.stderr or "open" in done.stderr
        assert "Traceback" not in done.stderr
    folder.chmod(0o755)
    assert (folder / "s.db").read_bytes() == before
