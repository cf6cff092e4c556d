"""Provider `openai` when things go wrong: each fault has its code, no secret leaks, and the end hangs up at once."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from support.agents import KEY, agent, chat_with, code_of
from support.llm_server import CUT, DONE, LLMServer, ends, says
from support.watching import collect, contiguous, until

from sessiond import NodeError, NodeRegistry, Options, Runtime
from sessiond.actors.nodes.agent import AgentType
from sessiond.actors.nodes.openai_chat import OpenAIChat


@pytest.fixture
async def runtime(llm: LLMServer) -> AsyncIterator[Runtime]:
    types = NodeRegistry()
    types.add(AgentType(providers={"openai": chat_with(llm)}))
    async with Runtime.open("memory://", registry=types, options=Options(grace_s=3600.0)) as opened:
        yield opened


OVERLOADED = {"error": {"message": f"too many with {KEY}", "type": "server_error", "code": None}}
FAULTS: dict[str, tuple[list[Any], int, str]] = {
    "429": ([{"error": {"message": "slow down"}}], 429, "rate_limited"),
    "quota": ([{"error": {"message": "pay", "code": "insufficient_quota"}}], 429, "provider_refused"),
    "500": ([b"<html>oh</html>"], 500, "provider_unavailable"),
    "503": ([OVERLOADED], 503, "provider_unavailable"),
    "400": ([{"error": {"message": f"bad {KEY}"}}], 400, "provider_refused"),
    "401": ([{"error": {"message": f"Incorrect key {KEY[:9]}***{KEY[-4:]}"}}], 401, "provider_refused"),
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
    llm.reply(*steps, status=status, **({"Location": "/v1/chat/completions"} if fault == "redirect" else {}))
    session = await runtime.start(agent())
    assert await code_of(session) == code
    assert len(llm.seen) == 1, "retrying is the engine's"
    records = await collect(session)
    contiguous(records)
    shown = msgspec.json.encode(records).decode()
    assert KEY not in shown
    assert "Incorrect key" not in shown, "endpoints quote a part of the key there"
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


async def test_the_engine_retries_what_may_pass_and_nothing_else(runtime: Runtime, llm: LLMServer) -> None:
    definition = agent()
    definition["nodes"]["a"]["retry"] = {"max_attempts": 3, "initial_s": 3600, "jitter": 0}
    llm.reply({"error": {"message": "slow down"}}, status=429, Retry_After_Ms="1")
    llm.reply({"error": {"message": "busy"}}, status=503, Retry_After="0")
    llm.reply(says("At last."), ends())
    session = await runtime.start(definition)
    assert (await session.result())["text"] == "At last."
    assert [r.data["code"] for r in await collect(session) if r.event == "error"] == [
        "rate_limited",
        "provider_unavailable",
    ]
    llm.script = []
    llm.reply({"error": {"message": "no such model"}}, status=404)
    assert await code_of(await runtime.start(definition)) == "provider_refused"
    assert len(llm.seen) == 4


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
