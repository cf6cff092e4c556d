"""A user's own nodes in a real runtime: functions, generators and classes, on the loop and on threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import msgspec
import pytest
from support.graphs import graph, registry
from support.watching import collect, contiguous, until

from sessiond import NodeRegistry, Result, Runtime, SessionEnded
from sessiond.actors.core.errors import InvalidWorkflow


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    n: Annotated[int, msgspec.Meta(ge=1)]


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: str
    inner: list[Inner] = []


class Range(msgspec.Struct, frozen=True):
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low should not be above high")


@pytest.fixture
def types() -> NodeRegistry:
    return registry()


@pytest.fixture
async def runtime(types: NodeRegistry) -> AsyncIterator[Runtime]:
    async with Runtime.open("memory://", registry=types) as opened:
        yield opened


async def run(runtime: Runtime, type_: str, properties: Any = None, **given: Any) -> Any:
    session = await runtime.start(graph({"s": {"type": type_, "properties": properties or {}}}), **given)
    return await session.result()


async def failure(runtime: Runtime, type_: str, **given: Any) -> tuple[str, str]:
    with pytest.raises(SessionEnded) as ended:
        await run(runtime, type_, **given)
    return ended.value.node_code or "", str(ended.value)


def thread() -> str:
    return threading.current_thread().name.rpartition("_")[0]


async def test_properties_arrive_typed_with_expressions_resolved(runtime: Runtime, types: NodeRegistry) -> None:
    @types.node("typed")
    def typed(context: Any, properties: Given) -> Any:
        return [properties.word, [inner.n for inner in properties.inner], context.properties is properties]

    @types.node("attribute")
    class Attribute:
        properties: Given

        async def run(self, context: Any) -> Any:
            return self.properties.word

    given = {"word": "${input.word}", "inner": [{"n": 2}]}
    assert await run(runtime, "typed", given, input={"word": "tea"}) == ["tea", [2], True]
    assert await run(runtime, "attribute", {"word": "cup"}) == "cup"


async def test_wrong_properties_are_named_by_their_path(runtime: Runtime, types: NodeRegistry) -> None:
    @types.node("typed")
    def typed(context: Any, properties: Given) -> None: ...

    with pytest.raises(InvalidWorkflow) as caught:
        await run(runtime, "typed", {"word": 1, "inner": [{"n": 1}, {"n": 0}], "more": 1})
    assert {fault.path for fault in caught.value.faults} == {
        "$.nodes.s.properties.word",
        "$.nodes.s.properties.inner[1].n",
        "$.nodes.s.properties.more",
    }
    with pytest.raises(SessionEnded) as ended:
        await run(runtime, "typed", {"word": "${input.word}"}, input={"word": 3})
    assert ended.value.node_code == "properties"
    assert "$.word" in str(ended.value)


async def test_properties_that_fit_one_by_one_but_not_together_are_refused(
    runtime: Runtime, types: NodeRegistry
) -> None:
    @types.node("range")
    def range_(context: Any, properties: Range) -> int:
        return properties.high - properties.low

    assert await run(runtime, "range", {"low": 1, "high": 3}) == 2
    with pytest.raises(InvalidWorkflow) as caught:
        await run(runtime, "range", {"low": 3, "high": 1})
    assert [(f.path, f.message) for f in caught.value.faults] == [
        ("$.nodes.s.properties", "low should not be above high")
    ]


async def test_where_a_node_runs_can_be_chosen(runtime: Runtime, types: NodeRegistry) -> None:
    def where(context: Any) -> str:
        return thread()

    types.node("here", runs_in="loop")(where)
    types.node("there", runs_in="thread")(where)
    assert await run(runtime, "here") == thread()
    assert await run(runtime, "there") == "sessiond-node"


async def test_a_plain_function_that_returns_an_awaitable_is_awaited(runtime: Runtime, types: NodeRegistry) -> None:
    async def work() -> int:
        return 5

    types.node("late")(lambda context: work())
    types.node("late_here", runs_in="loop")(lambda context: work())
    assert await run(runtime, "late") == 5
    assert await run(runtime, "late_here") == 5


async def test_generators_stream_their_text(runtime: Runtime, types: NodeRegistry) -> None:
    @types.node("async_words")
    async def async_words(context: Any) -> AsyncIterator[str]:
        for word in ("one ", "two"):
            yield word

    @types.node("words")
    def words(context: Any) -> Iterator[str | Result]:
        yield "one "
        yield "two"
        yield Result({"words": 2, "thread": thread()})

    @types.node("class_words")
    class ClassWords:
        async def run(self, context: Any, properties: Given) -> AsyncIterator[str | Result]:
            yield "one "
            yield properties.word
            yield Result(None)

    for type_, output in [
        ("async_words", {"text": "one two"}),
        ("words", {"words": 2, "thread": "sessiond-node"}),
        ("class_words", None),
    ]:
        properties = {"word": "two"} if type_ == "class_words" else {}
        session = await runtime.start(graph({"s": {"type": type_, "properties": properties}}))
        assert await session.result() == output
        records = await collect(session)
        contiguous(records)
        assert [record.data["chunk"] for record in records if record.event == "token_stream"] == ["one ", "two"]


async def test_a_generator_parks_while_paused_and_is_closed_at_the_end(runtime: Runtime, types: NodeRegistry) -> None:
    yielded, go_on, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @types.node("endless")
    async def endless(context: Any) -> AsyncIterator[str]:
        try:
            while True:
                yield "word "
                yielded.set()
                await go_on.wait()
        finally:
            closed.set()

    session = await runtime.start(graph({"s": {"type": "endless"}}))
    await yielded.wait()
    await session.pause()
    go_on.set()
    await until(session, "execution:quiesced")
    await session.resume()
    await session.stop()
    await closed.wait()


async def test_a_threads_generator_is_closed_when_its_session_stops(runtime: Runtime, types: NodeRegistry) -> None:
    yielded, closed = threading.Event(), threading.Event()

    @types.node("endless")
    def endless(context: Any) -> Iterator[str]:
        try:
            while True:
                yield "word "
                yielded.set()
        finally:
            closed.set()

    session = await runtime.start(graph({"s": {"type": "endless"}}))
    assert await asyncio.to_thread(yielded.wait, 10)
    await session.stop()
    assert await asyncio.to_thread(closed.wait, 10)


async def test_what_goes_wrong_in_a_node_is_its_failure(runtime: Runtime, types: NodeRegistry) -> None:
    @types.node("constructor")
    class Constructor:
        def __init__(self) -> None:
            raise ValueError("not today")

        def run(self, context: Any) -> None: ...

    @types.node("stop_iteration")
    def stop_iteration(context: Any) -> None:
        next(iter(()))

    @types.node("stop_iteration_here", runs_in="loop")
    def stop_iteration_here(context: Any) -> None:
        next(iter(()))

    @types.node("number")
    async def number(context: Any) -> AsyncIterator[Any]:
        yield 1

    code, message = await failure(runtime, "constructor")
    assert code == "exception"
    assert message.endswith("ValueError: not today")
    assert (await failure(runtime, "stop_iteration"))[0] == "exception"
    assert (await failure(runtime, "stop_iteration_here"))[0] == "exception"
    assert (await failure(runtime, "number"))[0] == "yield_invalid"
