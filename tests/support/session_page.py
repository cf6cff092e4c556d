"""What tests read off the view of one session, and graphs that give it something to show."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Locator, Page, expect
from support.browser import Api

DEBATE: Final = "council_debate"


def talkers(agents: int, tokens: int, interval_s: float) -> dict[str, Any]:
    """Agents side by side, each with so many tokens, one every `interval_s` seconds."""
    names = [f"agent{number}" for number in range(agents)]
    demo = {"tokens": tokens, "interval_s": interval_s}
    nodes: dict[str, Any] = {
        name: {"type": "agent", "next_ids": ["end"], "properties": {"prompt": name, "demo": demo}} for name in names
    }
    start = {"start": {"type": "start", "next_ids": names}}
    return {"workflow_id": "talkers", "start_node_id": "start", "nodes": {**start, **nodes, "end": {"type": "end"}}}


def bubble(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name)


def said(page: Page, name: str) -> str:
    """What the page shows of what an agent said."""
    return " ".join(bubble(page, name).locator(".said p").all_inner_texts()).strip()


def told(api: Api, session_id: str, node_id: str) -> str:
    """What a node's stored events say it said."""
    events = [event for event in api.events(session_id) if event.get("node_id") == node_id]
    return "".join(event["data"]["chunk"] for event in events if event["event"] == "token_stream").strip()


def status(page: Page, word: str) -> None:
    """Wait until the session's status is shown as `word`."""
    expect(page.locator(".what .badge")).to_have_text(word)
