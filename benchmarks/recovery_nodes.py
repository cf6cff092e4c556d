"""The node type of the sessions that are killed: `sessiond serve --nodes recovery_nodes`."""

from __future__ import annotations

import asyncio
from typing import Any

from sessiond import NodeContext, node


@node("step")
async def step(context: NodeContext) -> Any:
    """Pass 1 KB of state on, one step further.

    The first attempt of the node that the input names stays in the middle of its work until the process is killed.
    With a `pace_s`, each step takes that long.
    """
    given = context.input
    if given["hold"] == context.node_id and context.attempt == 1:
        await asyncio.get_running_loop().create_future()
    if given["pace_s"]:
        await asyncio.sleep(given["pace_s"])
    state = next(iter(context.upstream.values()), None) or given["state"]
    return {**state, "i": state["i"] + 1}
