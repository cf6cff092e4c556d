"""W5: 1,000 sessions are in the middle of a chain of 10 steps; kill -9, start again, until all are complete.

Nine in ten stand inside a step, at every place of the chain; the others are on their way from step to step. Nobody does
anything for them but start the server again. Time counts from the start of its process, and from when it says that
it listens. Then the log of each session says what ran: each step completed once, and only those that were at work
when the process was killed began again, as their next attempt.

    python benchmarks/recovery.py [--turns 3] [--quick] [--only sqlite] [--json]
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, Final, NamedTuple

import uvloop
from served import STORES, cpu_seconds, place, server, waited_seconds
from turns import Figures, Size, run
from wire import Http, connections
from workload import at_once, initial

STEPS: Final = 10
PACE_S: Final = 0.05
"""Seconds of each step of the sessions that are on their way: the last of them is still there when the kill comes."""
NODES: Final = ("--nodes", "recovery_nodes")
TARGETS: Final = {
    "W5 s from the process's start to all complete": "≤ 2",
    "W5 steps that ran again though completed": "0",
}


class Sizes(NamedTuple):
    """How many sessions, and how many of them stand inside a step."""

    sessions: int
    held: int


SIZES: Final[dict[Size, Sizes]] = {
    "full": Sizes(1_000, 900),
    "quick": Sizes(100, 90),
    "tiny": Sizes(20, 18),
}


class Ran(NamedTuple):
    """What a log says about a session's steps: completions, first attempts and further ones."""

    completed: Counter[str]
    first: Counter[str]
    again: Counter[str]


def chain() -> dict[str, Any]:
    nodes = {
        f"n{number}": {"type": "step", "next_ids": [f"n{number + 1}"] if number < STEPS - 1 else []}
        for number in range(STEPS)
    }
    return {"workflow_id": "chain", "name": "A chain", "start_node_id": "n0", "nodes": nodes}


async def fill(port: int, sizes: Sizes) -> None:
    """Start all sessions, and return when those that are to stand do, and the others are on their way."""
    async with connections(port, 50) as free:
        await free[0].keep(chain())

        async def start(number: int) -> None:
            held = number < sizes.held
            given = {"hold": f"n{number % STEPS}" if held else None, "pace_s": 0 if held else PACE_S}
            body = {"workflow_id": "chain", "session_id": name(number), "input": {**given, "state": initial()}}
            http = free.pop()
            await http.post("/workflows/execute", body)
            if held:
                await standing(http, name(number), f"n{number % STEPS}")
            free.append(http)

        await at_once(sizes.sessions, len(free), start)


def name(number: int) -> str:
    return f"chain{number}"


async def standing(http: Http, session_id: str, node_id: str) -> None:
    """Wait until a session is inside a step."""
    while True:
        nodes = (await http.get(f"/sessions/{session_id}"))["nodes"]
        if nodes.get(node_id, {}).get("status") == "running":
            return
        await asyncio.sleep(PACE_S)


async def ran(http: Http, session_id: str) -> Ran:
    items = (await http.get(f"/sessions/{session_id}/events?limit=10000"))["items"]
    assert [item["seq"] for item in items] == list(range(1, len(items) + 1))
    assert items[-1]["event"] == "execution:completed"
    assert items[-1]["data"]["status"] == "completed"
    changes = [(item["node_id"], item["data"]) for item in items if item["event"] == "node_state_change"]
    return Ran(
        Counter(node_id for node_id, data in changes if data["status"] == "completed"),
        Counter(node_id for node_id, data in changes if data["status"] == "running" and data["attempt"] == 1),
        Counter(node_id for node_id, data in changes if data["status"] == "running" and data["attempt"] > 1),
    )


async def all_complete(http: Http) -> None:
    """Wait until no session runs."""
    while (await http.get("/sessions?status=running&limit=1"))["items"]:
        await asyncio.sleep(PACE_S / 5)


async def measure(store: str, sizes: Sizes) -> Figures:
    again = interrupted = 0
    with place(store) as (directory, url):
        with server(directory, url, *NODES) as served:
            await fill(served.port, sizes)
            served.kill()
        began = time.perf_counter()
        with server(directory, url, *NODES) as served:
            listens = time.perf_counter()
            async with Http(served.port) as http:
                await all_complete(http)
                ended = time.perf_counter()
                cpu, waited = cpu_seconds(served.pid), waited_seconds(served.pid)
                for number in range(sizes.sessions):
                    steps = await ran(http, name(number))
                    assert set(steps.completed) == set(steps.first) == {f"n{step}" for step in range(STEPS)}
                    again += steps.completed.total() - STEPS + steps.first.total() - STEPS
                    interrupted += steps.again.total()
                    if number < sizes.held:
                        assert steps.again == {f"n{number % STEPS}": 1}, steps
    assert interrupted > sizes.held, "all sessions stood still when the kill came"
    return {
        "W5 s from the process's start to all complete": ended - began,
        "W5 s from listening to all complete": ended - listens,
        "W5 steps that ran again though completed": again,
        "W5 steps that were interrupted, and ran again": interrupted,
        "W5 CPU s of the server": cpu,
        "W5 s that the server waited for a core": waited,
    }


def turn(store: str, size: Size) -> Figures:
    return uvloop.run(measure(store, SIZES[size]))


if __name__ == "__main__":
    run(__doc__, STORES, TARGETS, turn)
