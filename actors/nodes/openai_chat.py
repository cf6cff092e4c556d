"""Provider `openai`: any endpoint that speaks OpenAI's chat completions, streamed as server-sent events.

The official client does the talking: https://platform.openai.com/docs/api-reference/chat-streaming. It hands
over each chunk as plain data, which is decoded here: building its models takes 0.2 ms a chunk, this 1 µs, and
the fields that other servers add (`reasoning_content`, `reasoning`) are not in them.
"""

from __future__ import annotations

import functools
import os
import ssl
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..context import NodeContext
from ..core.errors import NodeError, TerminalError
from .chat_errors import ErrorMap
from .provider import Finish, Message, Piece, Text, Thinking, ToolCall, ToolSpec, Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from .agent import AgentProperties

OPENAI_URL: Final = "https://api.openai.com/v1"


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct):
    """The part of a `chat.completion.chunk` that matters here."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None


class OpenAIChat:
    """Streams from OpenAI-compatible endpoints. The client's own retries are off: retrying is the engine's.

    Args:
        endpoints: base URLs that a workflow may name. OpenAI's own, and `OPENAI_BASE_URL` of the environment,
            which is also the default, always are. No others, since a workflow could send the host's keys there.
        environ: where keys are looked up, at each call.
        connect_s: seconds to reach the endpoint.
        idle_s: seconds that it may send nothing; the node's `timeout_s` bounds the whole.
    """

    def __init__(
        self,
        *,
        endpoints: Collection[str] = (),
        environ: Mapping[str, str] = os.environ,
        connect_s: float = 5.0,
        idle_s: float = 120.0,
    ) -> None:
        self._endpoints = frozenset(_bare(url) for url in endpoints)
        self._environ = environ
        self._connect_s = connect_s
        self._idle_s = idle_s

    async def stream(
        self,
        context: NodeContext,
        properties: AgentProperties,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
    ) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of one answer.

        Raises:
            NodeError: `provider_missing`, `endpoint_refused`, `key_missing`, and what `ErrorMap` names.
        """
        base_url = self._endpoint(properties.base_url)
        key = self._key(properties.api_key_env)
        trust = await context.in_thread(_load)
        errors = ErrorMap(key)
        async with self._client(base_url, key, trust, context.traceparent) as client:
            with errors.before_the_answer():
                stream = await _post(client, _request(properties, messages, tools, base_url))
            async with stream:
                errors.check_type(stream.response.headers.get("content-type", ""))
                answer = _Answer()
                chunks = aiter(stream)
                while True:
                    # Only what the endpoint does is translated, not what is thrown in at a yield.
                    with errors.within_the_answer():
                        data = await anext(chunks, None)
                        if data is None:
                            break
                        pieces = list(answer.read(msgspec.convert(data, _Chunk)))
                    for piece in pieces:
                        yield piece
                for piece in answer.end():
                    yield piece

    def _endpoint(self, wanted: str | None) -> str:
        default = self._environ.get("OPENAI_BASE_URL") or OPENAI_URL
        base_url = _bare(wanted or default)
        if base_url in self._endpoints or base_url in (OPENAI_URL, _bare(default)):
            return base_url
        raise TerminalError(
            f"this host doesn't allow the endpoint {base_url!r}; set OPENAI_BASE_URL, "
            "or register AgentType with an OpenAIChat that lists it",
            "endpoint_refused",
        )

    def _key(self, name: str | None) -> str | None:
        if name is None:
            return None
        key = self._environ.get(name)
        if not key:
            raise TerminalError(
                f"the environment variable {name} isn't set; api_key_env: null is for an endpoint without keys",
                "key_missing",
            )
        return key

    def _client(self, base_url: str, key: str | None, trust: ssl.SSLContext, trace: str | None) -> AsyncOpenAI:
        import httpx2
        from openai import AsyncOpenAI

        timeout = httpx2.Timeout(self._idle_s, connect=self._connect_s)
        return AsyncOpenAI(
            api_key=key or "none",  # the client insists on one
            admin_api_key="",  # else it looks for one in the process's environment
            base_url=base_url,
            timeout=timeout,
            default_headers=None if trace is None else {"traceparent": trace},
            max_retries=0,
            http_client=httpx2.AsyncClient(verify=trust, timeout=timeout, follow_redirects=False),
        )


