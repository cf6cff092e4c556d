"""What an agent says to a language model, and the pieces in which the answer comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from ..context import NodeContext
    from .agent import AgentProperties


class Text(msgspec.Struct, frozen=True, gc=False):
    """Part of the answer."""

    text: str


class Thinking(msgspec.Struct, frozen=True, gc=False):
    """Part of what the model thinks before it answers; not part of the answer."""

    text: str


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """The model wants a tool called; `arguments` is JSON as the model wrote it, unchecked."""

    id: str
    name: str
    arguments: str


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What the call consumed; at most once per call."""

    input_tokens: int
    output_tokens: int


class Finish(msgspec.Struct, frozen=True, gc=False):
    """Why the model ended: `stop`, `length`, `tool_calls`, `content_filter` or the endpoint's own word."""

    reason: str


class Fields(msgspec.Struct, frozen=True):
    """Fields for the node's output, of a provider that has structure to give beside its text."""

    values: dict[str, Any]


Piece: TypeAlias = Text | Thinking | ToolCall | Usage | Finish | Fields


class Message(msgspec.Struct, frozen=True):
    """One message of a conversation.

    Attributes:
        tool_calls: what an assistant asked for in it.
        answers: the id of the tool call that a tool's message answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    answers: str | None = None


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as a model sees it; `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


class Provider(Protocol):
    """A way to reach language models. One instance serves all agents, on any event loop."""

    def stream(
        self,
        context: NodeContext,
        properties: AgentProperties,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
    ) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of one answer as they come; closing the generator hangs up at once.

        The agent parks between pieces while its session is paused: what isn't taken must wait, in bounded memory.

        Raises:
            NodeError: `rate_limited`, `provider_unavailable`, `provider_refused`, `stream_cut` or a code of its own.
        """
        ...
