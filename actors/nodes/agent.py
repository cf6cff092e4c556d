"""`agent`: a language model that streams its answer, and may call tools on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Final, assert_never

import msgspec

from ..context import NodeContext
from ..core.errors import Fault, InvalidInput, NodeError, TerminalError
from ..core.events import TokenUsage, ToolExecution
from ..core.json import MAX_OUTPUT, encode_output
from ..core.node import TaskType
from ..core.schema import check_against
from ..core.workflow import Node
from .demo import Demo, DemoScript
from .function_tool import FunctionTool, function_tool
from .openai_chat import OpenAIChat
from .provider import Fields, Finish, Message, Provider, Text, Thinking, ToolCall, Usage
from .tool import call_tool

_MILLION: Final = 1_000_000


class AgentProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `agent`."""

    provider: str = "demo"
    """Where the model runs: `demo`, `openai`, or one that the host registered."""
    model: str = "demo"
    system_prompt: str | None = None
    prompt: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Bound of one answer; the provider's own if absent."""
    tools: tuple[str, ...] = ()
    """Registered tools that the model may call."""
    max_tool_rounds: Annotated[int, msgspec.Meta(ge=0, le=100)] = 8
    """How often the model may call tools before it has to answer."""
    response_schema: dict[str, Any] | None = None
    """A JSON Schema that the answer must fit; it is then in the output, decoded, as `data`."""
    agent_id: str | None = None
    """The name under which its tokens are shown; the node's id if absent."""
    base_url: str | None = None
    """An OpenAI-compatible endpoint, one of those that the host allows; the host's default if absent."""
    api_key_env: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]*API_KEY$")] | None = "OPENAI_API_KEY"
    """The environment variable that holds the key; null for an endpoint that wants none."""
    demo: DemoScript = DemoScript()


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs, in US dollars per million tokens."""

    input_usd: float
    output_usd: float

    def of(self, usage: Usage) -> float:
        """Return the price of one call, in US dollars."""
        return (usage.input_tokens * self.input_usd + usage.output_tokens * self.output_usd) / _MILLION


class AgentType(TaskType):
    """Streams tokens from a model; output `{text, agent_id, …}`. Parks between tokens while paused.

    Args:
        prices: by model name; what a model costs that isn't in there is shown as 0.
        providers: by name, besides and in place of `demo` and `openai`.
    """

    name = "agent"
    properties = AgentProperties
    schemas = ("response_schema",)

    def __init__(
        self, *, prices: Mapping[str, Price] | None = None, providers: Mapping[str, Provider] | None = None
    ) -> None:
        self._prices = dict(prices or {})
        self._providers: dict[str, Provider] = {"demo": Demo(), "openai": OpenAIChat(), **(providers or {})}

    def check(self, node: Node) -> Iterator[Fault]:
        """Yield what is wrong with properties that are known before the node starts."""
        given = node.spec.properties
        provider = given.get("provider", "demo")
        if "${" not in provider:
            if provider not in self._providers:
                yield Fault(".properties.provider", self._unknown(provider))
            elif provider != "demo" and given.get("prompt") is None:
                yield Fault(".properties.prompt", "an agent needs a prompt")

    async def run(self, context: NodeContext, properties: AgentProperties) -> Any:
        """Talk with the model until it answers without calling tools, and return the answer whole.

        Raises:
            NodeError: the provider's errors, `tool_rounds`, `response_schema`, `unknown_tool`, `tool_signature`.
        """
        provider = self._providers.get(properties.provider)
        if provider is None:
            raise TerminalError(self._unknown(properties.provider), "unknown_provider")
        tools = {name: function_tool(name, context.find_tool(name)) for name in properties.tools}
        turn = _Conversation(context, properties, provider, self._prices.get(properties.model), tools)
        for rounds_left in range(properties.max_tool_rounds, -1, -1):
            answer = await turn.ask()
            if not answer.calls:
                return _output(answer, properties, turn.agent_id)
            if rounds_left:
                await turn.call_tools(answer)
        raise NodeError(f"the model goes on calling tools after {properties.max_tool_rounds} rounds", "tool_rounds")

    def _unknown(self, provider: str) -> str:
        return f"there is no provider {provider!r}; known: {', '.join(sorted(self._providers))}"


class _Answer:
    """One answer as it grows."""

    __slots__ = ("calls", "fields", "finish", "pieces", "size", "text", "usage")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.calls: list[ToolCall] = []
        self.fields: dict[str, Any] = {}
        self.finish: str | None = None
        self.pieces = 0
        self.size = 0
        self.usage: Usage | None = None

    def grow(self, count: int) -> None:
        """Count characters, so that an endless answer fails before it fills the memory."""
        self.size += count
        if self.size > MAX_OUTPUT:
            raise NodeError(f"the answer has more than {MAX_OUTPUT} characters", "output_too_large")

    def used(self) -> Usage:
        """Return what the provider says it used; if it says nothing, or was cut off before, a token for each piece."""
        return self.usage or Usage(0, self.pieces)


class _Conversation:
    """What one attempt says and hears."""

    def __init__(
        self,
        context: NodeContext,
        properties: AgentProperties,
        provider: Provider,
        price: Price | None,
        tools: Mapping[str, FunctionTool],
    ) -> None:
        self.agent_id = properties.agent_id or context.node_id
        self._context = context
        self._properties = properties
        self._provider = provider
        self._price = price
        self._tools = tools
        self._messages: list[Message] = []
        if properties.system_prompt is not None:
            self._messages.append(Message("system", properties.system_prompt))
        if properties.prompt is not None:
            self._messages.append(Message("user", properties.prompt))

    async def ask(self) -> _Answer:
        """Stream the next answer into the session's log and return it."""
        answer = _Answer()
        try:
            await self._hear(answer)
        finally:
            used = answer.used()
            self._context.resources.models.spend(self._context.session_id, used.input_tokens, used.output_tokens)
        return answer

    async def _hear(self, answer: _Answer) -> None:
        context = self._context
        specs = [tool.spec for tool in self._tools.values()]
        pieces = self._provider.stream(context, self._properties, self._messages, specs)
        async with context.until_cancelled(), aclosing(pieces):
            await context.resources.models.admit(context)
            async for piece in pieces:
                answer.pieces += 1
                await context.checkpoint()
                match piece:
                    case Text(text):
                        answer.grow(len(text))
                        answer.text.append(text)
                        await context.emit(text)
                    case Thinking(text):
                        await context.emit(text, thinking=True)
                    case ToolCall():
                        answer.grow(len(piece.arguments))
                        answer.calls.append(piece)
                    case Usage():
                        cost = self._price.of(piece) if self._price else 0.0
                        context.record(TokenUsage(self.agent_id, piece.input_tokens, piece.output_tokens, cost))
                        answer.usage = piece
                    case Finish(reason):
                        answer.finish = reason
                    case Fields(values):
                        answer.fields |= values
                    case _:
                        assert_never(piece)

    async def call_tools(self, answer: _Answer) -> None:
        """Do what the model asked for, in its order, and add the results to the conversation."""
        self._messages.append(Message("assistant", "".join(answer.text), tuple(answer.calls)))
        for call in answer.calls:
            await self._context.checkpoint()
            shown, output = await self._call(call)
            self._context.record(ToolExecution(self.agent_id, call.name, shown, output))
            text = msgspec.json.decode(output)
            self._messages.append(
                Message("tool", text if isinstance(text, str) else bytes(output).decode(), answers=call.id)
            )

    async def _call(self, call: ToolCall) -> tuple[Any, msgspec.Raw]:
        """Return a call's input and output as the log shows them; the model is told of its own mistakes."""
        try:
            shown = msgspec.json.decode(call.arguments or "{}")
        except msgspec.MsgspecError:
            shown = call.arguments
        tool = self._tools.get(call.name)
        if tool is None:
            offered = ", ".join(self._tools) or "none"
            return shown, encode_output({"error": f"there is no tool {call.name!r}; offered: {offered}"})
        try:
            arguments = tool.read(call.arguments)
        except InvalidInput as error:
            return shown, encode_output({"error": str(error)})
        return shown, encode_output(await call_tool(self._context, tool.function, arguments))


def _output(answer: _Answer, properties: AgentProperties, agent_id: str) -> dict[str, Any]:
    text = "".join(answer.text).strip()
    output = {"text": text, "agent_id": agent_id, "model": properties.model}
    if answer.finish is not None:
        output["finish_reason"] = answer.finish
    if properties.response_schema is not None:
        output["data"] = _structured(text, properties.response_schema, answer.finish)
    return {**output, **answer.fields}


def _structured(text: str, schema: dict[str, Any], finish: str | None) -> Any:
    """Return the answer decoded.

    Raises:
        NodeError: `response_schema`, if it isn't JSON or doesn't fit.
    """
    try:
        data = msgspec.json.decode(text)
        check_against(schema, data, "$", "the model's answer")
    except msgspec.MsgspecError as error:
        cut = f" (it ended with {finish!r})" if finish not in (None, "stop") else ""
        raise NodeError(f"the model's answer isn't JSON{cut}: {error}", "response_schema") from None
    except InvalidInput as error:
        raise NodeError(str(error), "response_schema") from None
    return data
