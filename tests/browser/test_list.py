"""The view Sessions: filters, what happens live, and commands to many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser import PHONE, Api, Console, Scheme, built, tab
from support.served import WORKFLOWS, Served

DONE = {
    "workflow_id": "quick",
    "start_node_id": "start",
    "nodes": {"start": {"type": "start", "next_ids": ["end"]}, "end": {"type": "end"}},
}
HELD = {
    "workflow_id": "held",
    "start_node_id": "start",
    "nodes": {
        "start": {"type": "start", "next_ids": ["gate"]},
        "gate": {"type": "signal", "properties": {"name": "open"}, "next_ids": ["end"]},
        "end": {"type": "end"},
    },
}
"""Runs until somebody signals."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A server of its own for each test: lists show everybody's sessions."""
    built()
    with Served("--store", "sqlite:///s.db", *WORKFLOWS, cwd=tmp_path) as served:
        yield served


def rows(page: Page) -> Locator:
    return page.locator("[role=row][data-id]")


def row(page: Page, session_id: str) -> Locator:
    return page.locator(f"[role=row][data-id='{session_id}']")


def live(page: Page) -> Page:
    """Wait until the page follows all sessions."""
    expect(page.locator(".feed")).to_have_text("live")
    return page


def test_an_empty_list_leads_to_the_start(console: Console) -> None:
    page = console.open("#/sessions")
    expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()
    page.get_by_role("link", name="Start a session").click()
    expect(page).to_have_title("Start · sessiond")


def test_filters_are_in_the_url_and_counters_pick_a_status(console: Console, api: Api) -> None:
    api.post("/workflows/execute", {"graph": HELD, "session_id": "held", "labels": {"team": "core"}})
    api.start(DONE, "done")
    api.post("/workflows/execute", {"graph": DONE, "session_id": "waits", "labels": {"team": "web"}, "start": False})
    page = console.open("#/sessions")
    expect(rows(page)).to_have_count(3)
    counters = page.get_by_role("group", name="Sessions by status")
    expect(counters.get_by_role("button", name="running")).to_have_text(re.compile("1$"))
    expect(counters.get_by_role("button", name="All")).to_have_text(re.compile("3$"))
    counters.get_by_role("button", name="running").click()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"#/sessions\?status=running$"))
    page.reload()
    expect(row(page, "held")).to_be_visible()
    expect(rows(page)).to_have_count(1)
    counters.get_by_role("button", name="All").click()
    page.get_by_label("Label", exact=True).fill("team:web")
    page.keyboard.press("Enter")
    expect(row(page, "waits")).to_be_visible()
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("label=team%3Aweb"))
    page.get_by_label("Workflow", exact=True).fill("nothing")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No session fits these filters")).to_be_visible()
    page.get_by_role("button", name="Clear filters").first.click()
    expect(rows(page)).to_have_count(3)


def test_a_whole_id_leads_to_its_session_and_another_is_said_to_be_unknown(console: Console, api: Api) -> None:
    api.start(DONE, "exactly-this")
    console.expected.append("status of 404")
    page = console.open("#/sessions")
    search = page.get_by_role("searchbox", name="Open by id")
    expect(search).to_have_attribute("placeholder", "Whole session id, Enter")
    search.fill("exactly")
    search.press("Enter")
    expect(page.get_by_text("There is no session exactly.")).to_be_visible()
    search.fill("exactly-this")
    search.press("Enter")
    expect(page).to_have_url(re.compile("#/sessions/exactly-this$"))


def test_statuses_and_counters_change_live_and_new_sessions_are_announced(console: Console, api: Api) -> None:
    api.start(HELD, "watched")
    page = live(console.open("#/sessions"))
    expect(row(page, "watched")).to_contain_text("running")
    api.control("watched", "pause")
    expect(row(page, "watched")).to_contain_text("paused")
    paused = page.get_by_role("group", name="Sessions by status").get_by_role("button", name="paused")
    expect(paused).to_have_text(re.compile("1$"))
    api.control("watched", "cancel")
    expect(row(page, "watched")).to_contain_text("cancelled")
    for name in ("new-1", "new-2", "new-3"):
        api.start(HELD, name)
    announced = page.get_by_role("button", name="3 new sessions")
    expect(announced).to_be_visible()
    expect(rows(page)).to_have_count(1)
    announced.click()
    expect(rows(page)).to_have_count(4)
    expect(rows(page).first).to_have_attribute("data-id", "new-3")
    expect(announced).to_have_count(0)


