"""S1: the events of one session, 200 bytes each, to 100 WebSocket watchers.

All watch before the session starts. Twice: in a flood, as fast as it can emit, which is faster than watchers can be
served, so most of it reaches them by way of the log; and live, ten agents speaking at the pace of a model, every
few milliseconds. The watchers share the machine with the server, so the figure to go by is how many messages the server
delivered for each second that its process computed: that is what one core delivers. It includes making and storing the
events. One watcher checks every seq; the others count events in what they read (see wire.py), and all have to come
to the same number.

    python benchmarks/fan_out.py [--turns 3] [--quick] [--only sqlite] [--json]
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

import uvloop
from served import STORES, Meter, serving
from support.served import Served
from turns import Figures, Size, run
from wire import Counter, Http, Watcher

AGENTS: Final = 10
PACE_S: Final = 0.004
"""Seconds between two tokens of an agent, live: 2,500 a second in all, or a little less."""
TARGETS: Final = {
    "S1 flood: messages per CPU second of the server": "≥ 250,000",
    "S1 live: messages per CPU second of the server": "≥ 250,000",
}


class Sizes(NamedTuple):
    """How many watch how many events, in each of the two parts."""

    watchers: int
    flood: int
    live: int


SIZES: Final[dict[Size, Sizes]] = {
    "full": Sizes(100, 50_000, 20_000),
    "quick": Sizes(100, 5_000, 2_000),
    "tiny": Sizes(5, 200, 100),
}


def talk(tokens: int, interval_s: float) -> dict[str, Any]:
    """Agents that speak side by side, so many tokens in all. With these names an event has about 200 bytes."""
    demo = {"tokens": tokens // AGENTS, "interval_s": interval_s}
    speaker = {"provider": "demo", "model": "demo", "prompt": "Speak.", "demo": demo}
    agent = {"type": "agent", "next_ids": ["end"], "properties": speaker}
    names = [f"agent-{number}" for number in range(AGENTS)]
    nodes = {
        "start": {"type": "start", "next_ids": names},
        **dict.fromkeys(names, agent),
        "end": {"type": "end", "properties": {"output": {}}},  # else its last event would repeat all that was said
    }
    return {"workflow_id": "talk", "name": "Talk", "start_node_id": "start", "nodes": nodes}


async def deliver(served: Served, part: str, watchers: int, tokens: int, interval_s: float) -> Figures:
    """Have a session watched from before its start to its end."""
    session_id = f"{part}-000000000000000000000000000000000000"[:36]
    async with Http(served.port) as http:
        await http.post("/sessions", {"graph": talk(tokens, interval_s), "session_id": session_id})
        careful = Watcher(session_id)
        counters = [Counter(session_id) for _ in range(watchers - 1)]
        sockets: list[Watcher | Counter] = [careful, *counters]
        for socket in sockets:
            await socket.open(served.port)
        await asyncio.gather(*[socket.live for socket in sockets])
        meter = Meter(served.pid)
        await http.control(session_id, "start")
        await asyncio.gather(*[socket.ended for socket in sockets])
        used = meter.stop(f"S1 {part}:")
    for socket in sockets:
        assert socket.tokens == tokens, (socket.tokens, tokens)
        socket.close()
    assert careful.gaps == 0
    messages = watchers * careful.last
    return {
        f"S1 {part}: messages per CPU second of the server": messages / meter.cpu,
        f"S1 {part}: messages/s": messages / meter.seconds,
        f"S1 {part}: bytes of an event": careful.bytes / careful.last,
        **used,
    }


async def measure(store: str, sizes: Sizes) -> Figures:
    with serving(store) as served:
        flood = await deliver(served, "flood", sizes.watchers, sizes.flood, 0)
        return flood | await deliver(served, "live", sizes.watchers, sizes.live, PACE_S)


def turn(store: str, size: Size) -> Figures:
    return uvloop.run(measure(store, SIZES[size]))


if __name__ == "__main__":
    run(__doc__, STORES, TARGETS, turn)
