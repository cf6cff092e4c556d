"""Sessions on a real runtime and every store: run, watch, pause, resume, stop, cancel, review."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.graphs import chain, graph, registry
from support.watching import collect, contiguous, until

from sessiond import NodeRegistry, Runtime, Session, SessionEnded
from sessiond.actors.core.errors import CommandRefused, InvalidInput, NotFound, SessionExists
from sessiond.actors.core.events import Record


class Bench:
    """A runtime with nodes that the test holds and lets go."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.started: asyncio.Queue[str] = asyncio.Queue()
        self.go = asyncio.Event()

    async def begun(self, count: int) -> list[str]:
        return sorted([await self.started.get() for _ in range(count)])


@pytest.fixture
def types() -> NodeRegistry:
    return registry()


@pytest.fixture
async def bench(store_url: str, types: NodeRegistry) -> AsyncIterator[Bench]:
    async with Runtime.open(store_url, registry=types) as runtime:
        made = Bench(runtime)

        @types.node("held")
        async def held(context: Any) -> Any:
            made.started.put_nowait(context.node_id)
            await made.go.wait()
            return context.node_id

        @types.node("talker")
        async def talker(context: Any) -> Any:
            made.started.put_nowait(context.node_id)
            count = 0
            while not made.go.is_set():
                await context.checkpoint()
                await context.emit(f"{count} ")
                count += 1
                await asyncio.sleep(0)
            return count

        yield made


def held(*next_ids: str) -> dict[str, Any]:
    return {"type": "held", "next_ids": list(next_ids)}


async def test_a_session_runs_and_every_event_is_seen(bench: Bench) -> None:
    session = await bench.runtime.start(chain(3), input={"a": 1})
    assert await session.result() == {"node": "n3", "round": 1}
    records = await collect(session)
    contiguous(records)
    assert records[0].event == "execution:created"
    assert records[-1].event == "execution:completed"
    assert records[-1].data == {"status": "completed", "output": {"node": "n3", "round": 1}}
    assert [r.node_id for r in records if r.data.get("status") == "running"] == ["n1", "n2", "n3"]


async def test_a_late_watcher_sees_all_and_one_that_returns_sees_the_rest(bench: Bench) -> None:
    session = await bench.runtime.start(graph({"s": ["h"], "h": {"type": "talker", "next_ids": ["e"]}, "e": []}))
    await bench.begun(1)
    seen: list[Record] = []
    async for record in session.events():
        seen.append(record)
        if record.event == "token_stream" and len(seen) > 20:
            bench.go.set()
    contiguous(seen)
    assert seen[-1].event == "execution:completed"
    middle = len(seen) // 2
    rest = await collect(session, after=seen[middle].seq)
    assert [r.seq for r in rest] == [r.seq for r in seen[middle + 1 :]]


async def test_pause_is_quiet_until_resume(bench: Bench) -> None:
    nodes = {"s": ["a", "b"], "a": {"type": "talker", "next_ids": ["j"]}, "b": held("j"), "j": held()}
    session = await bench.runtime.start(graph(nodes))
    await bench.begun(2)
    receipt = await session.pause("lunch", by="ann")
    assert (receipt.status, receipt.changed, sorted(receipt.in_flight)) == ("paused", True, ["a", "b"])
    assert (await session.pause()).changed is False
    assert (await session.detail()).quiesced is False
    bench.go.set()  # b ends, a is parked: nothing is in flight any more
    quiet = await until(session, "execution:quiesced", after=receipt.seq)
    detail = await session.detail()
    assert (detail.status, detail.in_flight, detail.quiesced) == ("paused", (), True)
    assert detail.nodes["b"].status == "completed"
    assert not [r for r in quiet if r.data.get("status") == "running"]
    assert (await session.resume(by="ann")).status == "running"
    await session.result()
    assert (await session.detail()).nodes["j"].status == "completed"


async def test_pause_overtakes_a_flood_of_tokens(bench: Bench) -> None:
    talkers = {f"t{i}": {"type": "talker"} for i in range(5)}
    sessions = [await bench.runtime.start(graph({"s": list(talkers), **talkers})) for _ in range(10)]
    await bench.begun(50)
    loop = asyncio.get_running_loop()
    for session in sessions:
        began = loop.time()
        await session.pause()
        assert loop.time() - began < 1.0
    bench.go.set()
    for session in sessions:
        await session.stop()


