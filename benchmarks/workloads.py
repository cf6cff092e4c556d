"""W1, W3 and W4: durable steps, growing state, sessions that wait for a person.

Each workload runs on sessiond (SQLite with synchronous NORMAL, Redis with appendfsync everysec) and on LangGraph
with its SQLite saver, side by side in one run: the contenders take turns, every turn in a process of its
own, and the median of the turns is printed. Ratios count; absolute figures only orient.

    python benchmarks/workloads.py [--turns 3] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

CONTENDERS = ("sessiond sqlite", "sessiond redis", "langgraph sqlite")
TARGETS = {
    "W1 p50 ms, 1 at a time": "≤ 4 SQLite, ≤ 5 Redis",
    "W1 sessions/s, 100 at a time": "≥ 1000",
    "W3 seconds for 200 steps": "≤ 0.15",
    "W3 MB written": "≤ 3 SQLite, ≤ 0.5 Redis",
    "W3 last / first quarter": "flat: about 1",
    "W4 started/s": "≥ 2000",
    "W4 KB per waiting session": "≤ 4",
    "W4 p50 ms signal to end": "≤ 0.5",
    "W4 p99 ms signal to end": "≤ 20",
}


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """A real redis-server with AOF everysec, for one turn."""
    from support.redis_server import RedisServer

    server = RedisServer(directory, appendonly="yes", appendfsync="everysec")
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def turn(contender: str, size: str) -> dict[str, float]:
    """Run each workload of one contender once, in a process and on a store of its own."""
    figures: dict[str, float] = {}
    for workload in ("w1", "w3", "w4"):
        figures |= one(contender, workload, size)
    return figures


def one(contender: str, workload: str, size: str) -> dict[str, float]:
    library, store = contender.split()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        script = HERE / f"workloads_{library}.py"
        if store == "redis":
            with redis_server(directory) as url:
                return measured([sys.executable, str(script), workload, url, size])
        return measured([sys.executable, str(script), workload, f"sqlite:///{directory}/bench.db", size])


def measured(command: list[str]) -> dict[str, float]:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{command[1]} failed:\n{done.stderr[-3000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    turns: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
    for _ in range(options.turns):
        for contender in CONTENDERS:
            turns[contender].append(turn(contender, "quick" if options.quick else "full"))
    medians = {
        contender: {key: statistics.median(t[key] for t in taken) for key in taken[0]}
        for contender, taken in turns.items()
    }
    if options.json:
        print(json.dumps(medians))
        return
    show(medians, options.turns)


def show(medians: dict[str, dict[str, float]], turns: int) -> None:
    print(f"medians of {turns} turns, one process each, in turn\n")
    print(f"{'':32}" + "".join(f"{contender:>18}" for contender in CONTENDERS) + "   target")
    for key, target in TARGETS.items():
        cells: list[Any] = [medians[contender].get(key) for contender in CONTENDERS]
        row = "".join(f"{'-' if cell is None else format(cell, '.4g'):>18}" for cell in cells)
        print(f"{key:32}{row}   {target}")


if __name__ == "__main__":
    main()
