"""A session whose commits are refused one after the other: whoever asks it in between is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.desk import Desk
from support.graphs import graph, registry

from sessiond import Runtime
from sessiond.actors.core.errors import Fenced
from sessiond.actors.core.messages import Pause
from sessiond.actors.queries import AwaitStored, Describe

REVIEW = graph({"r": {"type": "human_review", "properties": {"prompt": "?"}}})


@pytest.mark.parametrize("question", [Describe(), AwaitStored()])
async def test_a_question_between_two_refusals_is_answered(question: Any) -> None:
    async with Runtime.open("memory://", registry=registry(), writer=Desk) as runtime:
        tickets = runtime.writer.tickets
        creating = asyncio.create_task(runtime.create(REVIEW, session_id="s"))
        first = await tickets.get()
        ref = runtime.placement.shard("s").sessions["s"]
        pausing = asyncio.create_task(runtime.command("s", Pause()))
        second = await tickets.get()
        asked = ref.ask(question, block=False)
        first.settled(Fenced(0))
        with pytest.raises(Fenced):
            async with asyncio.timeout(5):
                await asked
        second.settled(Fenced(0))
        for command in (creating, pausing):
            with pytest.raises(Fenced):
                await command
