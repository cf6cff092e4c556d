"""What waits for people, counted in the bar and led to from there."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect
from support.browser import PHONE, Api, Console, Scheme, tab
from support.served import Served

ASKS: dict[str, Any] = {
    "workflow_id": "asks",
    "start_node_id": "begin",
    "nodes": {
        "begin": {"type": "start", "next_ids": ["look"]},
        "look": {"type": "human_review", "next_ids": ["end"], "properties": {"prompt": "Print ${input.what}?"}},
        "end": {"type": "end"},
    },
}


def inbox_of(page: Page, count: str) -> None:
    """Wait until so many are counted."""
    name = "Nobody is waited for" if count == "0" else f"Waiting for people: {count}"
    expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()


def test_the_badge_counts_and_leads_to_the_dialog(console: Console, api: Api) -> None:
    page = console.open("#/health")
    inbox_of(page, "0")
    api.start(ASKS, "asks-1", what="tea")
    api.start(ASKS, "asks-2", what="rice")
    inbox_of(page, "2")
    page.get_by_role("button", name="Waiting for people").click()
    page.get_by_role("link", name="Print rice?").click()
    expect(page).to_have_url(re.compile(r"#/sessions/asks-2\?answer=look"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Print rice?")
    dialog.get_by_role("button", name="Approve").click()
    inbox_of(page, "1")
    api.control("asks-1", "cancel")
    inbox_of(page, "0")
    page.get_by_role("button", name="Nobody is waited for").click()
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()


def test_what_was_asked_while_nobody_looked_is_there_after_a_reload(console: Console, api: Api) -> None:
    api.start(ASKS, "asks-3", what="salt")
    page = console.open("#/health")
    inbox_of(page, "1")
    page.reload()
    inbox_of(page, "1")
    api.post("/sessions/asks-3/review", {"node_id": "look", "action": "reject"})
    inbox_of(page, "0")


def test_it_is_accessible_in_both_themes(browser: Browser, server: Served, api: Api, scheme: Scheme) -> None:
    session = api.start(ASKS, f"asks-{scheme}", what="a very long list of things " * 8)
    with tab(browser, server.url, scheme=scheme) as console:
        page = console.open("#/health")
        page.get_by_role("button", name="Waiting for people").click()
        expect(page.get_by_role("link", name="Print a very long")).to_be_visible()
        assert console.accessibility() == []
    api.control(session, "cancel")


def test_on_a_phone_and_in_chinese(browser: Browser, server: Served, api: Api) -> None:
    session = api.start(ASKS, "asks-zh", what="茶")
    with tab(browser, server.url, size=PHONE, locale="zh-CN") as console:
        page = console.open("#/health")
        page.get_by_role("button", name="等待处理:1").click()
        expect(page.get_by_role("link", name="Print 茶?")).to_be_visible()
        assert not console.overflows()
    api.control(session, "cancel")
