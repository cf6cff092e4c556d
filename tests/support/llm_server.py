"""An endpoint that speaks OpenAI's chat completions over real HTTP, and says what the test scripted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

CUT = object()
"""A step that drops the connection."""

Step: TypeAlias = "dict[str, Any] | bytes | asyncio.Event | object"
"""A chunk to send, bytes as they are, an event to wait for, or CUT."""

DONE = b"data: [DONE]\n\n"


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk whose delta has these fields."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def says(*words: str) -> list[Step]:
    """One chunk for each word."""
    return [delta(content=word) for word in words]


def calls(index: int, name: str | None, arguments: str, call_id: str | None = None) -> dict[str, Any]:
    """A fragment of a tool call."""
    function = {"name": name, "arguments": arguments}
    return delta(tool_calls=[{"index": index, "id": call_id, "type": "function", "function": function}])


def ends(finish: str = "stop", input_tokens: int = 7, output_tokens: int = 3) -> list[Step]:
    """The finish, the usage and the end mark."""
    usage = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens, "total_tokens": 0}
    return [delta(finish), {"id": "c", "choices": [], "usage": usage}, DONE]


@dataclass
class Reply:
    """What one request gets."""

    steps: list[Step]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """One request, as it came."""

    body: dict[str, Any]
    authorization: str | None
    retries: str | None
    traceparent: str | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the client has closed the connection before the answer was through."""


class LLMServer:
    """Answers each request with the next scripted reply; the last one again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.script: list[Reply] = []
        self.seen: list[Seen] = []
        self.came = asyncio.Event()

    def reply(self, *steps: Step | list[Step], status: int = 200, **headers: str) -> None:
        """Script the reply to the next request; underscores in header names become dashes."""
        flat = [step for item in steps for step in (item if isinstance(item, list) else [item])]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.script.append(Reply(flat, status, named))

    def take(self, seen: Seen) -> Reply:
        """Note a request and return its reply."""
        self.seen.append(seen)
        self.came.set()
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class _Completions(RequestHandler):
    request_seen: Seen | None = None

    def initialize(self, server: LLMServer) -> None:
        self._llm = server

    async def post(self) -> None:
        headers = self.request.headers
        body = json.loads(self.request.body)
        seen = Seen(
            body, headers.get("Authorization"), headers.get("X-Stainless-Retry-Count"), headers.get("traceparent")
        )
        self.request_seen = seen
        reply = self._llm.take(seen)
        self.set_status(reply.status)
        self.set_header("Content-Type", "text/event-stream" if reply.status == 200 else "application/json")
        for name, value in reply.headers.items():
            self.set_header(name, value)
        try:
            for step in reply.steps:
                if step is CUT:
                    self.detach().close()
                    return
                await self._do(step)
        except StreamClosedError:
            seen.gone.set()

    async def _do(self, step: Step) -> None:
        match step:
            case asyncio.Event():
                assert self.request_seen is not None
                await _either(step, self.request_seen.gone)
            case bytes():
                self.write(step)
                await self.flush()
            case dict() if self.get_status() != 200:
                self.write(step)
            case _:
                self.write(b"data: " + json.dumps(step).encode() + b"\n\n")
                await self.flush()

    def on_connection_close(self) -> None:
        if self.request_seen is not None:
            self.request_seen.gone.set()


async def _either(*events: asyncio.Event) -> None:
    """Wait for the first of them."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


@asynccontextmanager
async def llm_server() -> AsyncIterator[LLMServer]:
    """Serve on a free port of this machine."""
    listening, port = bind_unused_port()
    server = LLMServer(f"http://127.0.0.1:{port}/v1")
    application = Application([("/v1/chat/completions", _Completions, {"server": server})], log_function=lambda _: None)
    http = HTTPServer(application)
    http.add_socket(listening)
    try:
        yield server
    finally:
        http.stop()
        await http.close_all_connections()
