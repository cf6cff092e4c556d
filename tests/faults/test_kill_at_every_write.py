"""SIGKILL at every write and sync of SQLite: what was acknowledged is stored, and what is stored goes on.

Process death only: what the kernel was given stays. `SESSIOND_SOAK=1` tries every position, else a sample.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import killable, strace
from support.stores import OpenStore, Owner, row, segment
from support.watching import collect, contiguous

from sessiond import Runtime
from sessiond.actors.core.errors import LogTrimmed
from sessiond.actors.core.ports import Commit, Store
from sessiond.actors.core.segment import payloads

SOAK = bool(os.environ.get("SESSIOND_SOAK"))
TESTS = Path(__file__).parents[1]

pytestmark = pytest.mark.timeout(600 if SOAK else 60)


def killed(work: str, call: str, thread: str, options: str, step: int, root: Path, times: int = 1) -> list[Path]:
    """Run the workers and return the directories that they leave, one for each position."""
    command = strace.traced(f"{call}:signal=SIGKILL:when={strace.MOST_CALLS}", forks=True)
    arguments = [work, call, thread, options, "1", "1" if SOAK else str(step), str(times), str(root)]
    done = subprocess.run(
        [*command, sys.executable, killable.__file__, *arguments],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [line.split() for line in done.stdout.splitlines()]
    assert [outcome for _, outcome in outcomes][-2:] == ["killed", "through"], done.stderr
    return [root / number for number, _ in outcomes]


def acknowledged(directory: Path) -> dict[str, int]:
    """The last seq that was acknowledged of each session."""
    lines = (line.split() for line in (directory / "acks").read_text().splitlines())
    return {name: int(seq) for name, seq in lines}


def begin_of(store: Store, session_id: str) -> int:
    """The seq after which a log begins."""
    try:
        store.read(session_id, 0, 0)
    except LogTrimmed as trimmed:
        return trimmed.first_seq - 1
    return 0


@pytest.mark.parametrize(
    ("call", "thread", "options", "step"),
    [
        ("pwrite64", "main", "?synchronous=full", 3),
        ("pwrite64", "main", "?synchronous=normal", 5),
        ("fdatasync", "main", "?synchronous=full", 1),
        ("pwrite64", "sessiond-checkpoint", "", 3),
    ],
)
def test_a_store_has_all_that_was_acknowledged_and_takes_more(
    open_store: OpenStore, tmp_path: Path, call: str, thread: str, options: str, step: int
) -> None:
    for directory in killed("store", call, thread, options, step, tmp_path):
        acks = acknowledged(directory)
        store = open_store(killable.url_of(directory, options))
        heir = Owner(store, "heir")
        for name in killable.STORED:
            stored = store.load(name)
            if stored is None:
                assert name not in acks, directory
                heir.create(row(name))
                continue
            begin = begin_of(store, name)
            assert begin == 0 or (begin == 2 and stored.snapshot is not None), "trimmed with its snapshot, or not"
            segments = store.read(name, begin, 1 << 30)
            head = segments[-1].last_seq
            assert acks.get(name, 0) <= head, directory
            assert stored.snapshot is None or stored.snapshot.seq <= head
            assert [len(list(payloads(part.data))) for part in segments] == [1] * (head - begin)
            heir.commit(Commit(name, segment(head + 1)))


@pytest.mark.parametrize(
    ("call", "thread", "options", "step"),
    [
        ("pwrite64", "main", "", 9),
        ("pwrite64", "sessiond-read", "", 2),
        ("pwrite64", "sessiond-writer", "?synchronous=full", 15),
        ("fdatasync", "sessiond-writer", "?synchronous=full", 3),
    ],
)
async def test_sessions_go_on_from_whatever_was_stored(
    tmp_path: Path, call: str, thread: str, options: str, step: int
) -> None:
    for directory in await asyncio.to_thread(killed, "runtime", call, thread, options, step, tmp_path):
        await go_on(directory, options)


async def test_recovery_may_be_killed_again_and_again(tmp_path: Path) -> None:
    seed = tmp_path / killable.SEED
    seed.mkdir()
    async with Runtime.open(killable.url_of(seed, ""), registry=killable.registry(held=True)) as runtime:
        for name in killable.SESSIONS:
            await runtime.create(killable.definition(), session_id=name)
    (seed / "acks").write_text("".join(f"{name} 1\n" for name in killable.SESSIONS))
    step, times = 5, 3
    for directory in await asyncio.to_thread(killed, "recovery", "pwrite64", "main", "", step, tmp_path, times):
        await go_on(directory, "")


async def go_on(directory: Path, options: str) -> None:
    """Open the store again and let every session end; none has a gap, none lost what was acknowledged."""
    acks = acknowledged(directory)
    async with Runtime.open(killable.url_of(directory, options), registry=killable.registry()) as runtime:
        assert await runtime.recovered == []
        for name in killable.SESSIONS:
            if runtime.store.row(name) is None:
                assert name not in acks, directory
                continue
            session = runtime.session(name)
            detail = await session.detail()
            assert acks.get(name, 0) <= detail.seq, directory
            if detail.status == "pending":
                await session.start()
            elif detail.status == "paused":
                await session.resume()
            ended = await session.wait()
            assert ended.status == "completed", directory
            records = await collect(session)
            contiguous(records)
            completed = [record.node_id for record in records if record.data.get("status") == "completed"]
            assert sorted(filter(None, completed)) == ["a", "b", "c", "d"], "a node completed twice, or never"