def test_it_catches_up_with_what_happened_while_the_server_was_away(browser: Browser, tmp_path: Path) -> None:
    built()
    arguments = ("--store", "sqlite:///s.db")
    with Served(*arguments, cwd=tmp_path) as first, tab(browser, first.url) as console:
        console.expected += ["ERR_", "WebSocket", "status of 503"]
        with Api(first.url) as api:
            api.start(DONE, "before", start=False)
        page = live(console.open("#/sessions"))
        expect(row(page, "before")).to_contain_text("pending")
        first.stop()
        expect(page.locator(".feed")).to_have_text("not live: reconnecting")
        with Served(*arguments, cwd=tmp_path, port=first.port) as second, Api(second.url) as api:
            api.control("before", "cancel")
            api.start(DONE, "meanwhile", start=False)
            live(page)
            expect(row(page, "before")).to_contain_text("cancelled")
            expect(page.get_by_role("button", name="1 new session")).to_be_visible()


def test_many_are_paused_and_stopped_and_each_refusal_is_told(console: Console, api: Api) -> None:
    for number in range(8):
        api.start(HELD, f"held-{number}")
    api.start(DONE, "done")
    console.expected.append("status of 409")
    page = live(console.open("#/sessions"))
    expect(row(page, "done")).to_contain_text("completed")
    page.get_by_role("checkbox", name="Select all on screen").check()
    page.get_by_role("group", name="9 selected").get_by_role("button", name="Pause").click()
    dialog = page.get_by_role("dialog", name="Pause 9 sessions")
    dialog.get_by_label("Reason").fill("maintenance")
    dialog.get_by_role("button", name="Pause").click()
    expect(dialog.get_by_text("8 done, 1 refused")).to_be_visible()
    expect(dialog.get_by_role("listitem")).to_contain_text("done")
    dialog.get_by_role("button", name="Close").last.click()
    for number in range(8):
        expect(row(page, f"held-{number}")).to_contain_text("paused")
    expect(row(page, "done").locator(".refusal")).to_be_visible()
    assert [each["data"]["reason"] for each in api.events("held-3") if each["event"] == "execution:paused"] == [
        "maintenance"
    ]
    page.get_by_role("button", name="Clear selection").click()
    row(page, "held-6").get_by_role("checkbox").click()
    row(page, "held-2").get_by_role("checkbox").click(modifiers=["Shift"])
    page.get_by_role("group", name="5 selected").get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    for number in range(8):
        expect(row(page, f"held-{number}")).to_contain_text("failed" if 2 <= number <= 6 else "paused")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_keyboard_moves_selects_and_opens(console: Console, api: Api) -> None:
    for number in range(5):
        api.start(DONE, f"s{number}", start=False)
    page = console.open("#/sessions")
    expect(rows(page)).to_have_count(5)
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    expect(page.get_by_role("group", name="3 selected")).to_be_visible()
    active = grid.get_attribute("aria-activedescendant")
    expect(page.locator(f"[id='{active}']")).to_have_attribute("data-id", "s1")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/sessions/s0$"))


def test_the_list_is_accessible_and_fits_a_phone_in_both_languages(
    browser: Browser, server: Served, api: Api, scheme: Scheme
) -> None:
    for name in ("council", "of-elders"):
        api.post("/workflows/execute", {"graph": HELD, "session_id": name, "labels": {"team": "core"}})
    api.start(DONE, "done")
    with tab(browser, server.url, scheme=scheme) as console:
        page = live(console.open("#/sessions"))
        page.get_by_role("checkbox", name="Select all on screen").check()
        assert console.accessibility() == []
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert console.accessibility() == []
    with tab(browser, server.url, scheme=scheme, size=PHONE, locale="zh-CN") as console:
        page = console.open("#/sessions")
        expect(row(page, "council")).to_contain_text("运行中")
        row(page, "council").get_by_role("checkbox").check()
        page.get_by_role("button", name="筛选").click()
        expect(page.get_by_label("标签", exact=True)).to_be_visible()
        assert not console.overflows()
        assert console.accessibility() == []
