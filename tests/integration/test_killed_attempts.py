"""An attempt that is ended before it took its first step leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

from support.graphs import graph, registry

from sessiond import Runtime
from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.mailbox import Kill
from sessiond.actors.executor import NodeExecutor


class KillsAtBirth(LoopDispatcher):
    """Ends executors before their first turn, as a stop does on a loop that has much else to do."""

    def launch(self, actor_class: Any, parent: Any, args: Any, kwargs: Any) -> Any:
        """Start an actor."""
        ref = super().launch(actor_class, parent, args, kwargs)
        if actor_class is NodeExecutor:
            args[1].cancelled = True
            self.loop.call_soon(ref.tell, Kill())
        return ref


async def test_a_session_leaves_memory_whose_node_was_killed_before_it_began() -> None:
    types = registry()

    @types.node("work")
    async def work(context: Any) -> str:
        return "it ran"

    async with Runtime.open("memory://", registry=types, dispatcher=KillsAtBirth) as runtime:
        session = await runtime.start(graph({"s": {"type": "work"}}), session_id="s")
        ref = runtime.placement.shard("s").sessions["s"]
        receipt = await session.stop()
        assert receipt.status == "failed"
        await asyncio.wait_for(asyncio.to_thread(ref.actor_stopped.wait), 10)
        assert not runtime.placement.shard("s").sessions
