"""Provider `openai` against a real endpoint: what streams, what is asked, what goes wrong, and how it hangs up."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from support.graphs import graph
from support.llm_server import CUT, DONE, LLMServer, calls, delta, ends, llm_server, says
from support.watching import collect, contiguous, until

from sessiond import NodeError, NodeRegistry, Options, Runtime, Session, SessionEnded
from sessiond.actors.nodes.agent import AgentType, Price
from sessiond.actors.nodes.openai_chat import OpenAIChat

KEY = "sk-very-secret-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.fixture
async def llm() -> AsyncIterator[LLMServer]:
    async with llm_server() as server:
        yield server


def chat_with(llm: LLMServer, idle_s: float = 3600.0) -> OpenAIChat:
    return OpenAIChat(environ={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": llm.url}, idle_s=idle_s)


@pytest.fixture
def types(llm: LLMServer) -> NodeRegistry:
    made = NodeRegistry()
    prices = {"m": Price(input_usd=2.0, output_usd=10.0)}
    made.add(AgentType(prices=prices, providers={"openai": chat_with(llm)}))
    return made


@pytest.fixture
async def runtime(types: NodeRegistry) -> AsyncIterator[Runtime]:
    async with Runtime.open("memory://", registry=types, options=Options(grace_s=3600.0)) as opened:
        yield opened


def agent(**properties: Any) -> dict[str, Any]:
    given = {"provider": "openai", "model": "m", "prompt": "How many?", **properties}
    return graph({"a": {"type": "agent", "properties": given}})


async def code_of(session: Session) -> str:
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    return ended.value.node_code


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
    def add(a: int, function: int = 5) -> int:
        """Add two numbers."""
        return a + function

    @types.tool("shout")
    async def shout(text: str) -> str:
        return text.upper()

    llm.reply(calls(0, "add", '{"a"', "c1"), calls(1, "shout", "", "c2"), calls(0, None, ": 2}"))
    llm.script[0].steps += [calls(1, None, '{"text": "hi"}'), *ends("tool_calls")]
    llm.reply(says("7 HI"), ends())
    session = await runtime.start(agent(tools=["add", "shout"]))
    assert (await session.result())["text"] == "7 HI"
    facts = [r.data for r in await collect(session) if r.event == "tool_execution"]
    assert facts == [
        {"agent_id": "a", "tool": "add", "input": {"a": 2}, "output": 7},
        {"agent_id": "a", "tool": "shout", "input": {"text": "hi"}, "output": "HI"},
    ]
    first, second = (seen.body for seen in llm.seen)
    assert first["tools"][0]["function"]["description"] == "Add two numbers."
    assert first["tools"][0]["function"]["parameters"]["required"] == ["a"]
    asked, *answers = second["messages"][1:]
    assert [call["function"]["arguments"] for call in asked["tool_calls"]] == ['{"a": 2}', '{"text": "hi"}']
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


OVERLOADED = {"error": {"message": f"too many with {KEY}", "type": "server_error", "code": None}}
FAULTS: dict[str, tuple[list[Any], int, str]] = {
    "429": ([{"error": {"message": "slow down"}}], 429, "rate_limited"),
    "quota": ([{"error": {"message": "pay", "code": "insufficient_quota"}}], 429, "provider_refused"),
    "500": ([b"<html>oh</html>"], 500, "provider_unavailable"),
    "503": ([OVERLOADED], 503, "provider_unavailable"),
    "400": ([{"error": {"message": f"bad {KEY}"}}], 400, "provider_refused"),
    "401": ([{"error": {"message": f"Incorrect key {KEY}"}}], 401, "provider_refused"),
    "404": ([{"detail": "Not Found"}], 404, "provider_refused"),
    "redirect": ([], 307, "provider_refused"),
    "cut_at_once": ([CUT], 200, "provider_unavailable"),
    "cut": ([*says("Half a "), CUT], 200, "stream_cut"),
    "ended_early": ([*says("Half a ")], 200, "stream_cut"),
    "ended_early_with_mark": ([*says("Half a "), DONE], 200, "stream_cut"),
    "broken_json": ([*says("Half a "), b'data: {"choices": [\n\n'], 200, "response_malformed"),
    "other_json": ([b'data: {"choices": 5}\n\n'], 200, "response_malformed"),
    "not_utf8": ([b"data: \xff\xfe\n\n"], 200, "response_malformed"),
    "error_event": ([*says("Half a "), OVERLOADED], 200, "provider_unavailable"),
    "limit_event": ([{"error": {"message": "slow", "code": "rate_limit_exceeded"}}], 200, "rate_limited"),
    "refused_event": ([{"error": {"message": "long", "type": "invalid_request_error"}}], 200, "provider_refused"),
    "endless": ([*says("x" * 1_200_000), *ends()], 200, "output_too_large"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_has_its_code(
    runtime: Runtime, llm: LLMServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    steps, status, code = FAULTS[fault]
    llm.reply(*steps, status=status, **({"Location": "/v1/elsewhere"} if fault == "redirect" else {}))
    session = await runtime.start(agent())
    assert await code_of(session) == code
    assert len(llm.seen) == 1, "retrying is the engine's"
    records = await collect(session)
    contiguous(records)
    assert KEY.encode() not in msgspec.json.encode(records)
    assert KEY not in caplog.text


SILENCES: dict[str, tuple[list[Any], int, str]] = {
    "before_the_answer": ([], 200, "provider_unavailable"),
    "within_a_refusal": ([b"{"], 500, "provider_unavailable"),
    "within_the_answer": (says("Half a "), 200, "stream_cut"),
}


@pytest.mark.parametrize("silence", SILENCES)
async def test_an_endpoint_that_falls_silent_is_given_up(llm: LLMServer, silence: str) -> None:
    types = NodeRegistry()
    types.add(AgentType(providers={"openai": chat_with(llm, idle_s=0.05)}))
    steps, status, code = SILENCES[silence]
    llm.reply(*steps, asyncio.Event(), status=status)
    async with Runtime.open("memory://", registry=types) as runtime:
        assert await code_of(await runtime.start(agent())) == code
    await llm.seen[0].gone.wait()


async def test_the_engine_is_told_how_long_to_wait(llm: LLMServer) -> None:
    caught: list[NodeError] = []

    class Noting(AgentType):
        """Keeps the error that the engine gets."""

        async def run(self, context: Any, properties: Any) -> Any:
            try:
                return await super().run(context, properties)
            except NodeError as error:
                caught.append(error)
                raise

    types = NodeRegistry()
    types.add(Noting(providers={"openai": chat_with(llm)}))
    llm.reply({"error": {"message": "slow down"}}, status=429, Retry_After="17")
    llm.reply({"error": {"message": "busy"}}, status=503, Retry_After="2.5")
    llm.reply({"error": {"message": "no"}}, status=400, Retry_After="2.5")
    async with Runtime.open("memory://", registry=types) as runtime:
        for _ in range(3):
            await (await runtime.start(agent())).wait()
    assert [(error.node_code, error.retry_after) for error in caught] == [
        ("rate_limited", 17.0),
        ("provider_unavailable", 2.5),
        ("provider_refused", None),
    ]


async def test_no_connection_is_unavailable(unused_port: int) -> None:
    chat = OpenAIChat(environ={"OPENAI_BASE_URL": f"http://127.0.0.1:{unused_port}"})
    types = NodeRegistry()
    types.add(AgentType(providers={"openai": chat}))
    async with Runtime.open("memory://", registry=types) as runtime:
        assert await code_of(await runtime.start(agent(api_key_env=None))) == "provider_unavailable"


async def test_an_answer_that_is_no_event_stream_is_refused(runtime: Runtime, llm: LLMServer) -> None:
    llm.reply(b"<html>hotel wifi</html>", Content_Type="text/html")
    assert await code_of(await runtime.start(agent())) == "response_malformed"


async def test_the_node_time_limit_hangs_up(runtime: Runtime, llm: LLMServer) -> None:
    llm.reply(says("Half a "), asyncio.Event())
    definition = agent()
    definition["nodes"]["a"]["timeout_s"] = 0.1
    assert await code_of(await runtime.start(definition)) == "timeout"
    await llm.seen[0].gone.wait()


@pytest.mark.parametrize("command", ["stop", "cancel"])
@pytest.mark.parametrize("when", ["before_the_answer", "within_the_answer"])
async def test_the_end_of_the_session_hangs_up_at_once(
    runtime: Runtime, llm: LLMServer, command: str, when: str
) -> None:
    # The grace of a polite cancel is an hour here: the test would time out before it is over.
    llm.reply(*(says("Half a ") if when == "within_the_answer" else []), asyncio.Event())
    session = await runtime.start(agent())
    await llm.came.wait()
    if when == "within_the_answer":
        await until(session, "token_stream")
    await getattr(session, command)()
    await llm.seen[0].gone.wait()


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


def test_without_the_client_the_error_says_what_to_install_and_nothing_else_needs_it() -> None:
    program = """
import asyncio, sys
import sessiond
assert "openai" not in sys.modules and "httpx2" not in sys.modules
sys.modules["openai"] = None
from sessiond.actors.nodes.agent import AgentType
from sessiond.actors.nodes.openai_chat import OpenAIChat
types = sessiond.NodeRegistry()
types.add(AgentType(providers={"openai": OpenAIChat(environ={"OPENAI_API_KEY": "x"})}))
async def main():
    async with sessiond.Runtime.open("memory://", registry=types) as runtime:
        agent = {"type": "agent", "properties": {"provider": "openai", "model": "m", "prompt": "?"}}
        session = await runtime.start({"workflow_id": "w", "nodes": {"a": agent}, "start_node_id": "a"})
        try:
            await session.result()
        except sessiond.NodeError as error:
            print(error.node_code, error)
asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50)
    assert ran.stdout.startswith("provider_missing")
    assert "pip install 'sessiond[llm]'" in ran.stdout
