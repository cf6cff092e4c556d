"""Traces through a session: from whoever asks, to its nodes, to whom they call, and over a crash."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.graphs import graph
from support.served import Served
from support.site import RawSocket
from support.web import web

from sessiond import HttpPolicy, Options, Runtime
from sessiond.gateway.client import Client
from sessiond.gateway.otel import OtelTracing
from sessiond.gateway.server import serving
from sessiond.gateway.settings import Settings

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"
LOOPBACK = HttpPolicy(private=("127.0.0.0/8",))


class Traced:
    """A server that records its spans in memory."""

    def __init__(self, url: str, client: Client, spans: InMemorySpanExporter) -> None:
        self.url = url
        self.client = client
        self._spans = spans

    def spans(self, name: str) -> Sequence[ReadableSpan]:
        return [span for span in self._spans.get_finished_spans() if span.name == name]

    async def ended(self, session_id: str) -> None:
        async for record in self.client.watch(session_id):
            if record.event == "execution:completed":
                return


@asynccontextmanager
async def traced(recording: bool = True) -> AsyncIterator[Traced]:
    provider, spans = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracing = OtelTracing(provider) if recording else None
    settings = Settings(port=0)
    async with (
        Runtime.open("memory://", options=Options(http=LOOPBACK), tracing=tracing) as runtime,
        serving(runtime, settings) as server,
        Client(server.url) as client,
    ):
        yield Traced(server.url, client, spans)
    provider.shutdown()


async def execute(site: Traced, nodes: dict[str, Any], session_id: str, trace: str = GIVEN) -> None:
    body = {"graph": graph(nodes), "session_id": session_id}
    await site.client.request("POST", "/api/v1/workflows/execute", body, headers={"traceparent": trace})


def parent_of(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


async def test_a_trace_goes_from_the_caller_by_way_of_the_command_to_every_attempt_and_on_to_whom_it_calls() -> None:
    async with traced() as site, web() as other:
        await execute(site, {"h": {"type": "http", "properties": {"url": f"{other.url}/echo"}}}, "s1")
        await site.ended("s1")
        (asked,) = site.spans("POST /api/v1/workflows/execute")
        (attempt,) = site.spans("node h")
        assert (trace_of(asked), parent_of(asked)) == (TRACE, "00f067aa0ba902b7")
        assert (trace_of(attempt), parent_of(attempt)) == (TRACE, id_of(asked))
        assert attempt.attributes is not None
        about = {name.removeprefix("sessiond."): value for name, value in attempt.attributes.items()}
        expected = {"session_id": "s1", "node_id": "h", "node_type": "http", "round": 1, "attempt": 1}
        assert about.items() >= {**expected, "status": "completed"}.items()
        assert about["workflow_id"]
        assert attempt.status.is_ok or attempt.status.is_unset
        headers = {name.lower(): value for name, value in other.requests[0][2].items()}
        assert headers["traceparent"] == f"00-{TRACE}-{id_of(attempt)}-01"


async def test_attempts_that_fail_say_so_and_later_ones_link_to_the_creation() -> None:
    retry = {"max_attempts": 2, "initial_s": 0, "factor": 1, "max_s": 0}
    node = {"type": "http", "properties": {"url": "http://192.0.2.1/"}, "retry": {**retry, "on": ["http_refused"]}}
    node["properties"] = {"url": "http://10.0.0.1/"}
    async with traced() as site:
        await execute(site, {"h": node}, "s1")
        await site.ended("s1")
        spans = site.spans("node h")
        assert spans
        for number, span in enumerate(spans, 1):
            assert span.attributes is not None
            assert span.attributes["sessiond.attempt"] == number
            assert (span.attributes["sessiond.status"], span.attributes["error.type"]) == ("failed", "http_refused")
            assert not span.status.is_ok
            assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE] * (number > 1)


async def test_commands_over_a_socket_carry_a_trace_too() -> None:
    async with traced() as site:
        socket = await RawSocket.connect(site.url, "/ws")
        data = {"graph": graph({"e": {"type": "start"}}), "session_id": "s1"}
        await socket.send(1, msgspec.json.encode({"cmd": "start_session", "data": data, "traceparent": GIVEN}))
        assert (await socket.message())["ok"]
        await socket.close()
        (asked,) = site.spans("ws start_session")
        assert (trace_of(asked), parent_of(asked)) == (TRACE, "00f067aa0ba902b7")
        created = msgspec.json.decode((await site.client.events("s1")).items[0])
        assert created["data"]["traceparent"] == f"00-{TRACE}-{id_of(asked)}-01"


async def test_a_wrong_trace_is_passed_over_and_a_new_one_begun() -> None:
    async with traced() as site:
        await execute(site, {"e": {"type": "start"}}, "s1", trace="00-0-0-0")
        (asked,) = site.spans("POST /api/v1/workflows/execute")
        assert asked.parent is None


async def test_without_recording_the_trace_is_kept_and_passed_on_as_it_was() -> None:
    async with traced(recording=False) as site, web() as other:
        await execute(site, {"h": {"type": "http", "properties": {"url": f"{other.url}/echo"}}}, "s1")
        await site.ended("s1")
        headers = {name.lower(): value for name, value in other.requests[0][2].items()}
        assert headers["traceparent"] == GIVEN
        assert not site.spans("node h")


HELD = """
import pathlib
from sessiond import node

@node("held")
async def held(context):
    await context.emit("here")
    import asyncio
    while not pathlib.Path("go").exists():
        await asyncio.sleep(0.01)
"""


def console_spans(server: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]


async def test_a_trace_goes_on_over_a_kill_and_a_recovery(tmp_path: Path) -> None:
    (tmp_path / "held_nodes.py").write_text(HELD)
    arguments = ("--store", "sqlite:///s.db", "--nodes", "held_nodes", "--traces", "console")
    workflow = graph({"a": {"type": "start", "next_ids": ["b"]}, "b": {"type": "held"}})
    with Served(*arguments, cwd=tmp_path) as first:
        async with Client(first.url) as client:
            body = {"graph": workflow, "session_id": "s1"}
            await client.request("POST", "/api/v1/workflows/execute", body, headers={"traceparent": GIVEN})
            async with aclosing(client.watch("s1")) as watching:
                async for record in watching:
                    if record.event == "token_stream":
                        break
        first.send(signal.SIGKILL)
    (asked,) = [span for span in console_spans(first) if span["name"].startswith("POST ")]
    assert asked["context"]["trace_id"] == f"0x{TRACE}"
    (tmp_path / "go").touch()
    with Served(*arguments, cwd=tmp_path) as second:
        async with Client(second.url) as client:
            assert [record.event async for record in client.watch("s1")][-1] == "execution:completed"
        while not (found := [span for span in console_spans(second) if span["name"] == "node b"]):
            await asyncio.sleep(0)
        (attempt,) = found
        assert attempt["context"]["trace_id"] == f"0x{TRACE}"
        assert attempt["parent_id"] == asked["context"]["span_id"]
        assert attempt["attributes"]["sessiond.attempt"] == 2
        assert [link["context"]["span_id"] for link in attempt["links"]] == [asked["context"]["span_id"]]


def test_nothing_of_it_is_imported_unless_it_is_wanted() -> None:
    code = "import sys, sessiond.gateway.main, sessiond.gateway.server; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
