"""One seed is one schedule: the same trace each time, whatever the process and the order of its sets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from simulation.run import simulate

ROOT: Final = Path(__file__).parents[2]
SEEDS: Final = range(40)


def test_a_seed_gives_the_same_trace_again() -> None:
    assert [simulate(seed).digest for seed in SEEDS] == [simulate(seed).digest for seed in SEEDS]


def test_different_seeds_give_different_traces() -> None:
    assert len({simulate(seed).digest for seed in SEEDS}) == len(SEEDS)


def test_other_processes_come_to_the_same_traces() -> None:
    program = f"from tests.simulation.run import simulate\nfor s in {SEEDS!r}: print(simulate(s).digest)"

    def digests(hash_seed: str) -> list[str]:
        surroundings = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True, timeout=50
        )
        return done.stdout.split()

    assert digests("1") == digests("2") == [simulate(seed).digest for seed in SEEDS]


def test_a_seed_is_replayed_from_the_command_line() -> None:
    command = [sys.executable, "-m", "tests.simulation", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=50)
    assert "seed 7: kept every promise" in done.stdout
    assert simulate(7).digest in done.stdout
