"""W4 at size: 100,000 sessions that wait for a person, awake in one process; and signals over HTTP to one of 10,000.

The first part embeds the runtime in a process of its own, as workloads.py does with fewer sessions. The second is a
server: each signal is sent over HTTP, and the session that it lets go on is watched over a WebSocket. What counts is
the time from sending the signal to having read the session's last event.

    python benchmarks/waiting.py [--turns 3] [--quick] [--json]
"""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

import uvloop
from served import HERE, Meter, place, resident_bytes, serving
from turns import Figures, Size, measured, run
from wire import Watcher, connections
from workload import at_once, initial, percentile

TARGETS: Final = {
    "W4 started/s": "≥ 2,000",
    "W4 KB per waiting session": "≤ 4",
    "W4 p50 ms signal to end": "≤ 0.5",
    "W4 p99 ms signal to end": "≤ 20",
    "W4 HTTP: p50 ms signal to end": "≤ 3",
    "W4 HTTP: p99 ms signal to end": "≤ 20",
}


class Sizes(NamedTuple):
    """How many sessions wait on the server, and how many of them are signalled; what the other part is told."""

    waiting: int
    signalled: int
    embedded: str


SIZES: Final[dict[Size, Sizes]] = {
    "full": Sizes(10_000, 1_000, "huge"),
    "quick": Sizes(1_000, 100, "large"),
    "tiny": Sizes(20, 5, "tiny"),
}


def wait() -> dict[str, Any]:
    nodes = {
        "wait": {"type": "signal", "next_ids": ["end"], "properties": {"name": "go"}},
        "end": {"type": "end"},
    }
    return {"workflow_id": "wait", "name": "A wait", "start_node_id": "wait", "nodes": nodes}


async def measure(store: str, sizes: Sizes) -> Figures:
    """Start all, then let some go on, one at a time."""
    with serving(store) as served:
        async with connections(served.port, 50) as free:
            await free[0].keep(wait())

            async def start(number: int) -> None:
                http = free.pop()
                body = {"workflow_id": "wait", "session_id": f"wait{number}", "input": initial()}
                await http.post("/workflows/execute", body)
                free.append(http)

            memory, meter = resident_bytes(served.pid), Meter(served.pid)
            await at_once(sizes.waiting, len(free), start)
            used = meter.stop("W4 HTTP, starts:")
            memory = resident_bytes(served.pid) - memory
            answered, ended = [], []
            for number in range(sizes.signalled):
                session_id = f"wait{number * (sizes.waiting // sizes.signalled)}"
                watcher = Watcher(session_id)
                await watcher.open(served.port)
                await watcher.live
                began = time.perf_counter()
                await free[0].post(f"/sessions/{session_id}/signal", {"name": "go", "payload": number})
                answered.append(time.perf_counter() - began)
                await watcher.ended
                ended.append(time.perf_counter() - began)
                watcher.close()
    return {
        "W4 HTTP: p50 ms signal to end": percentile(ended, 0.5) * 1e3,
        "W4 HTTP: p99 ms signal to end": percentile(ended, 0.99) * 1e3,
        "W4 HTTP: p50 ms signal answered": percentile(answered, 0.5) * 1e3,
        "W4 HTTP: started/s": sizes.waiting / meter.seconds,
        "W4 HTTP: started per CPU second of the server": sizes.waiting / meter.cpu,
        "W4 HTTP: KB per waiting session": memory / sizes.waiting / 1024,
        **used,
    }


def turn(store: str, size: Size) -> Figures:
    sizes = SIZES[size]
    with place(store) as (_, url):
        embedded = measured(HERE / "workloads_sessiond.py", "w4", url, sizes.embedded)
    return embedded | uvloop.run(measure(store, sizes))


if __name__ == "__main__":
    run(__doc__, ("sqlite",), TARGETS, turn)
