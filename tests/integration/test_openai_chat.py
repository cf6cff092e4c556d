"""Provider `openai` against a real endpoint: what streams, what is asked, and who may be asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from support.agents import KEY, agent, chat_with, code_of
from support.llm_server import LLMServer, calls, delta, ends, says
from support.watching import collect, contiguous, until

from sessiond import NodeRegistry, Runtime
from sessiond.actors.nodes.agent import AgentType, Price
from sessiond.actors.nodes.openai_chat import OpenAIChat

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.fixture
def types(llm: LLMServer) -> NodeRegistry:
    made = NodeRegistry()
    prices = {"m": Price(input_usd=2.0, output_usd=10.0)}
    made.add(AgentType(prices=prices, providers={"openai": chat_with(llm)}))
    return made


@pytest.fixture
async def runtime(types: NodeRegistry) -> AsyncIterator[Runtime]:
    async with Runtime.open("memory://", registry=types) as opened:
        yield opened


async def test_tokens_thoughts_and_usage_are_streamed_in_order(runtime: Runtime, llm: LLMServer) -> None:
    llm.reply(delta(role="assistant", content=""), delta(reasoning_content="Hm. "), delta(reasoning="Well. "))
    llm.script[0].steps += [*says("One ", "two."), *ends(input_tokens=1000, output_tokens=100)]
    session = await runtime.start(agent(system_prompt="Be brief.", temperature=0.5, max_tokens=9, agent_id="counter"))
    assert await session.result() == {
        "text": "One two.",
        "agent_id": "counter",
        "model": "m",
        "finish_reason": "stop",
    }
    records = await collect(session)
    contiguous(records)
    said = [record.data for record in records if record.event in ("token_stream", "token_usage")]
    assert said == [
        {"agent_id": "counter", "chunk": "Hm. ", "is_thinking": True},
        {"agent_id": "counter", "chunk": "Well. ", "is_thinking": True},
        {"agent_id": "counter", "chunk": "One "},
        {"agent_id": "counter", "chunk": "two."},
        {"agent_id": "counter", "input_tokens": 1000, "output_tokens": 100, "estimated_cost_usd": 0.003},
    ]
    (seen,) = llm.seen
    assert seen.authorization == f"Bearer {KEY}"
    assert seen.body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How many?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 9,
    }


async def test_tokens_are_seen_while_the_endpoint_still_streams(runtime: Runtime, llm: LLMServer) -> None:
    rest = asyncio.Event()
    llm.reply(says("Early "), rest, says("late."), ends())
    session = await runtime.start(agent())
    assert (await until(session, "token_stream"))[-1].data["chunk"] == "Early "
    rest.set()
    assert (await session.result())["text"] == "Early late."


async def test_an_endpoint_that_sends_neither_usage_nor_end_mark_will_do(runtime: Runtime, llm: LLMServer) -> None:
    llm.reply(says("Yes."), delta("length"))
    session = await runtime.start(agent())
    assert (await session.result())["finish_reason"] == "length"
    assert "token_usage" not in [record.event for record in await collect(session)]


async def test_tools_run_on_threads_and_on_the_loop(runtime: Runtime, types: NodeRegistry, llm: LLMServer) -> None:
    @types.tool("add")
    def add(a: int, function: int = 0) -> int:
        """Add two numbers."""
        return a + function

    @types.tool("shout")
    async def shout(text: str) -> str:
        return text.upper()

    llm.reply(calls(0, "add", '{"a"', "c1"), calls(1, "shout", "", "c2"), calls(0, None, ': 2, "function": 5}'))
    llm.script[0].steps += [calls(1, None, '{"text": "hi"}'), *ends("tool_calls")]
    llm.reply(says("7 HI"), ends())
    session = await runtime.start(agent(tools=["add", "shout"]))
    assert (await session.result())["text"] == "7 HI"
    facts = [r.data for r in await collect(session) if r.event == "tool_execution"]
    assert facts == [
        {"agent_id": "a", "tool": "add", "input": {"a": 2, "function": 5}, "output": 7},
        {"agent_id": "a", "tool": "shout", "input": {"text": "hi"}, "output": "HI"},
    ]
    first, second = (seen.body for seen in llm.seen)
    assert first["tools"][0]["function"]["description"] == "Add two numbers."
    assert first["tools"][0]["function"]["parameters"]["required"] == ["a"]
    asked, *answers = second["messages"][1:]
    assert [call["function"]["arguments"] for call in asked["tool_calls"]] == [
        '{"a": 2, "function": 5}',
        '{"text": "hi"}',
    ]
    assert answers == [
        {"role": "tool", "content": "7", "tool_call_id": "c1"},
        {"role": "tool", "content": "HI", "tool_call_id": "c2"},
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("add", '{"a": 1', "truncated"),
        ("add", '{"a": "one"}', "$.a: expected `int`, got `str`"),
        ("add", '{"a": 1, "z": 2}', "unknown field `z`"),
        ("drop", "{}", "there is no tool 'drop'; offered: add"),
    ],
)
async def test_the_model_is_told_of_a_wrong_call(
    runtime: Runtime, types: NodeRegistry, llm: LLMServer, name: str, arguments: str, complaint: str
) -> None:
    @types.tool("add")
    async def add(a: int) -> int:
        raise AssertionError("never called")

    @types.tool("drop")
    async def drop() -> None:
        raise AssertionError("never offered")

    llm.reply(calls(0, name, arguments, "c1"), ends("tool_calls"))
    llm.reply(says("Sorry."), ends())
    session = await runtime.start(agent(tools=["add"]))
    assert (await session.result())["text"] == "Sorry."
    assert complaint in json.loads(llm.seen[1].body["messages"][-1]["content"])["error"]


async def test_a_tool_that_raises_fails_the_node(runtime: Runtime, types: NodeRegistry, llm: LLMServer) -> None:
    @types.tool("burn")
    def burn() -> None:
        raise ValueError("hot")

    llm.reply(calls(0, "burn", "", "c1"), ends("tool_calls"))
    assert await code_of(await runtime.start(agent(tools=["burn"]))) == "exception"


async def test_a_model_that_only_calls_tools_is_ended(runtime: Runtime, types: NodeRegistry, llm: LLMServer) -> None:
    ran = []

    @types.tool("again")
    async def again() -> None:
        ran.append(1)

    llm.reply(calls(0, "again", "{}", "c1"), ends("tool_calls"))
    session = await runtime.start(agent(tools=["again"], max_tool_rounds=2))
    assert await code_of(session) == "tool_rounds"
    assert (len(ran), len(llm.seen)) == (2, 3)


async def test_a_structured_answer_is_checked_and_decoded(runtime: Runtime, llm: LLMServer) -> None:
    llm.reply(says('{"n"', ": 4}"), ends())
    assert (await (await runtime.start(agent(response_schema=SCHEMA))).result())["data"] == {"n": 4}
    asked = llm.seen[0].body["response_format"]
    assert asked == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}


@pytest.mark.parametrize("answer", ['{"n": "four"}', '{"n": 4', "I'd rather not."])
async def test_an_answer_that_does_not_fit_fails_the_node(runtime: Runtime, llm: LLMServer, answer: str) -> None:
    llm.reply(says(answer), ends())
    assert await code_of(await runtime.start(agent(response_schema=SCHEMA))) == "response_schema"


async def test_a_pause_parks_between_tokens(runtime: Runtime, llm: LLMServer) -> None:
    rest = asyncio.Event()
    llm.reply(says("One "), rest, says("two "), says("three."), ends())
    session = await runtime.start(agent())
    await until(session, "token_stream")
    await session.pause()
    rest.set()
    seen = await until(session, "execution:quiesced")
    assert [record.data["chunk"] for record in seen if record.event == "token_stream"] == ["One "]
    await session.resume()
    assert (await session.result())["text"] == "One two three."
    events = [record.event for record in await collect(session)]
    assert events.index("execution:resumed") < events.index("token_stream", events.index("execution:paused"))


async def test_a_workflow_cannot_send_keys_to_an_endpoint_of_its_choice(runtime: Runtime, llm: LLMServer) -> None:
    session = await runtime.start(agent(base_url="http://127.0.0.1:9/v1"))
    assert await code_of(session) == "endpoint_refused"
    assert await code_of(await runtime.start(agent(api_key_env="${input}"), input="HOME")) == "properties"
    assert await code_of(await runtime.start(agent(api_key_env="OTHER_API_KEY"))) == "key_missing"
    assert llm.seen == []


async def test_a_host_may_allow_more_endpoints(llm: LLMServer) -> None:
    types = NodeRegistry()
    types.add(AgentType(providers={"openai": OpenAIChat(endpoints=[llm.url], environ={})}))
    llm.reply(says("Hi."), ends())
    async with Runtime.open("memory://", registry=types) as runtime:
        session = await runtime.start(agent(base_url=llm.url + "/", api_key_env=None))
        assert (await session.result())["text"] == "Hi."


async def test_the_endpoint_is_told_the_trace_that_the_session_belongs_to(runtime: Runtime, llm: LLMServer) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    llm.reply(*says("Yes."), *ends())
    await (await runtime.start(agent(), trace=trace)).result()
    await (await runtime.start(agent(), trace="nonsense")).result()
    assert [seen.traceparent for seen in llm.seen] == [trace, None]
