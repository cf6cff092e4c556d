"""`agent`: a language model that streams its answer; provider `demo` needs no network."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from ..context import NodeContext
from ..events import TokenUsage
from ..node import TaskType

T = TypeVar("T")


class DemoScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How provider `demo` behaves."""

    tokens: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 40
    """How many chunks to stream, when there is no script."""
    interval_s: Annotated[float, msgspec.Meta(ge=0)] = 0.05
    """Seconds before each chunk."""
    script: str | list[str] | None = None
    """What to say, word by word; a list has one text for each round, the last one repeated."""
    fields: list[dict[str, Any]] = []
    """Fields to add to the output, as a structured answer would have them: one entry for each round."""


class AgentProperties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Properties of `agent`."""

    provider: Literal["demo"] = "demo"
    """Where the model runs."""
    model: str = "demo"
    system_prompt: str | None = None
    prompt: str | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    agent_id: str | None = None
    """The name under which its tokens are shown; the node's id if absent."""
    demo: DemoScript = DemoScript()


# fmt: off
_WORDS: Final = (
    "first", "consider", "the", "evidence", "then", "weigh", "cost", "against", "benefit", "because",
    "people", "depend", "on", "it", "and", "time", "is", "short", "however", "a", "careful", "trial",
    "would", "show", "whether", "the", "gain", "is", "real", "so", "measure", "before", "you",
    "decide", "and", "keep", "the", "door", "open", "for", "what", "was", "not", "foreseen",
)
# fmt: on


class AgentType(TaskType):
    """Streams tokens from a model; output `{text, agent_id, …}`. Parks between tokens while paused."""

    name = "agent"
    properties = AgentProperties

    async def run(self, context: NodeContext, properties: AgentProperties) -> Any:
        """Stream the answer and return it whole."""
        said: list[str] = []
        for chunk in _chunks(properties, context.round):
            if properties.demo.interval_s:
                await asyncio.sleep(properties.demo.interval_s)
            await context.checkpoint()
            await context.emit(chunk)
            said.append(chunk)
        agent_id = properties.agent_id or context.node_id
        prompt = f"{properties.system_prompt or ''} {properties.prompt or ''}"
        context.record(TokenUsage(agent_id, len(prompt.split()), len(said), 0.0))
        fields = _of_round(properties.demo.fields, context.round) or {}
        return {"text": "".join(said).strip(), "agent_id": agent_id, "model": properties.model, **fields}


def _of_round(items: Sequence[T], round_: int) -> T | None:
    """The item for a round, the last one repeated."""
    return items[min(round_, len(items)) - 1] if items else None


def _chunks(properties: AgentProperties, round_: int) -> Iterator[str]:
    """The demo's words: its script, or words chosen by the prompt, the same each time."""
    demo = properties.demo
    script = demo.script
    if script is not None:
        text = script if isinstance(script, str) else _of_round(script, round_) or ""
        words = text.split(" ")
        for index, word in enumerate(words):
            yield word if index == len(words) - 1 else word + " "
        return
    seed = hashlib.sha256(f"{properties.prompt}|{properties.system_prompt}|{round_}".encode()).digest()
    for index in range(demo.tokens):
        yield _WORDS[(seed[index % 32] + index) % len(_WORDS)] + " "
