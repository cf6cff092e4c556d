"""A node that blocks the event loop is named."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from support.graphs import graph, registry

from sessiond import Options, Runtime
from sessiond.actors.watchdog import LoopWatchdog


class Reports(logging.Handler):
    """What the watchdog logs, as it does."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.one = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self.one.set()


@pytest.fixture
def reports() -> Iterator[Reports]:
    handler = Reports()
    logger = logging.getLogger("sessiond.watchdog")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


async def test_the_node_and_its_code_are_named_while_it_blocks(reports: Reports) -> None:
    types = registry()
    lags = []

    @types.node("blocker")
    async def blocker(context: Any) -> bool:
        return helper()

    def helper() -> bool:
        told = reports.one.wait(10)  # the loop can't turn until the report is there
        lags.append(runtime.watchdog.lag_s)
        return told

    async with Runtime.open("memory://", registry=types, options=Options(block_s=0.02)) as runtime:
        definition = graph({"s": ["b"], "b": {"type": "blocker"}})
        session = await runtime.start(definition, session_id="slow")
        assert await session.result() is True
    (report,) = [said for said in reports.said if "'b'" in said]
    assert report.startswith("node 'b' of session 'slow' has blocked the event loop for 0.")
    assert "in blocker" in report
    assert "in helper" in report
    assert lags[0] >= 0.02


async def test_nodes_that_wait_or_work_on_threads_block_nothing(reports: Reports) -> None:
    types = registry()
    beats = asyncio.Event()

    @types.node("waiter")
    async def waiter(context: Any) -> None:
        await beats.wait()

    @types.node("worker")
    def worker(context: Any) -> bool:
        return reports.one.wait(0.2)

    async with Runtime.open("memory://", registry=types, options=Options(block_s=0.05)) as runtime:
        waiting = await runtime.start(graph({"s": {"type": "waiter"}}))
        assert await (await runtime.start(graph({"s": {"type": "worker"}}))).result() in (True, False)
        beats.set()
        await waiting.result()
    assert [said for said in reports.said if said.startswith("node")] == []


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_what_no_node_does_is_reported_without_a_name_and_not_too_often(reports: Reports) -> None:
    clock = Clock()
    named: list[FrameType] = []

    def name_of(frame: FrameType) -> str | None:
        named.append(frame)
        return None

    watchdog = LoopWatchdog(asyncio.get_running_loop(), name_of, threshold_s=0.01, quiet_s=60, clock=clock)
    watchdog.start()
    assert reports.one.wait(10)  # blocks the loop, on purpose
    assert reports.said[0].startswith("something has blocked the event loop for 0.00 s; it is at")
    assert watchdog.lag_s == 0
    clock.now += 7
    assert watchdog.lag_s == 7
    await asyncio.to_thread(watchdog.close)
    assert watchdog.lag_s == 7
    assert len(named) == 1
    assert threading.current_thread() in threading.enumerate()
    assert "sessiond-watchdog" not in [thread.name for thread in threading.enumerate()]


def test_it_ends_with_its_loop() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    watchdog = LoopWatchdog(loop, lambda frame: None, threshold_s=0.001)
    watchdog.start()
    watchdog.close()
