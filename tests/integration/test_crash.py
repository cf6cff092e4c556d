"""kill -9 in the middle, then a restart: acknowledged is stored, completed never runs again, seq is one line."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support import crashing
from support.watching import collect, contiguous

from sessiond import Runtime

COUNT = 20


def killed(url: str, log: Path, lines: int) -> list[str]:
    """Run the crashing program until it logged `lines` node starts, kill it, and return what it acknowledged."""
    program = [sys.executable, crashing.__file__, url, str(COUNT), str(log)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not log.exists() or log.read_text().count("\n") < lines:
            assert process.poll() is None, "the program ended by itself"
        process.kill()
        return [line.split()[1] for line in process.stdout if line.endswith("\n")]


@pytest.mark.parametrize("lines", [1, 15, 60, 150])
async def test_what_was_acknowledged_goes_on_after_kill_9(durable_url: str, tmp_path: Path, lines: int) -> None:
    log = tmp_path / "starts"
    acknowledged = await asyncio.to_thread(killed, durable_url, log, lines)
    before = Counter(tuple(line.split()[:2]) for line in log.read_text().splitlines())
    async with Runtime.open(durable_url, registry=crashing.registry(str(log))) as runtime:
        await runtime.recovered
        done = {}
        for session_id in acknowledged:
            session = runtime.session(session_id)
            await session.result()
            records = await collect(session)
            contiguous(records)
            for record in records:
                if record.data.get("status") == "completed" and record.node_id:
                    key = session_id, record.node_id
                    assert key not in done, "a node completed twice"
                    done[key] = record.data["attempt"]
            assert len([key for key in done if key[0] == session_id]) == crashing.STEPS + 1
    starts = Counter(tuple(line.split()[:2]) for line in log.read_text().splitlines())
    for key, attempt in done.items():
        assert 1 <= starts[key] <= 2
        assert attempt in (1, 2)
        assert attempt == 2 or starts[key] == 1, "a node that completed in its first attempt was started again"
    assert sum(before.values()) >= lines
