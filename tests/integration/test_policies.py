"""Retries, and failures that wait for a person, on a real runtime and every store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support.graphs import graph, registry
from support.watching import collect, contiguous, until

from sessiond import NodeError, NodeRegistry, Runtime, SessionEnded, TerminalError
from sessiond.actors.core.errors import NotWaiting


class Patient:
    """Nodes that fail until they are cured, and a count of their runs."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.cured = False
        self.error: Callable[[], BaseException] = lambda: NodeError("not yet", "busy")

    def registry(self) -> NodeRegistry:
        types = registry()

        @types.node("sick")
        async def sick(context: Any) -> Any:
            self.runs[context.node_id] += 1
            if not self.cured and context.attempt < 3:
                raise self.error()
            return {"attempt": context.attempt, "input": context.input, "key": context.idempotency_key}

        return types

    def open(self, url: str) -> Any:
        return Runtime.open(url, registry=self.registry())


@pytest.fixture
def patient() -> Patient:
    return Patient()


def sick(**policies: Any) -> dict[str, Any]:
    return graph({"a": {"type": "sick", "next_ids": ["b"], **policies}, "b": {"type": "end"}})


async def test_a_node_is_repeated_until_it_succeeds(store_url: str, patient: Patient) -> None:
    async with patient.open(store_url) as runtime:
        session = await runtime.start(sick(retry={"initial_s": 0.01, "on": ["busy"]}))
        result = await session.result()
        assert (result["attempt"], result["key"]) == (3, f"{session.id}/a/1")
        records = await collect(session)
    contiguous(records)
    errors = [r.data for r in records if r.event == "error"]
    assert [(e["attempt"], e["code"], e["will_retry"]) for e in errors] == [(1, "busy", True), (2, "busy", True)]
    assert [r.data["attempt"] for r in records if r.node_id == "a" and r.data.get("status") == "running"] == [1, 2, 3]
    assert patient.runs["a"] == 3


async def test_attempts_end(store_url: str, patient: Patient) -> None:
    async with patient.open(store_url) as runtime:
        session = await runtime.start(sick(retry={"max_attempts": 2, "initial_s": 0}))
        with pytest.raises(SessionEnded, match="not yet"):
            await session.result()
    assert patient.runs["a"] == 2


async def test_a_terminal_error_is_not_repeated(store_url: str, patient: Patient) -> None:
    patient.error = lambda: TerminalError("no such account", "gone")
    async with patient.open(store_url) as runtime:
        session = await runtime.start(sick(retry={"initial_s": 0}))
        with pytest.raises(SessionEnded) as ended:
            await session.result()
    assert (ended.value.node_code, patient.runs["a"]) == ("gone", 1)


async def test_a_node_says_when_to_come_back(store_url: str, patient: Patient) -> None:
    patient.error = lambda: NodeError("too many", "busy", retry_after=0.02)
    async with patient.open(store_url) as runtime:
        session = await runtime.start(sick(retry={"initial_s": 3600, "max_s": 3600}))
        await session.result()
        waits = [r.data["seconds"] for r in await collect(session) if r.event == "timer:set"]
    assert waits == [0.02, 0.02]


async def test_the_wait_for_the_next_attempt_survives_a_restart(durable_url: str, patient: Patient) -> None:
    async with patient.open(durable_url) as runtime:
        session = await runtime.start(sick(retry={"initial_s": 0.3, "jitter": 0}))
        await until(session, "timer:set")
    patient.cured = True
    async with patient.open(durable_url) as runtime:
        again = runtime.session(session.id)
        assert (await again.result())["attempt"] == 2
        records = await collect(again)
    contiguous(records)
    assert "execution:recovered" not in [r.event for r in records], "nothing ran when the runtime went away"


async def test_no_attempt_begins_while_paused(store_url: str, patient: Patient) -> None:
    async with patient.open(store_url) as runtime:
        session = await runtime.start(sick(retry={"initial_s": 60, "jitter": 0}))
        await until(session, "timer:set")
        receipt = await session.pause()
        assert receipt.in_flight == ()
        patient.cured = True
        node = (await session.detail()).nodes["a"]
        assert (node.status, node.attempt) == ("suspended", 1)
        assert node.error is not None
        await session.retry_node("a", input="mine", by="ann")  # recorded; it runs at the resume
        assert (await session.detail()).nodes["a"].status == "suspended"
        assert patient.runs["a"] == 1
        await session.resume()
        result = await session.result()
        assert (result["attempt"], result["input"]) == (2, "mine")


