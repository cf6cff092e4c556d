"""Workers that are killed at their N-th write, one for each N, until one gets through.

`python killable.py WORK CALL THREAD URL-OPTIONS FIRST STEP TIMES DIRECTORY`, traced as `support.strace` says.
`python killable.py once WORK URL-OPTIONS DIRECTORY` works in DIRECTORY, and isn't killed.
The worker for N works in DIRECTORY/N, TIMES in a row, and writes what was acknowledged to it into DIRECTORY/N/acks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support import crashing
from support.stores import Owner, row, segment
from support.strace import MOST_CALLS

from sessiond import Options, Runtime
from sessiond.actors.core.ports import Commit
from sessiond.persistence.sqlite import open_store

SESSIONS = ("s0", "s1")
STORED = ("a", "b")
SEED = "seed"
_OPTIONS = Options(read_threads=1, plugins=False)


def url_of(directory: Path, options: str) -> str:
    return f"sqlite:///{directory}/s.db{options}"


def registry(*, held: bool = False) -> Any:
    types = crashing.registry(os.devnull)

    @types.node("quick")
    async def quick(context: Any) -> Any:
        await context.emit("word ")
        if held:
            await asyncio.Event().wait()
        return context.node_id

    return types


def definition() -> dict[str, Any]:
    nodes = {
        "a": {"type": "quick", "next_ids": ["b", "c"]},
        "b": {"type": "quick", "next_ids": ["d"]},
        "c": {"type": "quick", "next_ids": ["d"]},
        "d": {"type": "quick"},
    }
    return {"workflow_id": "quick", "start_node_id": "a", "nodes": nodes}


def work_on_store(url: str, acknowledge: Callable[[str, int], object]) -> None:
    """Every kind of write a store knows."""
    store = open_store(url)
    owner = Owner(store)
    for name in STORED:
        owner.create(row(name, labels={"k": "v"}))
        acknowledge(name, 1)
        for seq in (2, 3):
            owner.commit(Commit(name, segment(seq, text="x" * 5_000)))
            acknowledge(name, seq)
        assert owner.snapshot(name, 3, b"state") is None
        assert owner.snapshot(name, 3, b"state", trim=2) is None
    store.close()


def work_on_runtime(url: str, acknowledge: Callable[[str, int], object]) -> None:
    """Two sessions from their creation to their end."""

    async def main() -> None:
        async with Runtime.open(url, registry=registry(), options=_OPTIONS) as runtime:
            for name in SESSIONS:
                created = await runtime.create(definition(), session_id=name, start=False)
                acknowledge(name, created.seq)
                acknowledge(name, (await runtime.session(name).start()).seq)
                acknowledge(name, (await runtime.session(name).pause()).seq)
                acknowledge(name, (await runtime.session(name).resume()).seq)
            for name in SESSIONS:
                acknowledge(name, (await runtime.session(name).wait()).seq)

    asyncio.run(main())


def work_on_recovery(url: str, acknowledge: Callable[[str, int], object]) -> None:
    """What was interrupted goes on to its end."""

    async def main() -> None:
        async with Runtime.open(url, registry=registry(), options=_OPTIONS) as runtime:
            await runtime.recovered
            for name in SESSIONS:
                acknowledge(name, (await runtime.session(name).wait()).seq)

    asyncio.run(main())


WORK = {"store": work_on_store, "runtime": work_on_runtime, "recovery": work_on_recovery}


def burn(call: str, count: int) -> None:
    """Make `count` calls that do nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for _ in range(count):
        if call == "pwrite64":
            os.pwrite(nowhere, b"x", 0)
        else:
            with contextlib.suppress(OSError):
                os.fdatasync(nowhere)
    os.close(nowhere)


def _when_thread_begins(prefix: str, action: Callable[[], None]) -> None:
    """Run `action` on each thread of that name before its first function."""

    def hook(*_: object) -> None:
        sys.setprofile(None)
        if threading.current_thread().name.startswith(prefix):
            action()

    threading.setprofile(hook)


def _worker(work: str, call: str, thread: str, options: str, number: int, directory: Path) -> None:
    acks = os.open(directory / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def acknowledge(name: str, seq: int) -> None:
        os.write(acks, f"{name} {seq}\n".encode())

    left = MOST_CALLS - number
    if thread == "main":
        burn(call, left)
    else:
        _when_thread_begins(thread, lambda: burn(call, left))
    WORK[work](url_of(directory, options), acknowledge)


def once(work: str, options: str, directory: Path) -> None:
    """Work through without a fault."""
    acks = os.open(directory / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    WORK[work](url_of(directory, options), lambda name, seq: os.write(acks, f"{name} {seq}\n".encode()))


def main() -> None:
    if sys.argv[1] == "once":
        once(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
        return
    work, call, thread, options, first, step, times, root = sys.argv[1:]
    number = int(first)
    while True:
        directory = Path(root) / str(number)
        directory.mkdir()
        if work == "recovery":
            for part in Path(root, SEED).iterdir():
                shutil.copyfile(part, directory / part.name)
        through = False
        for _ in range(int(times)):
            worker = os.fork()
            if not worker:
                try:
                    _worker(work, call, thread, options, number, directory)
                except BaseException:  # noqa: BLE001 - a forked worker ends here, whatever it met
                    sys.excepthook(*sys.exc_info())
                    os._exit(1)
                os._exit(0)
            _, status = os.waitpid(worker, 0)
            if not os.WIFSIGNALED(status):
                assert os.WEXITSTATUS(status) == 0, f"the worker for {number} failed"
                through = True
                break
        print(number, "through" if through else "killed", flush=True)
        if through:
            return
        number += int(step)


if __name__ == "__main__":
    main()
