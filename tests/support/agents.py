"""Workflows of one agent, and the provider that reaches the scripted endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from support.graphs import graph
from support.llm_server import LLMServer

from sessiond import Session, SessionEnded
from sessiond.actors.nodes.openai_chat import OpenAIChat

KEY = "sk-very-secret-0123456789"


def agent(**properties: Any) -> dict[str, Any]:
    """A workflow of one agent on provider `openai`."""
    given = {"provider": "openai", "model": "m", "prompt": "How many?", **properties}
    return graph({"a": {"type": "agent", "properties": given}})


def chat_with(llm: LLMServer, idle_s: float = 3600.0) -> OpenAIChat:
    """The provider, with a key and `llm` as its default endpoint."""
    return OpenAIChat(environ={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": llm.url}, idle_s=idle_s)


async def code_of(session: Session) -> str:
    """The code with which a session fails."""
    with pytest.raises(SessionEnded) as ended:
        await session.result()
    return ended.value.node_code
