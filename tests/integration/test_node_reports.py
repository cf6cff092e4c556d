"""What a node says while it runs, and of its failure, can be written down and read back, or the node alone fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.graphs import graph, registry
from support.watching import collect, contiguous

from sessiond import NodeError, Runtime
from sessiond.actors.core.events import Progress, ToolExecution

REPORTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "progress": (lambda c: c.progress(0.5, "file \udcff"), "fact_invalid"),
    "input": (lambda c: c.record(ToolExecution("t", "tool", object(), None)), "fact_invalid"),
    "no_fact": (lambda c: c.record("said"), "exception"),
    "bytes": (lambda c: c.emit(b"said"), "exception"),
}


@pytest.mark.parametrize("sync", [False, True], ids=["async", "thread"])
@pytest.mark.parametrize("report", REPORTS)
async def test_a_report_that_is_no_json_fails_the_node_that_made_it(report: str, sync: bool) -> None:
    say, code = REPORTS[report]
    types = registry()

    @types.node("neighbour")
    async def neighbour(context: Any) -> str:
        await context.emit("fine")
        return "fine"

    if sync:
        types.node("says")(say)
    else:

        @types.node("says")
        async def says(context: Any) -> None:
            said = say(context)
            if said is not None:
                await said

    nodes = {"s": ["a", "b"], "a": {"type": "says", "on_error": "continue"}, "b": {"type": "neighbour"}}
    async with Runtime.open("memory://", registry=types) as runtime:
        session = await runtime.start(graph(nodes))
        detail = await session.wait()
        assert detail.status == "completed"
        assert detail.nodes["a"].error is not None
        assert detail.nodes["a"].error.code == code
        assert detail.nodes["b"].attempt == 1
        contiguous(await collect(session))


async def test_half_a_surrogate_pair_is_streamed_escaped() -> None:
    types = registry()

    @types.node("model")
    async def model(context: Any) -> None:
        await context.emit("so \ud83d")
        await context.emit("\ude00 far, 中文")

    async with Runtime.open("memory://", registry=types) as runtime:
        session = await runtime.start(graph({"s": {"type": "model"}}))
        await session.result()
        chunks = [record.data["chunk"] for record in await collect(session) if record.event == "token_stream"]
    assert chunks == ["so \\ud83d", "\\ude00 far, 中文"]


async def test_a_failure_of_any_type_is_read_back_after_a_restart(tmp_path: Path) -> None:
    types = registry()

    @types.node("teapot")
    async def teapot(context: Any) -> None:
        raise NodeError(b"short and stout", code=418, retry_after="soon")  # type: ignore[arg-type]

    store = f"sqlite:///{tmp_path}/s.db"
    retry = {"max_attempts": 2, "initial_s": 0.01}
    async with Runtime.open(store, registry=types) as runtime:
        session = await runtime.start(graph({"s": {"type": "teapot", "retry": retry}}), session_id="s")
        before = await session.wait()
    async with Runtime.open(store, registry=types) as runtime:
        assert await runtime.detail("s") == before
        assert before.error is not None
        assert (before.error.code, before.nodes["s"].attempt) == ("418", 2)


async def test_a_tool_execution_is_recorded_as_it_was_when_it_was_reported() -> None:
    types = registry()

    @types.node("mutates")
    async def mutates(context: Any) -> None:
        given: dict[Any, Any] = {"n": 1}
        context.record(ToolExecution("a", "tool", given, None))
        given["n"] = {2}
        given["m"] = object()

    async with Runtime.open("memory://", registry=types) as runtime:
        session = await runtime.start(graph({"s": {"type": "mutates"}}))
        await session.result()
        executed = [record.data for record in await collect(session) if record.event == "tool_execution"]
    assert executed == [{"agent_id": "a", "tool": "tool", "input": {"n": 1}, "output": None}]


async def test_a_thread_is_told_that_its_report_was_refused() -> None:
    types = registry()

    @types.node("says")
    def says(context: Any) -> str:
        context.record(Progress(message="first"))
        try:
            context.progress(1.0, "file \udcff")
        except NodeError as refused:
            return refused.node_code
        return "nobody minded"

    async with Runtime.open("memory://", registry=types) as runtime:
        session = await runtime.start(graph({"s": {"type": "says"}}))
        assert await session.result() == "fact_invalid"
