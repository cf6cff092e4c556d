"""Every benchmark still runs, in sizes that measure nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from support.command import ROOT, environment
from turns import medians, table

RUNS = {
    "council": "sqlite",
    "fan_out": "sqlite",
    "pauses": "sqlite",
    "recovery": "redis",
    "waiting": "",
    "workloads": "sessiond sqlite",
}
"""Scripts, and which contenders: each store once is enough."""


@pytest.mark.parametrize("script", RUNS)
def test_comes_to_figures(script: str) -> None:
    command = [f"benchmarks/{script}.py", "--turns", "1", "--size", "tiny", "--only", RUNS[script], "--json"]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    assert found
    for figures in found.values():
        assert figures
        assert all(math.isfinite(figure) for figure in figures.values())


def test_the_table_shows_medians_and_targets() -> None:
    taken = [
        {"rate 1/s": 1_000.0, "cores": 0.5},
        {"rate 1/s": 3_000.0, "cores": 0.25},
        {"rate 1/s": 2_000.0, "cores": 1.0},
    ]
    shown = table({"sqlite": medians(taken)}, {"rate 1/s": "≥ 1,500", "memory KB": "≤ 4"}, 3).splitlines()
    assert [line.split() for line in shown] == [
        ["medians", "of", "3", "turns,", "in", "turn"],
        [],
        ["sqlite", "target"],
        ["rate", "1/s", "2,000", "≥", "1,500"],
        ["memory", "KB", "-", "≤", "4"],
        ["cores", "0.5"],
    ]
