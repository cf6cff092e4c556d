"""W1, W3 and W4: durable steps, growing state, sessions that wait for a person.

Each workload runs on sessiond (SQLite with synchronous NORMAL, Redis with appendfsync everysec) and on LangGraph
with its SQLite saver, side by side in one run: the contenders take turns, every turn in a process of its
own, and the median of the turns is printed. Ratios count; absolute figures only orient.

    python benchmarks/workloads.py [--turns 3] [--quick] [--only redis] [--json]
"""

from __future__ import annotations

from typing import Final

from served import HERE, place
from turns import Figures, Size, measured, run

CONTENDERS: Final = ("sessiond sqlite", "sessiond redis", "langgraph sqlite")
TARGETS: Final = {
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


def turn(contender: str, size: Size) -> Figures:
    """Run each workload of one contender once, in a process and on a store of its own."""
    library, store = contender.split()
    figures: Figures = {}
    for workload in ("w1", "w3", "w4"):
        with place(store) as (_, url):
            figures |= measured(HERE / f"workloads_{library}.py", workload, url, size)
    return figures


if __name__ == "__main__":
    run(__doc__, CONTENDERS, TARGETS, turn)
