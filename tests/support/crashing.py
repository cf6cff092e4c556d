"""A process that runs sessions and is meant to be killed: `python crashing.py URL COUNT LOG`.

Each start of a node is written to LOG before its body begins, as `session node attempt`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from sessiond import NodeRegistry, Runtime

STEPS = 10


def definition() -> dict[str, Any]:
    """Ten steps; the third streams tokens beside a sibling."""
    nodes: dict[str, Any] = {
        f"n{i}": {"type": "step", "next_ids": [f"n{i + 1}"] if i < STEPS - 1 else []} for i in range(STEPS)
    }
    nodes["n2"]["next_ids"] = ["n3", "side"]
    nodes["side"] = {"type": "talk", "next_ids": ["n4"]}
    return {"workflow_id": "crash", "start_node_id": "n0", "nodes": nodes}


def registry(log: str) -> NodeRegistry:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    types = NodeRegistry()

    def note(context: Any) -> None:
        os.write(descriptor, f"{context.session_id} {context.node_id} {context.attempt}\n".encode())

    @types.node("step")
    async def step(context: Any) -> Any:
        note(context)
        await asyncio.sleep(0.01)
        return context.node_id

    @types.node("talk")
    async def talk(context: Any) -> Any:
        note(context)
        for i in range(20):
            await context.emit(f"word{i} ")
            await asyncio.sleep(0.002)
        return "talked"

    return types


async def main(url: str, count: int, log: str) -> None:
    async with Runtime.open(url, registry=registry(log)) as runtime:
        for number in range(count):
            created = await runtime.create(definition(), session_id=f"s{number}")
            print("acknowledged", created.session_id, created.seq, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
