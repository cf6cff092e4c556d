"""Provider `demo`: a model that needs no network and says the same each time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec

from ..context import NodeContext
from .provider import Fields, Message, Piece, Text, ToolSpec, Usage
from .seconds import Seconds

if TYPE_CHECKING:
    from .agent import AgentProperties

T = TypeVar("T")


class DemoScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How provider `demo` behaves."""

    tokens: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 40
    """How many chunks to stream, when there is no script."""
    interval_s: Seconds = 0.05
    """Seconds before each chunk."""
    script: str | list[str] | None = None
    """What to say, word by word; a list has one text for each round, the last one repeated."""
    fields: list[dict[str, Any]] = []
    """Fields to add to the output, as a structured answer would have them: one entry for each round."""


# fmt: off
_WORDS: Final = (
    "first", "consider", "the", "evidence", "then", "weigh", "cost", "against", "benefit", "because",
    "people", "depend", "on", "it", "and", "time", "is", "short", "however", "a", "careful", "trial",
    "would", "show", "whether", "the", "gain", "is", "real", "so", "measure", "before", "you",
    "decide", "and", "keep", "the", "door", "open", "for", "what", "was", "not", "foreseen",
)
# fmt: on


class Demo:
    """Says its script, or words chosen by the prompt."""

    async def stream(
        self,
        context: NodeContext,
        properties: AgentProperties,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
    ) -> AsyncGenerator[Piece, None]:
        """Yield the words, at the script's pace."""
        demo, count = properties.demo, 0
        for chunk in _chunks(properties, context.round):
            if demo.interval_s:
                await asyncio.sleep(demo.interval_s)
            yield Text(chunk)
            count += 1
        yield Usage(sum(len(message.content.split()) for message in messages), count)
        if demo.fields:
            yield Fields(_of_round(demo.fields, context.round))


def _of_round(items: Sequence[T], round_: int) -> T:
    """The item for a round, the last one repeated."""
    return items[min(round_, len(items)) - 1]


def _chunks(properties: AgentProperties, round_: int) -> Iterator[str]:
    """The script word by word, or words that depend on the prompts and the round alone."""
    demo = properties.demo
    script = demo.script
    if script is not None:
        text = script if isinstance(script, str) else _of_round(script, round_) if script else ""
        words = text.split(" ")
        for index, word in enumerate(words):
            yield word if index == len(words) - 1 else word + " "
        return
    seed = hashlib.sha256(f"{properties.prompt}|{properties.system_prompt}|{round_}".encode()).digest()
    for index in range(demo.tokens):
        yield _WORDS[(seed[index % 32] + index) % len(_WORDS)] + " "
