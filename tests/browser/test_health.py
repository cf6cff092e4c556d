"""The health view: figures that move, what is wrong in a sentence, and a store that goes away and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser import MS, PHONE, Api, Console, Scheme, built, tab
from support.people import People
from support.redis_server import RedisServer
from support.served import WORKFLOWS, Served

LOOK = "#/health"
SHOW = """state => {
  Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""What a browser does when its tab is left, or looked at again."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    server.start()
    yield server
    server.stop()


def figure(page: Page, name: str) -> Locator:
    return page.locator(f"[data-figure={name}]")


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("status").first).to_contain_text(text, timeout=MS)


def test_figures_move_with_what_the_server_does(console: Console, api: Api) -> None:
    page = console.open(LOOK)
    says(page, "All is well.")
    expect(figure(page, "running")).to_have_text("0")
    session = api.start("council_debate", "moves", topic="tea", pace=0.02)
    expect(figure(page, "running")).to_have_text("1")
    expect(figure(page, "events")).not_to_have_text("0/s")
    expect(figure(page, "commitP99")).to_contain_text("ms")
    expect(figure(page, "requests")).to_contain_text("/s")
    expect(page.locator("canvas").first).to_be_visible()
    api.control(session, "stop")
    expect(figure(page, "running")).to_have_text("0")
    page.get_by_text("All figures as a table").click()
    row = page.get_by_role("row", name="Sessions in memory, running")
    expect(row.get_by_role("cell")).to_contain_text(["0", "0", "", "1"])


def test_a_store_that_goes_away_and_comes_back_is_seen_without_a_reload(
    browser: Browser, tmp_path: Path, redis: RedisServer
) -> None:
    built()
    with Served("--store", redis.url, *WORKFLOWS, cwd=tmp_path) as served, tab(browser, served.url) as console:
        console.expected.append("503")
        page = console.open(LOOK)
        says(page, "All is well.")
        page.evaluate("window.before = true")
        redis.kill()
        says(page, "The store is away")
        redis.start()
        says(page, "All is well.")
        with Api(served.url) as api:
            api.start("council_debate", "writes", topic="tea", pace=0.1)
            expect(figure(page, "running")).to_have_text("1")
            redis.kill()
            says(page, "The server takes no commands now")
            redis.start()
            says(page, "All is well.")
            api.control("writes", "stop")
        assert page.evaluate("window.before") is True


def test_a_server_that_is_gone_is_told_from_one_that_is_not_ready(browser: Browser, tmp_path: Path) -> None:
    built()
    with Served("--store", "sqlite:///s.db", cwd=tmp_path) as served, tab(browser, served.url) as console:
        console.expected.extend(["ERR_CONNECTION_REFUSED", "WebSocket", "ERR_"])
        page = console.open(LOOK)
        says(page, "All is well.")
        served.kill()
        says(page, "The server can't be reached.")
        with Served("--store", "sqlite:///s.db", cwd=tmp_path, port=served.port):
            says(page, "All is well.")


def test_a_hidden_tab_asks_nothing(console: Console) -> None:
    console.page.clock.install()
    page = console.open(LOOK)
    says(page, "All is well.")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(SHOW, "hidden")
    page.clock.run_for(20_000)
    page.evaluate(SHOW, "visible")
    with page.expect_request("**/metrics"):
        page.clock.run_for(2_000)
    assert len([url for url in asked if url.endswith("/metrics")]) <= 2


def test_who_may_not_see_the_figures_sees_whether_the_server_is_ready(browser: Browser, tmp_path: Path) -> None:
    built()
    people = People(tmp_path / "keys.jsonl")
    key = people.add("viewer", "default")
    flags = ("--store", "sqlite:///s.db", "--keys", people.path)
    with Served(*flags, cwd=tmp_path) as served, tab(browser, served.url) as console:
        console.expected.extend(["401 (Unauthorized)", "403 (Forbidden)"])
        page = console.open(LOOK)
        page.get_by_label("Key or token").fill(key)
        page.keyboard.press("Enter")
        says(page, "All is well.")
        expect(page.get_by_text("The figures take the role admin.")).to_be_visible()
        expect(page.locator("canvas")).to_have_count(0)


def test_in_chinese_and_on_a_phone(browser: Browser, server: Served) -> None:
    with tab(browser, server.url, size=PHONE, locale="zh-CN") as console:
        page = console.open(LOOK)
        says(page, "一切正常。")
        expect(page.locator("canvas").first).to_be_visible()
        page.get_by_text("以表格显示全部指标").click()
        expect(page.get_by_role("row", name="事件循环延迟")).to_be_visible()
        assert not console.overflows()


def test_it_is_accessible_in_both_themes(browser: Browser, server: Served, scheme: Scheme) -> None:
    with tab(browser, server.url, scheme=scheme) as console:
        page = console.open(LOOK)
        says(page, "All is well.")
        expect(page.locator("canvas").first).to_be_visible()
        page.get_by_text("All figures as a table").click()
        assert console.accessibility() == []
