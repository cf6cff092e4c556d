"""CPU-heavy nodes in worker processes: their outputs and faults, a worker's death, and giving one up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support import heavy
from support.graphs import graph, registry
from support.heavy import heavy_nodes

from sessiond import NodeRegistry, Options, Runtime, SessionEnded
from sessiond.actors.process_pool import ProcessPool


@pytest.fixture
def types() -> NodeRegistry:
    return heavy_nodes(registry())


@pytest.fixture
async def runtime(types: NodeRegistry) -> AsyncIterator[Runtime]:
    async with Runtime.open("memory://", registry=types, options=Options(processes=2, grace_s=0.01)) as opened:
        yield opened


async def run(runtime: Runtime, type_: str, properties: Any = None, **given: Any) -> Any:
    session = await runtime.start(graph({"s": {"type": type_, "properties": properties or {}}}), **given)
    return await session.result()


async def code_of(work: Any) -> str | None:
    with pytest.raises(SessionEnded) as ended:
        await work
    return ended.value.node_code


def pool(runtime: Runtime) -> ProcessPool:
    return runtime.resources.processes


async def gone(pid: int) -> None:
    """Wait until a process has ended; it is a child of ours, so its end can't be missed."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


class NewFile:
    """A file that a worker writes; `text` waits for it without asking again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)

    async def text(self) -> str:
        return await asyncio.to_thread(self.path.read_text)


async def test_it_runs_elsewhere_and_workers_are_kept(runtime: Runtime) -> None:
    assert pool(runtime).idle == []
    first = await run(runtime, "add_up", {"upto": 4}, input="seen")
    assert (first["sum"], first["input"]) == (10, "seen")
    assert first["pid"] not in (os.getpid(), None)
    assert (await run(runtime, "add_up", {"upto": 5}))["pid"] == first["pid"]
    assert await run(runtime, "Counter", {"upto": 1}) == 2


async def test_the_context_is_plain_data(runtime: Runtime) -> None:
    definition = graph({"s": ["h"], "h": {"type": "whole_context", "properties": {"a": "${input.n}"}}})
    session = await runtime.start(definition, input={"n": 3}, context={"who": "me"}, session_id="x")
    assert await session.result() == {
        "key": "x/h/1",
        "at": ["x", "h", 1, 1],
        "upstream": {"s": {"node": "s", "round": 1}},
        "context": {"who": "me"},
        "properties": {"a": 3},
    }


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ("exit", "exception", "SystemExit: 3"),
        ("interrupt", "exception", "KeyboardInterrupt"),
        ("unpicklable", "exception", "Unpicklable: only one argument"),
        ("object", "output_invalid", "isn't JSON"),
        ("huge", "output_too_large", "2000002 bytes"),
    ],
)
async def test_what_it_raises_or_returns_fails_it_alone(runtime: Runtime, fault: str, code: str, says: str) -> None:
    with pytest.raises(SessionEnded, match=says) as ended:
        await run(runtime, "misbehave", input=fault)
    assert ended.value.node_code == code
    (worker,) = pool(runtime).idle
    assert (await run(runtime, "add_up", {"upto": 1}))["pid"] == worker.pid


async def test_a_node_error_keeps_its_code(runtime: Runtime) -> None:
    assert await code_of(run(runtime, "refuse")) == "sold_out"


async def test_a_dead_worker_fails_its_own_attempt_only(runtime: Runtime, tmp_path: Path) -> None:
    other = NewFile(tmp_path / "pid")
    bystander = await runtime.start(graph({"s": {"type": "hang"}}), input=str(other.path))
    pid = int(await other.text())
    assert await code_of(run(runtime, "die")) == "process_died"
    assert (await bystander.detail()).nodes["s"].status == "running"
    os.kill(pid, 0)
    assert (await run(runtime, "add_up", {"upto": 2}))["sum"] == 3


async def test_a_worker_that_dies_without_a_job_is_replaced(runtime: Runtime) -> None:
    before = (await run(runtime, "add_up", {"upto": 1}))["pid"]
    os.kill(before, signal.SIGKILL)
    await gone(before)
    after = await run(runtime, "add_up", {"upto": 2})
    assert after["sum"] == 3
    assert after["pid"] != before


async def stopped(runtime: Runtime, path: str) -> int:
    session = await runtime.start(graph({"s": {"type": "hang"}}), input=path)
    pid = int(await asyncio.to_thread(Path(path).read_text))
    await session.stop()
    return pid


async def timed_out(runtime: Runtime, path: str) -> int:
    session = await runtime.start(graph({"s": {"type": "hang", "timeout_s": 2}}), input=path)
    pid = int(await asyncio.to_thread(Path(path).read_text))
    assert await code_of(session.result()) == "timeout"
    return pid


@pytest.mark.parametrize(("end", "times"), [(stopped, 3), (timed_out, 1)])
async def test_one_that_is_given_up_is_killed_and_makes_room(
    runtime: Runtime, tmp_path: Path, end: Callable[[Runtime, str], Any], times: int
) -> None:
    for number in range(times):  # three is one more than there is room for
        await gone(await end(runtime, str(NewFile(tmp_path / str(number)).path)))
    assert (await run(runtime, "add_up", {"upto": 2}))["sum"] == 3


async def test_no_more_run_than_there_is_room_for(runtime: Runtime) -> None:
    outputs = await asyncio.gather(*[run(runtime, "add_up", {"upto": n}) for n in range(12)])
    assert [output["sum"] for output in outputs] == [n * (n + 1) // 2 for n in range(12)]
    assert len({output["pid"] for output in outputs}) <= 2


OWNER = """
import asyncio, sys
from support.graphs import graph, registry
from support import heavy
from support.heavy import heavy_nodes
from sessiond import Runtime
async def main():
    async with Runtime.open("memory://", registry=heavy_nodes(registry())) as runtime:
        await runtime.start(graph({"s": {"type": "hang"}}), input=sys.argv[1])
        await asyncio.Event().wait()
if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_a_worker_does_not_outlive_a_killed_owner(tmp_path: Path) -> None:
    file = NewFile(tmp_path / "pid")
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    environ = {**os.environ, "PYTHONPATH": str(Path(heavy.__file__).parents[1])}
    owner = await asyncio.create_subprocess_exec(sys.executable, str(script), str(file.path), env=environ)
    worker = int(await file.text())
    owner.kill()
    await owner.wait()
    await gone(worker)


async def test_closing_the_runtime_ends_workers_busy_or_not(types: NodeRegistry, tmp_path: Path) -> None:
    file = NewFile(tmp_path / "pid")
    async with Runtime.open("memory://", registry=types) as runtime:
        await runtime.start(graph({"s": {"type": "hang"}}), input=str(file.path))
        busy = int(await file.text())
        idle = (await run(runtime, "add_up", {"upto": 1}))["pid"]
    await gone(busy)
    await gone(idle)
