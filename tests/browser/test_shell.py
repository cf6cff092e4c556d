"""The frame around the views: links, theme, language, keyboard, width."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect
from support.browser import PHONE, Console, Scheme, tab
from support.served import Served

VIEWS = {"#/": "Start", "#/sessions": "Sessions", "#/health": "Health"}


def test_every_view_has_a_link_a_title_and_survives_a_reload(console: Console) -> None:
    page = console.open()
    for link, name in VIEWS.items():
        page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(page).to_have_url(re.compile(f"/{re.escape(link)}$"))
        page.reload()
        expect(page).to_have_title(f"{name} · sessiond")
        expect(page.get_by_role("navigation").get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


def test_what_is_nowhere_leads_back_home(console: Console) -> None:
    page = console.open("#/nowhere/at/all")
    page.get_by_role("link", name="Back to the start").click()
    expect(page).to_have_title("Start · sessiond")


def test_a_chosen_theme_and_language_stay(console: Console) -> None:
    page = console.open()
    root = page.locator("html")
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="中文").click()
    expect(root).to_have_attribute("lang", "zh")
    page.reload()
    expect(root).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("link", name="会话")).to_be_visible()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="主题:深色").click()
    expect(root).not_to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_a_browser_that_prefers_chinese_gets_it(browser: Browser, server: Served) -> None:
    with tab(browser, server.url, locale="zh-CN") as console:
        expect(console.open().get_by_role("link", name="开始")).to_be_visible()


def test_the_keyboard_reaches_the_content_first(console: Console) -> None:
    page = console.open("#/health")
    expect(page.locator("main")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_url(re.compile("#/health$"))


@pytest.mark.parametrize("link", VIEWS)
def test_views_are_accessible_in_both_themes(browser: Browser, server: Served, link: str, scheme: Scheme) -> None:
    with tab(browser, server.url, scheme=scheme) as console:
        expect(console.open(link).locator("main")).to_be_visible()
        assert console.accessibility() == []


@pytest.mark.parametrize("link", VIEWS)
def test_a_phone_never_scrolls_sideways(browser: Browser, server: Served, link: str) -> None:
    with tab(browser, server.url, size=PHONE) as console:
        expect(console.open(link).locator("main")).to_be_visible()
        assert not console.overflows()
