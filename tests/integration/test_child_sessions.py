"""Child sessions: `map` and `subworkflow` on a real runtime and every store; control and failure both ways."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from msgspec import Raw
from support.graphs import graph, registry
from support.watching import collect, contiguous, until

from sessiond import NodeError, NodeRegistry, Runtime, Session, SessionEnded
from sessiond.actors.core.errors import NotFound
from sessiond.actors.core.messages import Create
from sessiond.actors.openings import AT_ONCE


class Bench:
    """Node types of these tests, and what they saw: `work` counts, `hold` waits for its item to be let go.

    Attributes:
        broken: items that `work` fails on.
        after: which held item has to have begun before `work` goes on with one.
    """

    def __init__(self) -> None:
        self.registry: NodeRegistry = registry()
        self.runs: Counter[Any] = Counter()
        self.at_once = self.most = 0
        self.broken: set[Any] = set()
        self.after: dict[Any, Any] = {}
        self.begun: dict[Any, asyncio.Event] = {}
        self.let_go: dict[Any, asyncio.Event] = {}
        for name in ("work", "hold"):
            self.registry.node(name)(getattr(self, f"_{name}"))

    def opened(self, url: str) -> AbstractAsyncContextManager[Runtime]:
        return Runtime.open(url, registry=self.registry)

    def event(self, kind: dict[Any, asyncio.Event], item: Any) -> asyncio.Event:
        return kind.setdefault(item, asyncio.Event())

    async def _work(self, context: Any) -> Any:
        self.runs[context.input] += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        if context.input in self.after:
            await self.event(self.begun, self.after[context.input]).wait()
        self.at_once -= 1
        if context.input in self.broken:
            raise NodeError(f"{context.input} is broken", "broken")
        return {"item": context.input, "context": context.context}

    async def _hold(self, context: Any) -> Any:
        self.runs[context.input] += 1
        self.event(self.begun, context.input).set()
        await self.event(self.let_go, context.input).wait()
        await context.checkpoint()
        return context.input


@pytest.fixture
def bench() -> Bench:
    return Bench()


def child(kind: str = "work", workflow_id: str = "child", **node: Any) -> dict[str, Any]:
    return graph({"c": {"type": kind, **node}}) | {"workflow_id": workflow_id}


def mapped(items: Any, workflow: Any, concurrency: int = 10, **node: Any) -> dict[str, Any]:
    properties = {"items": items, "workflow": workflow, "concurrency": concurrency}
    return graph({"m": {"type": "map", "properties": properties, **node}})


def names(parent: str, count: int) -> Iterator[str]:
    return (f"{parent}~m~{index}" for index in range(count))


async def paused_family(bench: Bench, runtime: Runtime) -> Session:
    """Session `p`, paused with its one child, of which nothing works any more."""
    session = await runtime.start(mapped(["x"], child("hold")), session_id="p")
    await bench.event(bench.begun, "x").wait()
    await session.pause()
    bench.event(bench.let_go, "x").set()
    await until(session, "execution:quiesced")
    return session


async def statuses(runtime: Runtime, ids: Any) -> list[str]:
    return [(await runtime.row(session_id)).status for session_id in ids]


async def test_a_map_runs_a_child_for_each_item_and_keeps_their_order(bench: Bench, store_url: str) -> None:
    async with bench.opened(store_url) as runtime:
        definition = mapped("${input.items}", child(), concurrency=3)
        session = await runtime.start(definition, input={"items": list("abcdefg")}, context={"k": 1}, session_id="p")
        assert await session.result() == [{"item": letter, "context": {"k": 1}} for letter in "abcdefg"]
        assert 1 <= bench.most <= 3
        records = await collect(session)
        contiguous(records)
        for event in ("child:started", "child:ended"):
            told = [record.data["child_id"] for record in records if record.event == event]
            assert sorted(told) == list(names("p", 7))
        detail = await runtime.detail("p~m~3")
        assert (detail.parent_id, detail.status, bytes(detail.input)) == ("p", "completed", b'"d"')
        contiguous(await collect(runtime.session("p~m~3")))


async def test_expressions_in_a_childs_definition_are_its_own(bench: Bench) -> None:
    inner = graph({"e": {"type": "end", "properties": {"output": {"twice": "${input * 2}"}}}}) | {"workflow_id": "c"}
    async with bench.opened("memory://") as runtime:
        session = await runtime.start(mapped([1, 2], inner))
        assert await session.result() == [{"twice": 2}, {"twice": 4}]
        assert await (await runtime.start(mapped([], inner))).result() == []


async def test_a_subworkflow_runs_the_version_it_names(bench: Bench, store_url: str) -> None:
    first = graph({"e": {"type": "end", "properties": {"output": {"v": "1"}}}}) | {"workflow_id": "sub"}
    second = graph({"e": {"type": "end", "properties": {"output": {"v": "2", "in": "${input}"}}}})
    async with bench.opened(store_url) as runtime:
        old = await runtime.register(first)
        await runtime.register(second | {"workflow_id": "sub"})
        for named, output in (("sub", {"v": "2", "in": 7}), (f"sub@{old.version}", {"v": "1"})):
            node = {"type": "subworkflow", "properties": {"workflow_id": named, "input": 7}}
            assert await (await runtime.start(graph({"s": node}))).result() == output


async def test_a_failed_child_fails_the_node_and_stops_the_others(bench: Bench, store_url: str) -> None:
    inner = graph({"c": {"type": "switch", "next_ids": ["w", "h"], "properties": {
        "cases": [{"when": "input == 'bad'", "to": "w"}], "default": "h"}},
        "w": {"type": "work"}, "h": {"type": "hold"}}) | {"workflow_id": "either"}  # fmt: skip
    bench.broken, bench.after = {"bad"}, {"bad": "slow"}
    async with bench.opened(store_url) as runtime:
        await runtime.register(inner)
        session = await runtime.start(mapped(["slow", "bad"], "either", join="all"), session_id="p")
        with pytest.raises(SessionEnded, match="bad is broken") as ended:
            await session.result()
        assert ended.value.node_code == "child_failed"
        assert await statuses(runtime, names("p", 2)) == ["failed", "failed"]
        stopped = await runtime.detail("p~m~0")
        assert stopped.error is not None
        assert (stopped.error.code, stopped.error.by) == ("stopped", "p")
        failed_at = next(r.timestamp for r in await collect(session) if r.event == "error")
        assert stopped.ended_at is not None
        assert stopped.ended_at <= failed_at, "the children of a failed node have ended before anybody is told"


async def test_another_attempt_keeps_what_completed(bench: Bench, store_url: str) -> None:
    bench.broken = {"bad"}
    async with bench.opened(store_url) as runtime:
        definition = mapped(["a", "bad", "c"], child(), concurrency=1, on_error="suspend")
        session = await runtime.start(definition, session_id="p")
        await until(session, "human_interaction_required")
        bench.broken = set()
        await session.retry_node("m")
        assert [output["item"] for output in await session.result()] == ["a", "bad", "c"]
        assert bench.runs == {"a": 1, "bad": 2, "c": 1}
        assert (await runtime.row("p~m~1.a2")).status == "completed"


async def test_another_attempt_on_another_input_starts_anew(bench: Bench) -> None:
    bench.broken = {"bad"}
    async with bench.opened("memory://") as runtime:
        definition = mapped("${input}", child(), concurrency=1, on_error="suspend")
        session = await runtime.start(definition, input=["a", "bad"], session_id="p")
        await until(session, "human_interaction_required")
        await session.retry_node("m", input=["b", "good"])
        assert [output["item"] for output in await session.result()] == ["b", "good"]


async def test_pause_and_resume_reach_the_whole_family(bench: Bench, store_url: str) -> None:
    """Grandchildren too; the parent is quiet only when they are."""
    inner = mapped(["x", "y"], child("hold")) | {"workflow_id": "inner"}
    async with bench.opened(store_url) as runtime:
        session = await runtime.start(mapped([1], inner), session_id="p")
        await asyncio.gather(*[bench.event(bench.begun, item).wait() for item in "xy"])
        receipt = await session.pause("look")
        assert receipt.in_flight == ("m",)
        grandchildren = [f"p~m~0~m~{index}" for index in range(2)]
        for name in ["p~m~0", *grandchildren]:
            await until(runtime.session(name), "execution:paused")
        assert not (await session.detail()).quiesced
        for item in "xy":
            bench.event(bench.let_go, item).set()
        await until(session, "execution:quiesced")
        assert await statuses(runtime, grandchildren) == ["paused", "paused"]
        assert all([(await runtime.detail(name)).quiesced for name in grandchildren])
        await session.resume()
        assert await session.result() == [["x", "y"]]
        contiguous(await collect(session))


async def test_a_child_that_somebody_else_paused_stays_so(bench: Bench) -> None:
    async with bench.opened("memory://") as runtime:
        session = await runtime.start(mapped(["x"], child("hold")), session_id="p")
        await bench.event(bench.begun, "x").wait()
        one = runtime.session("p~m~0")
        await one.pause("mine", by="ann")
        await session.pause()
        await session.resume()
        bench.event(bench.let_go, "x").set()
        await until(one, "execution:quiesced")
        assert (await one.detail()).status == "paused"
        await one.resume()
        assert await session.result() == ["x"]


@pytest.mark.parametrize(("end", "status", "code"), [("stop", "failed", "stopped"), ("cancel", "cancelled", None)])
async def test_the_end_reaches_the_whole_family(
    bench: Bench, store_url: str, end: str, status: str, code: str | None
) -> None:
    inner = mapped(["x", "y"], child("hold")) | {"workflow_id": "inner"}
    async with bench.opened(store_url) as runtime:
        session = await runtime.start(mapped([1], inner), session_id="p")
        await asyncio.gather(*[bench.event(bench.begun, item).wait() for item in "xy"])
        await getattr(session, end)("enough")
        for name in ["p~m~0", "p~m~0~m~0", "p~m~0~m~1"]:
            ended = await runtime.ended(name)
            assert ended.status == status
            assert ended.error is not None
            assert ended.error.code == (code or "cancelled")
        await session.detail()


async def test_a_paused_family_ends_with_its_parent_after_a_restart(bench: Bench, durable_url: str) -> None:
    async with bench.opened(durable_url) as runtime:
        await paused_family(bench, runtime)
    async with bench.opened(durable_url) as runtime:
        await runtime.session("p").stop()
        assert (await runtime.ended("p~m~0")).status == "failed"


async def test_a_timeout_stops_the_children_first(bench: Bench) -> None:
    async with bench.opened("memory://") as runtime:
        session = await runtime.start(mapped(["x"], child("hold"), timeout_s=0.05), session_id="p")
        with pytest.raises(SessionEnded) as ended:
            await session.result()
        assert ended.value.node_code == "timeout"
        assert await statuses(runtime, names("p", 1)) == ["failed"]


async def test_a_cancelled_child_fails_the_node(bench: Bench) -> None:
    async with bench.opened("memory://") as runtime:
        session = await runtime.start(mapped(["x"], child("hold")), session_id="p")
        await bench.event(bench.begun, "x").wait()
        await runtime.session("p~m~0").cancel("not this one")
        with pytest.raises(SessionEnded, match="not this one") as ended:
            await session.result()
        assert ended.value.node_code == "child_cancelled"


async def test_a_family_goes_on_after_a_restart(bench: Bench, durable_url: str) -> None:
    """Nothing that completed runs again, and nobody is stopped because the process went down."""
    items = ["a", "b", "held", "d"]
    inner = graph({"c": {"type": "switch", "next_ids": ["w", "h"], "properties": {
        "cases": [{"when": "input != 'held'", "to": "w"}], "default": "h"}},
        "w": {"type": "work"}, "h": {"type": "hold"}}) | {"workflow_id": "either"}  # fmt: skip
    async with bench.opened(durable_url) as runtime:
        session = await runtime.start(mapped(items, inner, concurrency=2), session_id="p")
        await bench.event(bench.begun, "held").wait()
        ended = 0
        async for record in session.events():
            ended += record.event == "child:ended"
            if ended == 3:
                break
    bench.event(bench.let_go, "held").set()
    async with bench.opened(durable_url) as runtime:
        session = runtime.session("p")
        outputs = await session.result()
        assert [output["item"] if isinstance(output, dict) else output for output in outputs] == items
        assert bench.runs == {"a": 1, "b": 1, "held": 2, "d": 1}
        contiguous(await collect(session))


@pytest.mark.parametrize(
    ("parent", "status"),
    [("paused", "paused"), ("failed", "failed"), ("cancelled", "cancelled"), ("missing", "failed")],
)
async def test_a_child_follows_its_parent_if_a_crash_came_between(
    bench: Bench, durable_url: str, parent: str, status: str
) -> None:
    """The parent's word is stored, the child didn't hear it."""
    async with bench.opened(durable_url) as runtime:
        if parent != "missing":
            waiting = await runtime.start(graph({"r": {"type": "human_review", "properties": {"prompt": "?"}}}),
                                          session_id="p")  # fmt: skip
            await {"paused": waiting.pause, "failed": waiting.stop, "cancelled": waiting.cancel}[parent]()
        orphan = Create(session_id="p~m~0", input=Raw(b'"x"'), parent_id="p")
        workflow = runtime.definitions.compile(child("hold"))
        await runtime.definitions.keep(workflow, listed=False)
        await runtime.placement.create(workflow, orphan, fresh=True)
        await bench.event(bench.begun, "x").wait()
    async with bench.opened(durable_url) as runtime:
        await runtime.recovered
        if status != "paused":
            assert (await runtime.ended("p~m~0")).status == status
        else:
            await until(runtime.session("p~m~0"), "execution:quiesced")
            assert bench.runs == {"x": 1}


async def test_deleting_a_session_deletes_its_children(bench: Bench, store_url: str) -> None:
    inner = mapped(["x", "y"], child()) | {"workflow_id": "inner"}
    async with bench.opened(store_url) as runtime:
        session = await runtime.start(mapped([1, 2], inner), session_id="p")
        await session.result()
        await runtime.delete("p")
        for name in ["p", "p~m~0", "p~m~1", "p~m~0~m~0", "p~m~1~m~1"]:
            with pytest.raises(NotFound):
                await runtime.row(name)


async def test_a_family_is_deleted_whole_though_a_paused_child_never_heard_of_the_end(
    bench: Bench, durable_url: str
) -> None:
    """Its parent could never be deleted, nor expire."""
    async with bench.opened(durable_url) as runtime:
        session = await paused_family(bench, runtime)
        await runtime._children.close()  # as if the process were killed before it told the child
        await session.stop()
        assert await statuses(runtime, ["p", "p~m~0"]) == ["failed", "paused"]
    async with bench.opened(durable_url) as runtime:
        await runtime.delete("p")
        for name in ("p", "p~m~0"):
            with pytest.raises(NotFound):
                await runtime.row(name)


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"items": [1], "workflow": "nobody"}, "unknown_workflow"),
        ({"items": "${input.n}", "workflow": "child"}, "properties"),
        ({"items": "${input.many}", "workflow": "child"}, "too_many_items"),
        ({"items": ["${input.n}"], "workflow": "picky"}, "invalid_input"),
        ({"items": [1], "workflow": "endless"}, "child_failed"),
    ],
)
async def test_what_cant_be_started_says_why(bench: Bench, properties: dict[str, Any], code: str) -> None:
    endless = {"type": "subworkflow", "properties": {"workflow_id": "endless"}}
    async with bench.opened("memory://") as runtime:
        await runtime.register(child())
        await runtime.register(child(workflow_id="picky") | {"input_schema": {"type": "string"}})
        await runtime.register(graph({"s": endless}) | {"workflow_id": "endless"})
        session = await runtime.start(
            graph({"m": {"type": "map", "properties": properties}}), input={"n": 3, "many": [0] * 10_001}
        )
        with pytest.raises(SessionEnded) as ended:
            await session.result()
        assert ended.value.node_code == code


async def test_children_are_started_a_few_at_a_time_however_many_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench.opened("memory://") as runtime:
        create = runtime.placement.create
        opening = most = 0

        async def counted(*given: Any, **options: Any) -> Any:
            nonlocal opening, most
            opening += 1
            most = max(most, opening)
            try:
                return await create(*given, **options)
            finally:
                opening -= 1

        monkeypatch.setattr(runtime.placement, "create", counted)
        items = list(range(4 * AT_ONCE))
        bench.after = dict.fromkeys(items, "all")
        node = {"type": "map", "properties": {"items": items, "workflow": child(), "concurrency": len(items)}}
        session = await runtime.start(graph({"m": node}))
        while bench.at_once < len(items):
            await asyncio.sleep(0)
        bench.event(bench.begun, "all").set()
        assert len(await session.result()) == len(items)
        assert 1 < most <= AT_ONCE
