"""The workloads on LangGraph with its SQLite saver: `workloads_langgraph.py w1|w3|w4 URL full|quick` prints JSON.

As its users would write it: one compiled graph, a thread per session, every step checkpointed before the next
(`durability="sync"`), `interrupt` for the person.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from workload import PAYLOAD, Sizes, at_once, initial, percentile, resident_bytes, written_bytes


class State(TypedDict, total=False):
    i: int
    hist: list[str]
    data: str
    meta: dict[str, Any]
    grown: list[str]
    answer: Any


async def step(state: State) -> State:
    return {**state, "i": state["i"] + 1}


async def grow(state: State) -> State:
    return {"grown": [*state.get("grown", []), PAYLOAD]}


async def review(state: State) -> State:
    return {"answer": interrupt("?")}


def chain(body: Any, length: int) -> Any:
    graph = StateGraph(State)
    for i in range(length):
        graph.add_node(f"n{i}", body)
        graph.add_edge(START if not i else f"n{i - 1}", f"n{i}")
    graph.add_edge(f"n{length - 1}", END)
    return graph


def thread(name: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}, "recursion_limit": 1000}


async def main(workload: str, url: str, size: str) -> None:
    full = Sizes.of(size)
    sizes = full._replace(
        many=full.many // 10, waiting=full.waiting // 10, answered=full.answered // 10
    )  # it is slower
    async with AsyncSqliteSaver.from_conn_string(url.removeprefix("sqlite:///")) as saver:
        await saver.setup()
        match workload:
            case "w1":
                figures = await w1(saver, sizes)
            case "w3":
                figures = await w3(saver)
            case _:
                figures = await w4(saver, sizes)
    print(json.dumps(figures))


async def w1(saver: Any, sizes: Sizes) -> dict[str, float]:
    app = chain(step, 10).compile(checkpointer=saver)
    numbers = iter(range(10**9))

    async def one(_: int) -> None:
        done = await app.ainvoke(initial(), thread(f"a{next(numbers)}"), durability="sync")
        assert done["i"] == 10

    await at_once(sizes.warm, 10, one)
    _, single = await at_once(sizes.single, 1, one)
    seconds, _ = await at_once(sizes.many, 100, one)
    return {
        "W1 p50 ms, 1 at a time": percentile(single, 0.5) * 1e3,
        "W1 sessions/s, 100 at a time": sizes.many / seconds,
    }


async def w3(saver: Any) -> dict[str, float]:
    app = chain(grow, 200).compile(checkpointer=saver)
    before, began, times = written_bytes(), time.perf_counter(), []
    async for _ in app.astream(initial(), thread("grow"), durability="sync"):
        times.append(time.perf_counter())  # noqa: PERF401 - it is the moment that counts
    quarter = len(times) // 4
    return {
        "W3 seconds for 200 steps": time.perf_counter() - began,
        "W3 MB written": (written_bytes() - before) / 1e6,
        "W3 last / first quarter": (times[-1] - times[-quarter]) / (times[quarter - 1] - times[0]),
    }


async def w4(saver: Any, sizes: Sizes) -> dict[str, float]:
    app = chain(review, 1).compile(checkpointer=saver)

    async def start(number: int) -> None:
        await app.ainvoke(initial(), thread(f"w{number}"), durability="sync")

    async def answer(number: int) -> None:
        await app.ainvoke(Command(resume="approve"), thread(f"w{number}"), durability="sync")

    gc.collect()
    before = resident_bytes()
    seconds, _ = await at_once(sizes.waiting, 50, start)
    gc.collect()
    held = resident_bytes() - before
    _, took = await at_once(sizes.answered, 1, answer)
    return {
        "W4 started/s": sizes.waiting / seconds,
        "W4 KB per waiting session": held / sizes.waiting / 1024,
        "W4 p50 ms signal to end": percentile(took, 0.5) * 1e3,
        "W4 p99 ms signal to end": percentile(took, 0.99) * 1e3,
    }


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
