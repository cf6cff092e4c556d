"""Agents that wait because their tenant's model budget is used up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.graphs import graph
from support.watching import collect, until

from sessiond import NodeContext, NodeRegistry, Options, Runtime, Session, SessionEnded
from sessiond.actors.model_budget import WAITS
from sessiond.actors.nodes.agent import AgentProperties, AgentType
from sessiond.actors.nodes.provider import Finish, Message, Piece, Text, ToolCall, ToolSpec, Usage


class Spender:
    """Says what it was told to, and that it used what the test says.

    Attributes:
        used: by a call, in its answer; None for not a word about it.
        calls: when each came, by the loop's clock.
        rounds: calls that ask for a tool before one answers.
        cut: whether the answer breaks off.
    """

    def __init__(self) -> None:
        self.used: Usage | None = None
        self.calls: list[float] = []
        self.rounds = 0
        self.cut = False

    async def stream(
        self, context: NodeContext, properties: AgentProperties, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[Piece, None]:
        self.calls.append(asyncio.get_running_loop().time())
        for word in messages[-1].content.split():
            yield Text(word)
        if self.cut:
            raise RuntimeError("cut")
        if self.used is not None:
            yield self.used
        if self.rounds:
            self.rounds -= 1
            yield ToolCall("1", "look", "{}")
        yield Finish("stop")


class Bank:
    """A runtime with a budget, and what its agents spend it on."""

    def __init__(self, runtime: Runtime, spender: Spender) -> None:
        self.runtime = runtime
        self.spender = spender

    async def start(self, tenant: str = "acme", node: dict[str, Any] | None = None, **properties: Any) -> Session:
        given = {"provider": "spender", "prompt": "one two three", **properties}
        return await self.runtime.start(
            graph({"a": {"type": "agent", "properties": given, **(node or {})}}), tenant=tenant
        )

    async def in_debt(self) -> None:
        """Have tenant acme spend what it won't have made up for in an hour."""
        self.spender.used = Usage(1, 10_000)
        await (await self.start()).result()

    def waiting(self) -> int:
        return self.runtime.resources.models.waiting


@asynccontextmanager
async def bank_with(per_minute: int | None) -> AsyncIterator[Bank]:
    types, spender = NodeRegistry(), Spender()
    types.add(AgentType(providers={"spender": spender}))

    @types.tool("look")
    async def look() -> str:
        """Look."""
        return "seen"

    options = Options(grace_s=3600.0, model_tokens_per_minute=per_minute)
    async with Runtime.open("memory://", registry=types, options=options) as runtime:
        yield Bank(runtime, spender)


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    """Of a hundred tokens a minute."""
    async with bank_with(100) as opened:
        yield opened


def said(records: Sequence[Any]) -> list[str]:
    return [record.data["message"] for record in records if record.event == "progress"]


async def test_an_agent_goes_on_when_its_tenants_debt_is_made_up_for() -> None:
    async with bank_with(60_000) as bank:
        bank.spender.used = Usage(60_000, 100)  # a hundred over it, at a thousand a second
        await (await bank.start()).result()
        second = await bank.start()
        await second.result()
        assert said(await collect(second)) == [WAITS]
        first_call, second_call = bank.spender.calls
        assert second_call - first_call >= 0.1
        assert bank.waiting() == 0


async def test_between_calls_for_tools_it_waits_too(bank: Bank) -> None:
    bank.spender.used, bank.spender.rounds = Usage(1, 10_000), 1
    session = await bank.start(tools=["look"])
    seen = await until(session, "progress")
    assert [record.event for record in seen][-2:] == ["tool_execution", "progress"]
    assert (len(bank.spender.calls), bank.waiting()) == (1, 1)
    await session.cancel()


async def test_another_tenant_and_what_is_no_agent_do_not_wait(bank: Bank) -> None:
    await bank.in_debt()
    waits = await bank.start()
    await until(waits, "progress")
    other = await bank.start("zeta")
    assert (await other.result())["text"] == "onetwothree"
    assert said(await collect(other)) == []
    assert (bank.waiting(), len(bank.spender.calls)) == (1, 2)


async def test_demo_counts_as_other_providers_do(bank: Bank) -> None:
    demo = {"interval_s": 0, "tokens": 200}
    await (await bank.start(provider="demo", demo=demo)).result()
    await until(await bank.start(provider="demo", demo=demo), "progress")
    models = bank.runtime.resources.models
    assert (models.input_tokens, models.output_tokens) == (3, 200)


@pytest.mark.parametrize("cut", [False, True])
async def test_an_answer_whose_use_is_not_told_counts_by_its_pieces(bank: Bank, cut: bool) -> None:
    bank.spender.cut = cut
    session = await bank.start(prompt="word " * 200)
    if cut:
        with pytest.raises(SessionEnded):
            await session.result()
    else:
        await session.result()
    await until(await bank.start(), "progress")


async def test_a_pause_parks_it_and_a_resume_lets_it_wait_on_without_another_word(bank: Bank) -> None:
    await bank.in_debt()
    session = await bank.start()
    await until(session, "progress")
    for _ in range(3):
        await session.pause()
        await until(session, "execution:quiesced", after=(await session.detail()).seq - 1)
        await session.resume()
    assert bank.waiting() == 1
    await session.stop()
    assert said(await collect(session)) == [WAITS]
    while bank.waiting():
        await asyncio.sleep(0)


@pytest.mark.parametrize("action", ["stop", "cancel"])
async def test_the_end_of_its_session_ends_the_wait_at_once(bank: Bank, action: str) -> None:
    await bank.in_debt()
    session = await bank.start()
    await until(session, "progress")
    await getattr(session, action)()
    while bank.waiting():
        await asyncio.sleep(0)
    assert len(bank.spender.calls) == 1


async def test_the_wait_is_part_of_the_nodes_time(bank: Bank) -> None:
    await bank.in_debt()
    session = await bank.start(node={"timeout_s": 0.05})
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    assert ended.value.node_code == "timeout"
    assert (bank.waiting(), len(bank.spender.calls)) == (0, 1)


async def test_without_a_budget_nobody_waits() -> None:
    async with bank_with(None) as bank:
        await bank.in_debt()
        session = await bank.start()
        await session.result()
        assert said(await collect(session)) == []
