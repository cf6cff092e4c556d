"""The power fails at any moment: what a synced store acknowledged is there, and no store is ever damaged.

The disk is a model (`support.power`), the writes are SQLite's own. `SESSIOND_SOAK=1` tries every moment, else a sample.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path
from random import Random

import pytest
from support import killable
from support.power import Disk, steps, traced
from support.stores import OpenStore, Owner, row, segment

from sessiond.actors.core.errors import LogTrimmed
from sessiond.actors.core.ports import Commit
from sessiond.actors.core.segment import payloads

SOAK = bool(os.environ.get("SESSIOND_SOAK"))
TESTS = Path(__file__).parents[1]
SHARES = (0.0, 0.5, 0.9, 1.0)
"""How much of what wasn't synced is on the disk: nothing, some, all."""
EVERY = 1 if SOAK else 7

pytestmark = pytest.mark.timeout(900 if SOAK else 120)


@pytest.mark.parametrize("work", ["store", "runtime"])
@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_the_power_fails(open_store: OpenStore, tmp_path: Path, work: str, synchronous: str) -> None:
    options = f"?synchronous={synchronous}"
    folder, log = tmp_path / "work", tmp_path / "trace"
    folder.mkdir()
    worker = [sys.executable, killable.__file__, "once", work, options, str(folder)]
    traced(worker, log, {**os.environ, "PYTHONPATH": str(TESTS)})
    random, disk, lost, tried = Random(1), Disk(folder), 0, 0
    for number, step in enumerate(steps(log, folder, folder / "acks")):
        disk.take(step)
        if number % EVERY and step.kind != "ack":
            continue
        for share in SHARES:
            tried += 1
            left = tmp_path / f"{number}-{share}"
            left.mkdir()
            disk.fail(left, random, share)
            acks = {name: int(seq) for name, seq in (line.split() for line in disk.acknowledged)}
            found = go_on(open_store, left, options, acks)
            missing = {name: seq for name, seq in acks.items() if found.get(name, 0) < seq}
            lost += bool(missing)
            assert synchronous == "normal" or not missing, f"after step {number}, {share} unsynced: {missing}, {left}"
    assert tried > 100
    assert bool(lost) == (synchronous == "normal"), "a model that takes nothing away proves nothing"
    print(f"{work}, {options}: {tried} failures of power, acknowledged commits lost in {lost}")


def go_on(open_store: OpenStore, folder: Path, options: str, acks: dict[str, int]) -> dict[str, int]:
    """Open what the disk has; return the last seq of each session. Logs are whole, and take more."""
    url = killable.url_of(folder, options)
    store = open_store(url)
    with sqlite3.connect(folder / "s.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), folder
    heir, found = Owner(store, "heir"), {}
    for name in (*killable.STORED, *killable.SESSIONS):
        stored = store.load(name)
        if stored is None:
            continue
        front = 0
        try:
            segments = store.read(name, 0, 1 << 30)
        except LogTrimmed as trimmed:  # its snapshot is there, or this would be another error
            front = trimmed.first_seq - 1
            segments = store.read(name, front, 1 << 30)
        head = segments[-1].last_seq
        seqs = [part for segment in segments for part in range(segment.first_seq, segment.last_seq + 1)]
        assert seqs == list(range(front + 1, head + 1)), folder
        assert sum(len(list(payloads(part.data))) for part in segments) == len(seqs), folder
        assert stored.snapshot is None or stored.snapshot.seq <= head, folder
        found[name] = head
        heir.commit(Commit(name, segment(head + 1)))
    heir.create(row("new"))
    connection.close()
    return found
