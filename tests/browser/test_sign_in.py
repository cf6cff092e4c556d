"""Who has a key signs in with it; it is kept in the tab, and is worth nothing once it is revoked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browser import Api, Console, Scheme, tab
from support.people import People
from support.served import WORKFLOWS, Served
from support.session_page import DEBATE, bubble, status

REFUSED = "401 (Unauthorized)"


class Guarded:
    """A server that asks for keys, and a person's key."""

    def __init__(self, url: str, people: People, key: str, api: Api) -> None:
        self.url = url
        self.people = people
        self.key = key
        self.api = api


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    people = People(tmp_path / "keys.jsonl")
    key = people.add("admin", "default")
    env = {"SESSIOND_AUTH_CHECK_S": "0.05"}
    flags = ("--store", "sqlite:///s.db", "--keys", people.path, *WORKFLOWS)
    with Served(*flags, cwd=tmp_path, env=env) as served, Api(served.url, key) as api:
        yield Guarded(served.url, people, key, api)


@pytest.fixture
def visitor(browser: Browser, guarded: Guarded) -> Iterator[Console]:
    with tab(browser, guarded.url) as console:
        console.expected.append(REFUSED)
        yield console


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("Key or token").fill(key)
    page.keyboard.press("Enter")


def test_a_key_opens_the_session_that_the_link_led_to_and_lasts_as_long_as_the_tab(
    guarded: Guarded, visitor: Console
) -> None:
    session = guarded.api.start(DEBATE, "mine", topic="tea", pace=0.02)
    page = visitor.open(f"#/sessions/{session}")
    expect(page.get_by_label("Key or token")).to_be_focused()
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("The server doesn't take this key or token.")
    sign_in(page, guarded.key)
    expect(bubble(page, "Argues for it")).to_contain_text("The motion is")
    page.reload()
    page.get_by_role("button", name="Pause", exact=True).click()
    status(page, "paused")
    assert guarded.key not in page.url
    assert page.evaluate("localStorage.getItem('sessiond.token')") is None
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key or token")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Key or token")).to_be_visible()


def test_a_key_that_is_revoked_while_somebody_watches_ends_that(guarded: Guarded, visitor: Console) -> None:
    other = guarded.people.add("viewer", "default")
    session = guarded.api.start(DEBATE, "watched", topic="tea", pace=1)
    page = visitor.open(f"#/sessions/{session}")
    sign_in(page, other)
    status(page, "running")
    guarded.people.remove(other)
    expect(page.get_by_label("Key or token")).to_be_visible()
    sign_in(page, guarded.key)
    status(page, "running")


def test_a_server_that_tells_no_roles_tells_a_viewer_when_pressing(guarded: Guarded, visitor: Console) -> None:
    visitor.expected += ["403 (Forbidden)", "404 (Not Found)"]
    visitor.page.route("**/api/v1/me", lambda route: route.fulfill(status=404))
    session = guarded.api.start(DEBATE, "looked-at", topic="tea", pace=1)
    page = visitor.open(f"#/sessions/{session}")
    sign_in(page, guarded.people.add("viewer", "default"))
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("operator")
    status(page, "running")


def test_signing_in_is_accessible(browser: Browser, guarded: Guarded, scheme: Scheme) -> None:
    with tab(browser, guarded.url, scheme=scheme) as console:
        console.expected.append(REFUSED)
        page = console.open("#/sessions/any")
        expect(page.get_by_label("Key or token")).to_be_visible()
        assert console.accessibility() == []
