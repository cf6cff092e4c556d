"""W2: a council of 10 agents, 600 tokens, 50 sessions at a time, each watched over a WebSocket of its own.

One agent opens, four answer it side by side, each of them is answered, and one concludes. Every session is started over
HTTP and followed from its first event to its last on a socket that checks each seq. Watchers search the bytes of
frames and decode nothing (see wire.py): on few cores, one that decodes JSON would be what is measured. Afterwards the
log of one session in ten is read back: every token that was delivered is stored.

    python benchmarks/council.py [--turns 3] [--quick] [--only sqlite] [--json]
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import uvloop
from served import STORES, Meter, serving
from turns import Figures, Size, run
from wire import Http, Watcher, connections
from workload import at_once, percentile

AGENTS: Final = 10
TOKENS: Final = 60
TARGETS: Final = {
    "W2 sessions/s, 50 at a time": "≥ 150",
    "W2 tokens/s stored and delivered": "≥ 120,000",
}


class Sizes(NamedTuple):
    """How many sessions, and how many of them at a time."""

    warm: int
    sessions: int
    workers: int


SIZES: Final[dict[Size, Sizes]] = {
    "full": Sizes(50, 2_000, 50),
    "quick": Sizes(20, 200, 50),
    "tiny": Sizes(0, 10, 5),
}


def council() -> dict[str, Any]:
    """The graph."""

    def agent(name: str, *next_ids: str) -> dict[str, Any]:
        demo = {"tokens": TOKENS, "interval_s": 0}
        properties = {"provider": "demo", "model": "demo", "prompt": f"What does {name} think?", "demo": demo}
        return {name: {"type": "agent", "next_ids": list(next_ids), "properties": properties}}

    seats = range(4)
    nodes = agent("opening", *[f"member{seat}" for seat in seats])
    for seat in seats:
        nodes |= agent(f"member{seat}", f"answer{seat}") | agent(f"answer{seat}", "verdict")
    nodes |= agent("verdict")
    assert len(nodes) == AGENTS
    return {"workflow_id": "council", "name": "A council", "start_node_id": "opening", "nodes": nodes}


async def one(http: Http, port: int, session_id: str) -> Watcher:
    """Start a session and watch it to its end."""
    await http.post("/workflows/execute", {"workflow_id": "council", "session_id": session_id})
    watcher = Watcher(session_id)
    await watcher.open(port)
    await watcher.ended
    watcher.close()
    assert (watcher.gaps, watcher.tokens) == (0, AGENTS * TOKENS), (watcher.gaps, watcher.tokens)
    return watcher


async def check_stored(http: Http, session_id: str, last: int) -> None:
    """Compare what a session's log holds with what was delivered."""
    items = (await http.get(f"/sessions/{session_id}/events?limit=10000"))["items"]
    assert [item["seq"] for item in items] == list(range(1, last + 1))
    assert sum(item["event"] == "token_stream" for item in items) == AGENTS * TOKENS


async def measure(store: str, sizes: Sizes) -> Figures:
    with serving(store) as served:
        async with connections(served.port, sizes.workers) as free:
            await free[0].keep(council())
            seen: dict[str, int] = {}

            async def work(session_id: str) -> None:
                http = free.pop()
                watcher = await one(http, served.port, session_id)
                seen[session_id] = watcher.last
                free.append(http)

            await at_once(sizes.warm, sizes.workers, lambda number: work(f"warm{number}"))
            meter = Meter(served.pid)
            _, took = await at_once(sizes.sessions, sizes.workers, lambda number: work(f"council{number}"))
            used = meter.stop("W2")
            for number in range(0, sizes.sessions, 10):
                await check_stored(free[0], f"council{number}", seen[f"council{number}"])
    tokens = sizes.sessions * AGENTS * TOKENS
    return {
        "W2 sessions/s, 50 at a time": sizes.sessions / meter.seconds,
        "W2 tokens/s stored and delivered": tokens / meter.seconds,
        "W2 tokens per CPU second of the server": tokens / meter.cpu,
        "W2 p50 ms, start to end seen": percentile(took, 0.5) * 1e3,
        "W2 p99 ms, start to end seen": percentile(took, 0.99) * 1e3,
        **used,
    }


def turn(store: str, size: Size) -> Figures:
    return uvloop.run(measure(store, SIZES[size]))


if __name__ == "__main__":
    run(__doc__, STORES, TARGETS, turn)
