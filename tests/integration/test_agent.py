"""The agent node whatever its provider: demo, a provider of the host, and what is refused before the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import pytest
from support.graphs import graph
from support.watching import collect, contiguous, until

from sessiond import NodeContext, NodeRegistry, Options, Runtime, SessionEnded
from sessiond.actors.core.errors import InvalidWorkflow
from sessiond.actors.nodes.agent import AgentProperties, AgentType
from sessiond.actors.nodes.provider import Finish, Message, Piece, Text, Thinking, ToolSpec, Usage


class Parrot:
    """Repeats the conversation's last words, and waits where the test says so."""

    def __init__(self) -> None:
        self.hold: asyncio.Event | None = None
        self.hung_up = asyncio.Event()

    async def stream(
        self,
        context: NodeContext,
        properties: AgentProperties,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
    ) -> AsyncGenerator[Piece, None]:
        try:
            yield Thinking("Polly? ")
            yield Text(messages[-1].content)
            if self.hold is not None:
                await self.hold.wait()
            yield Usage(1, 2)
            yield Finish("stop")
        finally:
            self.hung_up.set()


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
async def runtime(parrot: Parrot) -> AsyncIterator[Runtime]:
    types = NodeRegistry()
    types.add(AgentType(providers={"parrot": parrot}))
    async with Runtime.open("memory://", registry=types, options=Options(grace_s=3600.0)) as opened:
        yield opened


def agent(**properties: Any) -> dict[str, Any]:
    return graph({"a": {"type": "agent", "properties": properties}})


async def test_demo_says_its_script(runtime: Runtime) -> None:
    demo = {"interval_s": 0, "script": "To be or not", "fields": [{"mood": "grave"}]}
    session = await runtime.start(agent(prompt="Say it", system_prompt="As Hamlet", demo=demo))
    output = {"text": "To be or not", "agent_id": "a", "model": "demo", "mood": "grave"}
    assert await session.result() == output
    records = await collect(session)
    contiguous(records)
    said = [record.data["chunk"] for record in records if record.event == "token_stream"]
    assert said == ["To ", "be ", "or ", "not"]
    (usage,) = [record.data for record in records if record.event == "token_usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (4, 4)


async def test_demo_says_the_same_each_time(runtime: Runtime) -> None:
    definition = agent(prompt="x", demo={"interval_s": 0, "tokens": 12})
    first, second = [await (await runtime.start(definition)).result() for _ in range(2)]
    assert first == second
    assert len(first["text"].split()) == 12


async def test_demo_can_answer_in_a_structure(runtime: Runtime) -> None:
    demo = {"interval_s": 0, "script": '{"n": 1}'}
    session = await runtime.start(agent(response_schema={"required": ["n"]}, demo=demo))
    assert (await session.result())["data"] == {"n": 1}


async def test_a_provider_of_the_host(runtime: Runtime) -> None:
    session = await runtime.start(agent(provider="parrot", model="grey", prompt="hello"))
    assert await session.result() == {"text": "hello", "agent_id": "a", "model": "grey", "finish_reason": "stop"}
    said = [record.data for record in await collect(session) if record.event == "token_stream"]
    assert said == [
        {"agent_id": "a", "chunk": "Polly? ", "is_thinking": True},
        {"agent_id": "a", "chunk": "hello"},
    ]


@pytest.mark.parametrize("command", ["stop", "cancel"])
async def test_the_end_of_the_session_interrupts_a_provider_that_waits(
    runtime: Runtime, parrot: Parrot, command: str
) -> None:
    parrot.hold = asyncio.Event()
    session = await runtime.start(agent(provider="parrot", prompt="hello"))
    await until(session, "token_stream")
    await getattr(session, command)()
    await parrot.hung_up.wait()


async def test_a_cancel_while_parked_hangs_up_too(runtime: Runtime, parrot: Parrot) -> None:
    parrot.hold = asyncio.Event()
    session = await runtime.start(agent(provider="parrot", prompt="hello"))
    await until(session, "token_stream")
    await session.pause()
    parrot.hold.set()
    await until(session, "execution:quiesced")
    await session.cancel()
    await parrot.hung_up.wait()


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"provider": "nobody"}, "there is no provider 'nobody'; known: demo, openai, parrot"),
        ({"provider": "openai"}, "an agent needs a prompt"),
        ({"response_schema": {"type": "integer-ish"}}, "$.nodes.a.properties.response_schema.type"),
        ({"api_key_env": "AWS_SECRET_ACCESS_KEY"}, "matching regex"),
        ({"max_tool_rounds": 101}, "<= 100"),
    ],
)
async def test_what_cannot_work_is_refused_before_the_start(
    runtime: Runtime, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        await runtime.start(agent(**properties))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("properties", "code"),
    [({"provider": "${input}"}, "unknown_provider"), ({"tools": ["nobody"]}, "unknown_tool")],
)
async def test_what_shows_only_at_the_start_fails_the_node(
    runtime: Runtime, properties: dict[str, Any], code: str
) -> None:
    session = await runtime.start(agent(**properties), input="nobody")
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    assert ended.value.node_code == code


async def test_a_time_out_of_the_providers_own_is_an_ordinary_error(runtime: Runtime, parrot: Parrot) -> None:
    class Slow(asyncio.Event):
        async def wait(self) -> Any:
            raise TimeoutError("theirs")

    parrot.hold = Slow()
    session = await runtime.start(agent(provider="parrot", prompt="hello"))
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    assert ended.value.node_code == "exception"
