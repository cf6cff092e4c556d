"""What the contenders share: sizes, the state, and how memory and writing are counted."""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

PAYLOAD = base64.b64encode(random.Random(1).randbytes(764)).decode()
"""1 KB that doesn't compress."""


class Sizes(NamedTuple):
    """How much of each workload: sessions, except `answered` (signals)."""

    warm: int
    single: int
    many: int
    waiting: int
    answered: int

    @staticmethod
    def of(size: str) -> Sizes:
        full = Sizes(50, 200, 2_000, 20_000, 1_000)
        sizes = {
            "huge": full._replace(waiting=100_000),
            "full": full,
            "large": full._replace(waiting=10_000),
            "quick": Sizes(5, 20, 100, 500, 50),
            "tiny": Sizes(1, 2, 10, 20, 5),
        }
        return sizes[size]


def initial() -> dict[str, Any]:
    """About 1 KB of state."""
    words = [f"tok{i:03d}" for i in range(40)]
    return {"i": 0, "hist": words, "data": "x" * 560, "meta": {"a": 1.5, "b": None}}


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def resident_bytes() -> int:
    """Resident memory of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def written_bytes() -> int:
    """Bytes that this process has passed to write calls."""
    with open("/proc/self/io") as counters:
        return int(next(line for line in counters if line.startswith("wchar")).split()[1])


async def at_once(count: int, workers: int, work: Callable[[int], Awaitable[None]]) -> tuple[float, list[float]]:
    """Run `work` `count` times, `workers` at a time; return seconds in all and of each."""
    numbers, took = iter(range(count)), []

    async def worker() -> None:
        for number in numbers:
            began = time.perf_counter()
            await work(number)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(workers)])
    return time.perf_counter() - began, took
