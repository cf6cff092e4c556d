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
async def test_questions_before_and_behind_a_refused_commit_are_answered(question: Any) -> None:
    async with Runtime.open("memory://", registry=registry(), writer=Desk) as runtime:
        tickets = runtime.writer.tickets
        creating = asyncio.create_task(runtime.create(REVIEW, session_id="s"))
        first = await tickets.get()
        ref = runtime.placement.shard("s").sessions["s"]
        before = ref.ask(question, block=False)
        pausing = asyncio.create_task(runtime.command("s", Pause()))
        second = await tickets.get()
        behind = ref.ask(question, block=False)
        first.settled(Fenced(0))
        for asked in (before, behind):
            with pytest.raises(Fenced):
                async with asyncio.timeout(5):
                    await asked
        second.settled(Fenced(0))
        for command in (creating, pausing):
            with pytest.raises(Fenced):
                await command