async def test_a_person_mends_what_failed_after_a_restart(durable_url: str, patient: Patient) -> None:
    async with patient.open(durable_url) as runtime:
        session = await runtime.start(sick(on_error="suspend"), input=1)
        opened = (await until(session, "human_interaction_required"))[-1]
        assert opened.data["actions"] == ["retry", "skip", "reject"]
        assert (await runtime.row(session.id)).waits == ("a",)
    patient.cured = True
    async with patient.open(durable_url) as runtime:
        again = runtime.session(session.id)
        await again.retry_node("a", input=2, by="ann")
        result = await again.result()
        assert (result["attempt"], result["input"]) == (2, 2)
        assert (await runtime.row(session.id)).waits == ()
        contiguous(await collect(again))


async def test_a_replaced_input_survives_a_restart(durable_url: str, patient: Patient) -> None:
    async with patient.open(durable_url) as runtime:
        session = await runtime.start(sick(on_error="suspend"), input=1)
        await until(session, "human_interaction_required")
        seq = (await session.retry_node("a", input=2)).seq
        await until(session, "human_interaction_required", after=seq)
    patient.cured = True
    async with patient.open(durable_url) as runtime:
        again = runtime.session(session.id)
        await again.retry_node("a")
        assert (await again.result())["input"] == 2


async def test_a_failure_is_skipped_or_given_up(store_url: str, patient: Patient) -> None:
    async with patient.open(store_url) as runtime:
        first = await runtime.start(sick(on_error="suspend"))
        second = await runtime.start(sick(on_error="suspend"))
        for session in (first, second):
            await until(session, "human_interaction_required")
        await first.skip_node("a", {"instead": True})
        assert await first.result() == {"instead": True}
        await second.review("a", "reject", reviewer="ann")
        with pytest.raises(SessionEnded, match="not yet"):
            await second.result()
        for session in (first, second):
            with pytest.raises(NotWaiting):
                await session.retry_node("a")


OVERTAKEN = graph(
    {
        "s": ["fan"],
        "fan": {"type": "parallel", "next_ids": ["quick", "ask", "slow", "family"]},
        "quick": {"type": "step", "next_ids": ["j"]},
        "ask": {"type": "human_review", "properties": {"prompt": "?"}, "next_ids": ["j"]},
        "slow": {"type": "endless", "next_ids": ["j"]},
        "family": {
            "type": "map",
            "properties": {"items": [1], "workflow": graph({"c": {"type": "forever"}})},
            "next_ids": ["j"],
        },
        "j": {"type": "gate", "join": "any", "next_ids": ["l"]},
        "l": {"type": "loop", "next_ids": ["fan", "e"], "properties": {"max_rounds": 2}},
        "e": [],
    }
)
"""A review, a node without an end and a child session without one, which the loop doesn't wait for."""


async def test_what_a_loop_leaves_behind_is_stopped(store_url: str, patient: Patient) -> None:
    types = patient.registry()
    begun = {1: asyncio.Event(), 2: asyncio.Event()}
    ended = {1: asyncio.Event(), 2: asyncio.Event()}

    @types.node("endless")
    async def endless(context: Any) -> None:
        begun[context.round].set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended[context.round].set()

    born = asyncio.Event()

    @types.node("forever")
    async def forever(context: Any) -> None:
        born.set()
        await asyncio.get_running_loop().create_future()

    @types.node("gate")
    async def gate(context: Any) -> None:
        await begun[context.round].wait()
        await born.wait()
        if context.round == 2:
            await asyncio.get_running_loop().create_future()

    async with Runtime.open(store_url, registry=types) as runtime:
        session = await runtime.start(OVERTAKEN)
        await ended[1].wait()
        await begun[2].wait()
        orphan = await runtime.session(f"{session.id}~family~0").wait()
        assert orphan.error is not None
        assert orphan.error.message == "loop 'l' went round without it"
        assert not ended[2].is_set()
        assert (await runtime.row(session.id)).waits == ("ask",)
        await session.stop()
        await ended[2].wait()
        records = await collect(session)
    contiguous(records)
    failed = [r for r in records if r.node_id and r.data.get("status") == "failed"]
    assert [(r.node_id, r.data["round"], r.data["error"]["code"]) for r in failed] == [
        ("ask", 1, "overtaken"),
        ("slow", 1, "overtaken"),
        ("family", 1, "overtaken"),
        ("ask", 2, "stopped"),
        ("slow", 2, "stopped"),
        ("family", 2, "stopped"),
        ("j", 2, "stopped"),
    ]