@functools.cache
def _load() -> ssl.SSLContext:
    """Import the client and read the trusted certificates: half a second or more, so never on the loop.

    Raises:
        NodeError: the client isn't installed.
    """
    try:
        import httpx2
        import openai  # noqa: F401
    except ImportError as error:
        raise TerminalError(
            f"provider 'openai' needs its client: pip install 'sessiond[llm]' ({error})", "provider_missing"
        ) from None
    return httpx2.create_ssl_context()


async def _post(client: AsyncOpenAI, request: dict[str, Any]) -> Any:
    """Return the open stream of an answer; its items are decoded JSON."""
    from openai import AsyncStream

    return await client.post(
        "/chat/completions", body=request, cast_to=object, stream=True, stream_cls=AsyncStream[object]
    )


def _request(
    properties: AgentProperties, messages: Sequence[Message], tools: Sequence[ToolSpec], base_url: str
) -> dict[str, Any]:
    # OpenAI's newer models refuse the old name, and other servers mostly know no other.
    bound = "max_completion_tokens" if base_url == OPENAI_URL else "max_tokens"
    request = {
        "model": properties.model,
        "messages": [_message(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": properties.temperature,
        bound: properties.max_tokens,
    }
    if tools:
        request["tools"] = [{"type": "function", "function": msgspec.structs.asdict(tool)} for tool in tools]
    if (schema := properties.response_schema) is not None:
        named = {"name": "answer", "schema": schema, "strict": fits_strict(schema)}
        request["response_format"] = {"type": "json_schema", "json_schema": named}
    return {name: value for name, value in request.items() if value is not None}


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        written["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.answers is not None:
        written["tool_call_id"] = message.answers
    return written


def fits_strict(schema: Any) -> bool:
    """Return whether strict mode takes a schema: its objects are closed and all their properties required.

    See https://platform.openai.com/docs/guides/structured-outputs#supported-schemas.
    """
    if isinstance(schema, list):
        return all(map(fits_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("required", ())) != set(schema.get("properties", ())):
            return False
    return all(map(fits_strict, schema.values()))


class _Answer:
    """Puts an answer together from its chunks: tool calls come in fragments, usage once or with every chunk."""

    __slots__ = ("_calls", "_finish", "_usage")

    def __init__(self) -> None:
        self._calls: dict[int, list[str]] = {}
        self._finish: str | None = None
        self._usage: _Usage | None = None

    def read(self, chunk: _Chunk) -> Iterator[Piece]:
        """Yield what a chunk brings at once."""
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices or ():
            self._finish = choice.finish_reason or self._finish
            if (delta := choice.delta) is None:
                continue
            if thought := delta.reasoning_content or delta.reasoning:
                yield Thinking(thought)
            if text := delta.content or delta.refusal:
                yield Text(text)
            for call in delta.tool_calls or ():
                self._add(call)

    def _add(self, fragment: _Call) -> None:
        index = fragment.index if fragment.index is not None else len(self._calls)
        call = self._calls.setdefault(index, ["", "", ""])
        call[0] = fragment.id or call[0]
        if (function := fragment.function) is not None:
            call[1] = function.name or call[1]
            call[2] += function.arguments or ""

    def end(self) -> Iterator[Piece]:
        """Yield what is known only at the end.

        Raises:
            NodeError: `stream_cut`, if the answer isn't whole.
        """
        if self._usage is not None:
            yield Usage(self._usage.prompt_tokens or 0, self._usage.completion_tokens or 0)
        if self._finish is None:
            raise NodeError("the endpoint ended its answer before the model did", "stream_cut")
        for index, (call_id, name, arguments) in sorted(self._calls.items()):
            yield ToolCall(call_id or f"call_{index}", name, arguments)
        yield Finish(self._finish)


def _bare(url: str) -> str:
    return url.rstrip("/")
