"""The workloads on sessiond: `workloads_sessiond.py w1|w3|w4 URL full|quick` prints one line of JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import uvloop
from redis import Redis
from workload import PAYLOAD, Sizes, at_once, initial, percentile, resident_bytes, written_bytes

from sessiond import NodeRegistry, Runtime

REGISTRY = NodeRegistry()


@REGISTRY.node("step")
async def step(context: Any) -> Any:
    """Pass the state on, one step further."""
    state = next(iter(context.upstream.values()), None) or context.input
    return {**state, "i": state["i"] + 1}


@REGISTRY.node("grow")
async def grow(context: Any) -> Any:
    """Add 1 KB."""
    return PAYLOAD


def chain(kind: str, length: int) -> dict[str, Any]:
    nodes = {f"n{i}": {"type": kind, "next_ids": [f"n{i + 1}"] if i < length - 1 else []} for i in range(length)}
    return {"workflow_id": f"{kind}{length}", "start_node_id": "n0", "nodes": nodes}


WAIT = {
    "workflow_id": "wait",
    "start_node_id": "r",
    "nodes": {
        "r": {"type": "human_review", "next_ids": ["e"], "properties": {"prompt": "?"}},
        "e": {"type": "end"},
    },
}


async def w1(runtime: Runtime, sizes: Sizes) -> dict[str, float]:
    workflow = runtime.definitions.compile(chain("step", 10))

    async def one(_: int) -> None:
        session = await runtime.start(workflow, input=initial())
        detail = await session.wait()
        assert detail.status == "completed"

    await at_once(sizes.warm, 10, one)
    _, single = await at_once(sizes.single, 1, one)
    seconds, _ = await at_once(sizes.many, 100, one)
    return {
        "W1 p50 ms, 1 at a time": percentile(single, 0.5) * 1e3,
        "W1 sessions/s, 100 at a time": sizes.many / seconds,
    }


async def w3(runtime: Runtime, sizes: Sizes, written: Callable[[], int]) -> dict[str, float]:
    before, began = written(), time.perf_counter()
    session = await runtime.start(chain("grow", 200), input=initial())
    times = []
    async for record in session.events():
        if record.data.get("status") == "completed":
            times.append(time.perf_counter())  # noqa: PERF401 - it is the moment that counts
    seconds = time.perf_counter() - began
    quarter = len(times) // 4
    ratio = (times[-1] - times[-quarter]) / (times[quarter - 1] - times[0])
    return {
        "W3 seconds for 200 steps": seconds,
        "W3 MB written": (written() - before) / 1e6,
        "W3 last / first quarter": ratio,
    }


async def w4(runtime: Runtime, sizes: Sizes) -> dict[str, float]:
    workflow = runtime.definitions.compile(WAIT)
    ids = [f"w{n}" for n in range(sizes.waiting)]

    async def start(number: int) -> None:
        await runtime.create(workflow, input=initial(), session_id=ids[number])

    gc.collect()
    before = resident_bytes()
    seconds, _ = await at_once(len(ids), 50, start)
    gc.collect()
    held = resident_bytes() - before

    took: list[float] = []

    async def answer(number: int) -> None:
        session = runtime.session(ids[number])
        ended = asyncio.ensure_future(session.wait())
        await asyncio.sleep(0)  # whoever wants to know waits already: else it would be read from the store
        began = time.perf_counter()
        await session.review("r", "approve")
        await ended
        took.append(time.perf_counter() - began)

    await at_once(sizes.answered, 1, answer)
    return {
        "W4 started/s": len(ids) / seconds,
        "W4 KB per waiting session": held / len(ids) / 1024,
        "W4 p50 ms signal to end": percentile(took, 0.5) * 1e3,
        "W4 p99 ms signal to end": percentile(took, 0.99) * 1e3,
    }


def writes(url: str) -> Callable[[], int]:
    """Bytes that the store has written: the process's own, or Redis' append-only file."""
    if not url.startswith("redis"):
        return written_bytes
    client = Redis.from_url(url)
    return lambda: int(client.info("persistence")["aof_current_size"])


async def main(workload: str, url: str, size: str) -> None:
    sizes = Sizes.of(size)
    async with Runtime.open(url, registry=REGISTRY) as runtime:
        match workload:
            case "w1":
                figures = await w1(runtime, sizes)
            case "w3":
                figures = await w3(runtime, sizes, writes(url))
            case _:
                figures = await w4(runtime, sizes)
    print(json.dumps(figures))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:4]))