@pytest.mark.parametrize(
    ("action", "status", "code"), [("stop", "failed", "stopped"), ("cancel", "cancelled", "cancelled")]
)
async def test_a_session_ends_by_command(bench: Bench, action: str, status: str, code: str) -> None:
    session = await bench.runtime.start(graph({"s": ["h"], "h": held("e"), "e": []}))
    await bench.begun(1)
    receipt = await getattr(session, action)("enough", by="ann")
    assert (receipt.status, receipt.changed, receipt.in_flight) == (status, True, ("h",))
    records = await collect(session)
    assert records[-1].seq == receipt.seq
    assert records[-1].data["status"] == status
    assert records[-1].data["error"] == {"code": code, "message": "enough", "by": "ann"}
    with pytest.raises(SessionEnded, match="enough"):
        await session.result()
    with pytest.raises(CommandRefused) as refused:
        await session.resume()
    assert refused.value.allowed == ()


async def test_a_cancelled_node_may_clean_up(bench: Bench, types: NodeRegistry) -> None:
    cleaned = asyncio.Event()

    @types.node("tidy")
    async def tidy(context: Any) -> None:
        bench.started.put_nowait("tidy")
        while not context.cancelled:
            await asyncio.sleep(0)
        cleaned.set()

    session = await bench.runtime.start(graph({"s": {"type": "tidy"}}))
    await bench.begun(1)
    await session.cancel()
    await asyncio.wait_for(cleaned.wait(), 5)


async def test_a_review_goes_round(bench: Bench) -> None:
    review = {"type": "human_review", "next_ids": ["e"], "properties": {"prompt": "${nodes.s.output.node}?"}}
    session = await bench.runtime.start(graph({"s": ["r"], "r": review, "e": {"type": "end"}}))
    opened = (await until(session, "human_interaction_required"))[-1]
    assert opened.data["prompt"] == "s?"
    assert (await bench.runtime.row(session.id)).waits == ("r",)
    await session.review("r", "modify", {"text": "better"}, reviewer="ann")
    assert await session.result() == {"action": "modify", "data": {"text": "better"}, "reviewer": "ann"}


async def test_a_delay_ends(bench: Bench) -> None:
    session = await bench.runtime.start(graph({"d": {"type": "delay", "properties": {"seconds": 0.01}}}))
    assert await session.result() == {"ended_by": "timer"}


async def test_a_deadline_ends_a_session(bench: Bench) -> None:
    session = await bench.runtime.start(graph({"h": held()}), deadline_s=0.01)
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    assert ended.value.node_code == "deadline"


async def test_the_same_request_twice_is_one_session(bench: Bench) -> None:
    first = await bench.runtime.create(chain(1), input=1, session_id="mine")
    assert await bench.runtime.create(chain(1), input=1, session_id="mine") == first
    with pytest.raises(SessionExists):
        await bench.runtime.create(chain(1), input=2, session_id="mine")
    with pytest.raises(InvalidInput):
        await bench.runtime.create(chain(1), session_id="a/b")


async def test_a_command_with_a_name_told_twice_at_once_happens_once(bench: Bench) -> None:
    session = await bench.runtime.start(graph({"a": held("w"), "w": {"type": "signal", "properties": {"name": "go"}}}))
    await bench.begun(1)
    told = [session.once("m1").signal("go", number) for number in range(3)]
    first, *others = await asyncio.gather(*told)
    assert others == [first, first]
    bench.go.set()
    named = [(record.event, record.command_id) async for record in session.events() if record.command_id]
    assert named == [("signal_received", "m1")]
    with pytest.raises(InvalidInput, match="128"):
        session.once("")


async def test_two_equal_requests_at_once_are_one_session(bench: Bench) -> None:
    answers = await asyncio.gather(*[bench.runtime.create(chain(1), input=1, session_id="mine") for _ in range(8)])
    assert len({(a.session_id, a.seq) for a in answers}) == 1
    contiguous(await collect(bench.runtime.session("mine")))


async def test_unknown_sessions_and_workflows(bench: Bench) -> None:
    ghost = bench.runtime.session("ghost")
    for call in (ghost.pause(), ghost.detail(), bench.runtime.start("ghost")):
        with pytest.raises(NotFound):
            await call


async def test_input_must_fit_its_schema(bench: Bench) -> None:
    definition = graph({"s": []}, input_schema={"type": "object", "required": ["topic"]})
    with pytest.raises(InvalidInput, match="topic"):
        await bench.runtime.start(definition, input={})
    with pytest.raises(InvalidInput, match="not a finite number"):
        await bench.runtime.start(chain(1), input=float("nan"))


async def test_registered_workflows_start_by_id_and_running_sessions_keep_theirs(bench: Bench) -> None:
    await bench.runtime.register(graph({"h": held()}))
    session = await bench.runtime.start("w")
    await bench.begun(1)
    await bench.runtime.register(chain(2))
    bench.go.set()
    assert await session.result() == "h"
    assert (await (await bench.runtime.start("w")).result())["node"] == "n2"


async def test_pending_sessions_wait_for_start(bench: Bench) -> None:
    created = await bench.runtime.create(chain(1), start=False)
    session: Session = bench.runtime.session(created.session_id)
    assert (await session.detail()).status == "pending"
    await session.start()
    await session.result()
