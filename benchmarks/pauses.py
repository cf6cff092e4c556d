"""C1: a pause is answered while 100 sessions stream 100 tokens a second each, and are watched.

Each session is an agent that says 50 tokens and is sent round again, so that it starts twice a second. Over HTTP, one
session after another is paused, stays so while the next few are, and is resumed. What counts is the time from
sending the pause to having read its answer. The watchers, which share that process, see to it that the answer means
something: between a pause and its resume no node may start.

    python benchmarks/pauses.py [--turns 3] [--quick] [--only sqlite] [--json]
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, Final, NamedTuple

import uvloop
from served import STORES, Meter, serving
from turns import Figures, Size, run
from wire import Http, Watcher, connections
from workload import at_once, percentile

TOKENS: Final = 50
INTERVAL_S: Final = 0.009
"""Seconds before each token, and the loop's timers add most of a millisecond: 100 a second."""
PACE_S: Final = 0.02
"""Seconds between two pauses: they are to meet the load, not to be it."""
TARGETS: Final = {
    "C1 p50 ms, pause answered": "≤ 5",
    "C1 p99 ms, pause answered": "≤ 50",
    "C1 nodes started while paused": "0",
}


class Sizes(NamedTuple):
    """How many sessions stream, how often one is paused, and how many are paused at a time."""

    sessions: int
    pauses: int
    held: int


SIZES: Final[dict[Size, Sizes]] = {
    "full": Sizes(100, 1_000, 5),
    "quick": Sizes(100, 100, 5),
    "tiny": Sizes(5, 10, 2),
}


def talk() -> dict[str, Any]:
    """An agent that speaks at its pace, goes round, and never comes to an end here."""
    demo = {"tokens": TOKENS, "interval_s": INTERVAL_S}
    speaker = {"provider": "demo", "model": "demo", "prompt": "Speak.", "demo": demo}
    nodes = {
        "agent": {"type": "agent", "next_ids": ["again"], "properties": speaker},
        "again": {"type": "loop", "next_ids": ["agent", "end"], "properties": {"max_rounds": 10_000}},
        "end": {"type": "end"},
    }
    return {"workflow_id": "talk", "name": "Talk", "start_node_id": "agent", "nodes": nodes}


class Witness(Watcher):
    """Watches a session, and what it does while it is paused.

    Attributes:
        pauses: seqs of the pauses that it has seen.
        started: nodes that started between a pause and its resume.
        starts: nodes that started in all.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id
        self.paused = False
        self.pauses: list[int] = []
        self.started = 0
        self.starts = 0

    def other(self, event: bytes) -> None:
        super().other(event)
        if b'"event":"execution:paused"' in event:
            self.paused = True
            self.pauses.append(self.last)
        elif b'"event":"execution:resumed"' in event:
            self.paused = False
        elif b'"event":"node_state_change"' in event and b'"status":"running"' in event:
            self.starts += 1
            self.started += self.paused


async def pause_some(http: Http, witnesses: list[Witness], sizes: Sizes) -> tuple[list[float], dict[str, list[int]]]:
    """Pause one after another; return how long each took, and the seqs in the answers by session."""
    took: list[float] = []
    answered: dict[str, list[int]] = {witness.session_id: [] for witness in witnesses}
    held: deque[str] = deque()
    for number in range(sizes.pauses):
        session_id = witnesses[number % sizes.sessions].session_id
        began = time.perf_counter()
        answer = await http.control(session_id, "pause")
        took.append(time.perf_counter() - began)
        assert answer["changed"], answer
        answered[session_id].append(answer["seq"])
        held.append(session_id)
        if len(held) > sizes.held:
            await http.control(held.popleft(), "resume")
        await asyncio.sleep(PACE_S)
    for session_id in held:
        await http.control(session_id, "resume")
    return took, answered


async def measure(store: str, sizes: Sizes) -> Figures:
    with serving(store) as served:
        async with connections(served.port, 10) as free:
            await free[0].keep(talk())
            witnesses = [Witness(f"talk{number}") for number in range(sizes.sessions)]

            async def start(number: int) -> None:
                http, session_id = free.pop(), witnesses[number].session_id
                await http.post("/workflows/execute", {"workflow_id": "talk", "session_id": session_id})
                await witnesses[number].open(served.port)
                await witnesses[number].live
                free.append(http)

            await at_once(sizes.sessions, len(free), start)
            tokens, starts = sum(each.tokens for each in witnesses), sum(each.starts for each in witnesses)
            meter = Meter(served.pid)
            took, answered = await pause_some(free[0], witnesses, sizes)
            used = meter.stop("C1")
            tokens = sum(each.tokens for each in witnesses) - tokens
            starts = sum(each.starts for each in witnesses) - starts
            for witness in witnesses:
                await free[0].control(witness.session_id, "stop")
                await witness.ended
                witness.close()
                assert witness.gaps == 0
                assert witness.pauses == answered[witness.session_id]
    return {
        "C1 p50 ms, pause answered": percentile(took, 0.5) * 1e3,
        "C1 p99 ms, pause answered": percentile(took, 0.99) * 1e3,
        "C1 nodes started while paused": sum(each.started for each in witnesses),
        "C1 nodes started in all, 1/s": starts / meter.seconds,
        "C1 tokens/s stored and delivered": tokens / meter.seconds,
        **used,
    }


def turn(store: str, size: Size) -> Figures:
    return uvloop.run(measure(store, SIZES[size]))


if __name__ == "__main__":
    run(__doc__, STORES, TARGETS, turn)
