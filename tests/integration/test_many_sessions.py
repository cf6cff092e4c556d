"""Ten thousand sessions that wait: each answers at once, and none costs a thread or much memory."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from support.graphs import graph, registry

from sessiond import Runtime
from sessiond.actors.core.ports import RowQuery

COUNT = 10_000
WAITING = graph(
    {
        "r": {"type": "human_review", "next_ids": ["e"], "properties": {"prompt": "?"}},
        "e": {"type": "end"},
    }
)


def resident_kb() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4.0


async def test_ten_thousand_paused_sessions_in_one_process(tmp_path: Path) -> None:
    async with Runtime.open(f"sqlite:///{tmp_path}/sessions.db", registry=registry()) as runtime:
        workflow = runtime.definitions.compile(WAITING)
        threads, before = threading.active_count(), resident_kb()
        for at in range(0, COUNT, 100):
            names = [f"s{n}" for n in range(at, at + 100)]
            await asyncio.gather(*[runtime.create(workflow, session_id=name) for name in names])
            await asyncio.gather(*[runtime.session(name).pause() for name in names])
        each = (resident_kb() - before) / COUNT
        assert each < 8, f"{each:.1f} KB for a session"
        assert threading.active_count() <= threads + 6
        page = await runtime.rows(RowQuery(status="paused", limit=200))
        assert len(page.items) == 200
        assert page.next_cursor
        for name in ("s0", "s5000", "s9999"):
            session = runtime.session(name)
            assert (await session.detail()).status == "paused"
            await session.resume()
            await session.review("r", "approve")
            assert (await session.wait()).status == "completed"
