"""The actor system inside another service: no server, no socket, your own nodes and tools.

    python examples/embed.py

Sessions live in an SQLite file beside the service, so that a restart brings the unfinished ones back.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from sessiond import NodeContext, NodeError, Runtime, node, tool

STOCK = {"tea": 40, "coffee": 12, "mate": 0}


@tool("stock")
def stock(item: str) -> int:
    """How many there are. A plain function: it runs on a thread and may block."""
    return STOCK[item]


@node("pack")
async def pack(context: NodeContext) -> dict[str, int]:
    """Packs what was ordered, one by one. `checkpoint` is where a pause takes hold."""
    wanted, there = context.properties["wanted"], context.properties["there"]
    if there < wanted:
        raise NodeError(f"{wanted} wanted, {there} there", code="out_of_stock")
    for packed in range(1, wanted + 1):
        await context.checkpoint()
        context.progress(packed / wanted, f"{packed} of {wanted} packed")
        await asyncio.sleep(0.02)
    return {"packed": wanted}


ORDER = {
    "workflow_id": "order",
    "start_node_id": "start",
    "nodes": {
        "start": {"type": "start", "next_ids": ["look"]},
        "look": {
            "type": "tool",
            "next_ids": ["pack"],
            "properties": {"tool": "stock", "arguments": {"item": "${input.item}"}},
        },
        "pack": {
            "type": "pack",
            "next_ids": ["release"],
            "properties": {"wanted": "${input.count}", "there": "${nodes.look.output}"},
        },
        "release": {
            "type": "human_review",
            "next_ids": ["end"],
            "properties": {"prompt": "Ship ${nodes.pack.output.packed} of ${input.item}?"},
        },
        "end": {"type": "end", "properties": {"output": {"shipped": "${nodes.pack.output.packed}"}}},
    },
}


async def serve_orders(url: str) -> None:
    """What a service does: start, follow, pause, resume, answer, take the result."""
    async with Runtime.open(url) as runtime:
        session = await runtime.start(ORDER, input={"item": "tea", "count": 20}, labels={"customer": "ann"})
        paused = False
        async for event in session.events():
            match event.event:
                case "progress":
                    print(f"{event.seq:>3}  {event.data['message']}")
                    if event.data["fraction"] >= 0.5 and not paused:
                        paused = True
                        receipt = await session.pause(reason="the van is late")
                        print(f"{receipt.seq:>3}  paused; still at work: {list(receipt.in_flight)}")
                case "execution:quiesced":
                    print(f"{event.seq:>3}  quiet: nothing moves until the resume")
                    await session.resume()
                case "human_interaction_required":
                    print(f"{event.seq:>3}  {event.data['prompt']} Yes.")
                    await session.review(event.node_id or "", "approve", reviewer="the example")
        print("result:", await session.result())

        refused = await runtime.start(ORDER, input={"item": "mate", "count": 1})
        detail = await refused.wait()
        assert detail.error is not None
        print(f"the next order {detail.status}: {detail.error.code}, {detail.error.message}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve_orders(f"sqlite:///{Path(folder) / 'orders.db'}"))
