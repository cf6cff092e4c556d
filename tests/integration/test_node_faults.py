"""Whatever a node raises, hangs on or returns, only that node fails; its neighbours don't notice."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support.graphs import chain, graph, registry
from support.watching import collect, contiguous, until

from sessiond import NodeError, NodeRegistry, Runtime, SessionEnded
from sessiond.actors.core.errors import Overloaded

REVIEW = {"type": "human_review", "properties": {"prompt": "?"}}
CYCLE: list[Any] = []
CYCLE.append(CYCLE)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


def raises(error: BaseException | type[BaseException]) -> Callable[[Any], Any]:
    def body(_: Any) -> Any:
        raise error

    return body


FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "exception": (raises(ValueError("no")), "exception"),
    "node_error": (raises(NodeError("sold out", code="sold_out")), "sold_out"),
    "system_exit": (raises(SystemExit(3)), "exception"),
    "keyboard_interrupt": (raises(KeyboardInterrupt), "exception"),
    "generator_exit": (raises(GeneratorExit), "exception"),
    "cancelled": (raises(asyncio.CancelledError), "cancelled_error"),
    "recursion": (lambda c: (lambda f: f(f))(lambda f: f(f)), "exception"),
    "object": (lambda _: object(), "output_invalid"),
    "nan": (lambda _: {"x": float("nan")}, "output_invalid"),
    "cycle": (lambda _: CYCLE, "output_invalid"),
    "huge": (lambda _: "x" * 2_000_000, "output_too_large"),
    "surrogate": (lambda _: "\ud800", "output_invalid"),
    "surrogate_in_error": (raises(FileNotFoundError("no file \udcff.txt")), "exception"),
    "surrogate_in_node_error": (raises(NodeError("no \udcff")), "node_error"),
    "error_without_text": (raises(Unspeakable()), "exception"),
    "code_that_is_a_number": (raises(NodeError("no", code=404)), "404"),  # type: ignore[arg-type]
}


@pytest.fixture
def types() -> NodeRegistry:
    return registry()


@pytest.fixture
async def runtime(types: NodeRegistry) -> AsyncIterator[Runtime]:
    async with Runtime.open("memory://", registry=types) as opened:
        yield opened


@pytest.mark.parametrize("sync", [False, True], ids=["async", "thread"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_only_the_node_fails(runtime: Runtime, types: NodeRegistry, fault: str, sync: bool) -> None:
    body, code = FAULTS[fault]
    going = asyncio.Event()

    @types.node("bystander")
    async def bystander(context: Any) -> str:
        await going.wait()
        return "alive"

    if sync:
        types.node("bad")(body)
    else:

        @types.node("bad")
        async def bad(context: Any) -> Any:
            return body(context)

    other = await runtime.start(graph({"s": {"type": "bystander"}}))
    session = await runtime.start(graph({"s": ["b"], "b": {"type": "bad", "next_ids": ["e"]}, "e": []}))
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    assert ended.value.node_code == code
    detail = await session.detail()
    assert {n: node.status for n, node in detail.nodes.items()} == {"s": "completed", "b": "failed", "e": "skipped"}
    contiguous(await collect(session))
    going.set()
    assert await other.result() == "alive"


async def test_a_hanging_node_is_timed_out(runtime: Runtime, types: NodeRegistry) -> None:
    @types.node("hang")
    async def hang(context: Any) -> None:
        await asyncio.Event().wait()

    session = await runtime.start(graph({"s": {"type": "hang", "timeout_s": 0.01}}))
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    assert ended.value.node_code == "timeout"


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_parked_node_has_its_time_when_it_goes_on(runtime: Runtime, types: NodeRegistry, hangs: bool) -> None:
    begun, paused = asyncio.Event(), asyncio.Event()

    @types.node("parks")
    async def parks(context: Any) -> str:
        begun.set()
        await paused.wait()
        await context.checkpoint()
        if hangs:
            await asyncio.Event().wait()
        return "in time"

    session = await runtime.start(graph({"s": {"type": "parks", "timeout_s": 0.2}}))
    await begun.wait()
    await session.pause()
    paused.set()
    await until(session, "execution:quiesced")
    clock = await runtime.start(graph({"d": {"type": "delay", "properties": {"seconds": 0.4}}}))
    await clock.result()
    assert (await session.detail()).status == "paused"
    await session.resume()
    detail = await session.wait()
    assert (detail.error.code if detail.error else None) == ("timeout" if hangs else None)


class Speechless:
    """Records nothing, for it fails."""

    def attempt(self, *given: Any, **more: Any) -> Any:
        raise RuntimeError("no trace")


async def test_an_executor_that_dies_itself_fails_its_attempt(runtime: Runtime, types: NodeRegistry) -> None:
    runtime.resources.tracing = Speechless()  # type: ignore[assignment]
    session = await runtime.start(
        graph({"s": {"type": "step", "on_error": "continue", "next_ids": ["r"]}, "r": REVIEW})
    )
    await until(session, "human_interaction_required")
    error = (await session.detail()).nodes["s"].error
    assert error is not None
    assert "no trace" in error.message
    while runtime.awake(session.id):
        await runtime.presence.passivate()


async def test_a_timeout_of_the_node_itself_is_an_ordinary_error(runtime: Runtime, types: NodeRegistry) -> None:
    types.node("own")(raises(TimeoutError("theirs")))
    session = await runtime.start(graph({"s": {"type": "own", "timeout_s": 60}}))
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    assert ended.value.node_code == "exception"


async def test_stop_does_not_wait_for_a_node_that_ignores_it(runtime: Runtime, types: NodeRegistry) -> None:
    begun, free = threading.Event(), threading.Event()

    @types.node("deaf")
    def deaf(context: Any) -> None:
        begun.set()
        free.wait(30)

    session = await runtime.start(graph({"s": {"type": "deaf"}}))
    await asyncio.to_thread(begun.wait, 5)
    receipt = await session.stop()
    assert receipt.status == "failed"
    records = await collect(session)
    free.set()
    assert records[-1].event == "execution:completed"


async def test_what_a_node_emits_after_the_stop_is_dropped(runtime: Runtime, types: NodeRegistry) -> None:
    emitting, finished = asyncio.Event(), asyncio.Event()

    @types.node("chatty")
    async def chatty(context: Any) -> str:
        try:
            while True:
                await context.emit("word ")
                emitting.set()
                await asyncio.sleep(0)
        finally:
            context.record()
            finished.set()

    session = await runtime.start(graph({"s": {"type": "chatty"}}))
    await emitting.wait()
    receipt = await session.stop()
    await finished.wait()
    records = await collect(session)
    contiguous(records)
    assert records[-1].seq == receipt.seq == (await session.detail()).seq


async def test_what_an_attempt_emits_after_its_time_is_no_part_of_the_next_one(
    runtime: Runtime, types: NodeRegistry
) -> None:
    again, said = threading.Event(), threading.Event()

    @types.node("late")
    def late(context: Any) -> None:
        if context.attempt == 1:
            again.wait(10)
            context.emit("late")
            said.set()
        else:
            again.set()
            said.wait(10)
            context.emit("fresh")

    node = {"type": "late", "timeout_s": 0.05, "retry": {"max_attempts": 9, "initial_s": 0.001}}
    session = await runtime.start(graph({"s": node}))
    assert (await session.wait()).status == "completed"
    records = await collect(session)
    assert {record.data["chunk"] for record in records if record.event == "token_stream"} == {"fresh"}
    contiguous(records)


async def test_tools_run_on_threads_and_on_the_loop(runtime: Runtime, types: NodeRegistry) -> None:
    @types.tool("where")
    def where(n: int) -> dict[str, Any]:
        return {"n": n, "thread": threading.current_thread().name.rpartition("_")[0]}

    @types.tool("twice")
    async def twice(n: int) -> int:
        return 2 * n

    tool = {"type": "tool", "next_ids": ["t"], "properties": {"tool": "where", "arguments": {"n": "${input.n}"}}}
    then = {"type": "tool", "properties": {"tool": "twice", "arguments": {"n": "${nodes.s.output.n}"}}}
    session = await runtime.start(graph({"s": tool, "t": then}), input={"n": 4})
    assert await session.result() == 8
    output = (await collect(session))[3].data["output"]
    assert output == {"n": 4, "thread": "sessiond-node"}


async def test_a_threaded_node_streams_and_parks(runtime: Runtime, types: NodeRegistry) -> None:
    at_gate, paused = threading.Event(), threading.Event()

    @types.node("worker")
    def worker(context: Any) -> str:
        context.emit("one ")
        at_gate.set()
        paused.wait(5)
        context.checkpoint()
        context.progress(1.0, "done")
        return f"{context.node_id} {context.attempt}"

    session = await runtime.start(graph({"s": {"type": "worker"}}))
    await asyncio.to_thread(at_gate.wait, 5)
    await session.pause()
    paused.set()
    async for record in session.events():
        if record.event == "execution:quiesced":
            break
    assert (await session.detail()).in_flight == ()
    await session.resume()
    assert await session.result() == "s 1"
    assert [r.event for r in await collect(session) if r.event in ("token_stream", "progress")] == [
        "token_stream",
        "progress",
    ]


async def test_an_unknown_tool_and_a_failing_expression_fail_their_node(runtime: Runtime) -> None:
    for properties, code in [
        ({"tool": "nobody"}, "unknown_tool"),
        ({"tool": "nobody", "arguments": {"x": "${input.missing}"}}, "expression"),
        ({"tool": "${input.n}"}, "properties"),
    ]:
        session = await runtime.start(graph({"s": {"type": "tool", "properties": properties}}), input={"n": 1})
        with pytest.raises(SessionEnded) as ended:
            await session.result()
        assert ended.value.node_code == code


async def test_a_deep_fan_out_is_bounded_by_nothing_but_the_graph(runtime: Runtime) -> None:
    wide = {f"n{i}": ["j"] for i in range(500)}
    session = await runtime.start(graph({"s": list(wide), **wide, "j": []}))
    await session.result()
    assert sys.getrefcount(session) < 100
    assert await (await runtime.start(chain(200))).result()


async def test_a_flood_of_facts_is_refused_at_its_source(runtime: Runtime, types: NodeRegistry) -> None:
    @types.node("flood")
    async def flood(context: Any) -> str:
        for number in range(1_000_000):
            try:
                context.progress(message=f"{number}")
            except Overloaded:
                return "told to stop"
        return "nobody minded"

    session = await runtime.start(graph({"s": {"type": "flood"}}))
    assert await session.result() == "told to stop"


async def test_a_thread_that_cant_be_killed_is_abandoned_and_counted(
    runtime: Runtime, types: NodeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    begun, go = threading.Event(), threading.Event()

    @types.node("stuck")
    def stuck(_: Any) -> str:
        begun.set()
        go.wait()
        return "late"

    session = await runtime.start(graph({"n": {"type": "stuck"}}), session_id="s")
    await asyncio.to_thread(begun.wait)
    ref = runtime.placement.shard("s").sessions["s"]
    await session.stop("enough")
    await asyncio.to_thread(ref.actor_stopped.wait, 10)
    assert runtime.resources.abandoned == 1
    assert "session s, node n, attempt 1: a thread can't be killed" in caplog.text
    go.set()
    await runtime.resources.in_thread(lambda: None, logging.LoggerAdapter(logging.getLogger()))
    while runtime.resources.abandoned:
        await asyncio.sleep(0)
    detail = await session.detail()
    assert detail.nodes["n"].error is not None
    assert detail.nodes["n"].error.code == "stopped"
    contiguous(await collect(session))
