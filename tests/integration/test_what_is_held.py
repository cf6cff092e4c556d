"""A process that has seen many sessions holds no more than one that has seen few, whatever became of them."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from typing import Any

import pytest
from support.graphs import graph, registry
from support.watching import collect, until

from sessiond import NodeRegistry, Options, Runtime
from sessiond.actors.core.errors import CommandRefused, InvalidWorkflow, NotFound, SessionExists
from sessiond.persistence.memory import MemoryStore

REVIEW = {"type": "human_review", "properties": {"prompt": "?"}}


def types() -> NodeRegistry:
    made = registry()

    @made.node("fails")
    async def fails(context: Any) -> None:
        raise ValueError("no")

    @made.node("threaded")
    def threaded(context: Any) -> int:
        context.progress(0.5)
        return 1

    @made.node("hangs")
    async def hangs(context: Any) -> None:
        await asyncio.Event().wait()

    return made


def named(nodes: dict[str, Any], number: int) -> dict[str, Any]:
    """A graph like no other."""
    return graph(nodes) | {"workflow_id": f"w{number}"}


async def lead_a_life(runtime: Runtime, number: int) -> None:
    """Completed, failed, stopped, cancelled, forked, mapped, passivated, deleted and refused sessions."""
    completed = await runtime.start(named({"s": {"type": "threaded"}}, number), labels={"n": f"{number}"})
    failed = await runtime.start(named({"s": {"type": "fails"}}, number))
    stopped = await runtime.start(named({"s": {"type": "hangs"}}, number))
    cancelled = await runtime.start(named({"s": {"type": "hangs"}}, number))
    inner = {"workflow_id": f"inner{number}", "start_node_id": "s", "nodes": {"s": {"type": "threaded"}}}
    mapped = await runtime.start(
        named({"s": {"type": "map", "properties": {"items": [1, 2], "workflow": inner}}}, number)
    )
    waits = await runtime.start(named({"s": REVIEW}, number), session_id=f"w{number}")
    await until(waits, "human_interaction_required")
    leaver = asyncio.create_task(waits.wait())
    follower = asyncio.create_task(collect(waits))
    await waits.pause()
    await stopped.stop()
    await cancelled.cancel()
    await asyncio.gather(*[session.wait() for session in (completed, failed, stopped, cancelled, mapped)])
    forked = await completed.fork(from_node="s")
    await forked.wait()
    for task in (leaver, follower):
        task.cancel()
    await asyncio.wait([leaver, follower])
    with pytest.raises(SessionExists):
        await runtime.create(named({"s": []}, number), session_id=f"w{number}")
    with pytest.raises(InvalidWorkflow):
        await runtime.create(named({"s": ["nobody"]}, number))
    with pytest.raises(NotFound):
        await runtime.session(f"nobody{number}").pause()
    with pytest.raises(CommandRefused):
        await completed.pause()
    await waits.stop()
    for session in (completed, failed, stopped, cancelled, mapped, waits, forked):
        await runtime.delete(session.id)


def sizes(runtime: Runtime) -> Counter[str]:
    """How much is in every container that can be reached from the runtime, a store in memory aside, by its path."""
    found: Counter[str] = Counter()
    seen: set[int] = {id(runtime.store)} if isinstance(runtime.store, MemoryStore) else set()
    todo: list[tuple[str, Any]] = [("", runtime)]
    while todo:
        path, thing = todo.pop()
        if id(thing) in seen or isinstance(thing, (type, str, bytes, int)) or path.count(".") > 6:
            continue
        seen.add(id(thing))
        if hasattr(type(thing), "__len__"):
            found[path] += len(thing)
        fields = {name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())}
        fields |= set(getattr(thing, "__dict__", ()))
        if (type(thing).__module__ or "").startswith("sessiond"):
            todo += [(f"{path}.{name}", getattr(thing, name, None)) for name in fields if name != "__weakref__"]
        elif isinstance(thing, dict):
            todo += [(f"{path}.{type(value).__name__}", value) for value in list(thing.values())[:100]]
        elif isinstance(thing, (list, tuple, set)):
            todo += [(f"{path}.{type(value).__name__}", value) for value in list(thing)[:100]]
    return found


async def test_many_lives_leave_no_more_behind_than_few(store_url: str) -> None:
    held = []
    objects = []
    for count in (3, 30):
        async with Runtime.open(store_url, registry=types(), options=Options(grace_s=0.0)) as runtime:
            await runtime.recovered
            for number in range(count):
                await lead_a_life(runtime, number)
            while any(shard.sessions for shard in runtime.placement.shards):
                await runtime.presence.passivate()
                await asyncio.sleep(0)
            gc.collect()
            held.append(sizes(runtime))
            objects.append(Counter(type(each).__name__ for each in gc.get_objects()))
    few, many = held
    grown = {path: size for path, size in (many - few).items() if size > 5}
    # Of definitions some hundred are remembered, whoever used them: `actors/definitions.py` says how many.
    assert {path: size for path, size in grown.items() if "definitions._" not in path} == {}
    for kind in ("SessionActor", "SessionState", "NodeContext", "Attempts", "Subscription", "NodeExecutor", "Releases"):
        assert objects[1][kind] <= objects[0][kind] + 3, kind
