"""What a person may not do is shown as such, with why: by their role, and by whose review it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser import Api, Console, Scheme, built, tab
from support.people import People
from support.served import WORKFLOWS, Served
from support.session_page import status

from sessiond.gateway.principal import ROLES


class Office:
    """A server, and people with keys: each is called as their role, and `other` is a second operator.

    Attributes:
        keys: by who has them.
        names: what the log calls each.
    """

    def __init__(self, url: str, people: People, keys: dict[str, str], api: Api) -> None:
        self.url = url
        self.keys = keys
        self.names = {who: f"key:{people.entries[key].id}" for who, key in keys.items()}
        self.api = api

    def ask(self, session_id: str, **look: Any) -> str:
        """Start a session that asks for a review."""
        look = {"type": "human_review", "properties": {"prompt": "May this be printed?", **look}}
        return self.api.start({"workflow_id": "asks", "start_node_id": "look", "nodes": {"look": look}}, session_id)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    built()
    place: Path = tmp_path_factory.mktemp("office")
    people = People(place / "keys.jsonl")
    keys: dict[str, str] = {role: people.add(role, "default") for role in ROLES}
    keys["other"] = people.add("operator", "default")
    flags = ("--store", "sqlite:///s.db", "--keys", people.path, *WORKFLOWS)
    with Served(*flags, cwd=place) as served, Api(served.url, keys["admin"]) as api:
        yield Office(served.url, people, keys, api)


def enter(console: Console, key: str, link: str) -> Page:
    """Sign in, and be told who one is."""
    console.expected.append("401 (Unauthorized)")
    page = console.open(link)
    page.get_by_label("Key or token").fill(key)
    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/me") and answer.ok):
        page.keyboard.press("Enter")
    return page


def button(place: Page | Locator, name: str) -> Locator:
    return place.get_by_role("button", name=name, exact=True)


def denied(place: Page | Locator, name: str, why: str) -> Locator:
    """A button that can be reached, can't be used, and says why."""
    found = button(place, name)
    expect(found).to_have_attribute("aria-disabled", "true")
    expect(found).to_have_attribute("title", re.compile(re.escape(why)))
    return found


def allowed(place: Page | Locator, name: str) -> None:
    expect(button(place, name)).to_be_enabled()
    expect(button(place, name)).not_to_have_attribute("aria-disabled", "true")


def test_a_viewer_sees_what_takes_an_operator(browser: Browser, office: Office) -> None:
    session = office.ask("looked-at")
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["viewer"], f"#/sessions/{session}")
        for name in ("Pause", "Stop", "Cancel", "Signal…", "Answer…"):
            denied(page, name, "This takes the role operator. Yours: viewer.")
        button(page, "Pause").click(force=True)
        expect(page.get_by_role("status").get_by_text("This takes the role operator")).to_be_visible()
        status(page, "running")
    assert office.api.control(session, "cancel")["changed"]


def test_an_operator_may_steer_and_not_write_or_delete(browser: Browser, office: Office) -> None:
    session = office.ask("steered")
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["operator"], f"#/sessions/{session}")
        allowed(page, "Answer…")
        button(page, "Stop").click()
        button(page.get_by_role("dialog"), "Stop").click()
        status(page, "failed")
        denied(page, "Delete…", "This takes the role admin. Yours: operator.").click(force=True)
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_role("link", name="Start").click()
        page.get_by_label("topic").fill("x")
        allowed(page, "Start")
        page.get_by_role("link", name="Write or paste one").click()
        page.get_by_role("button", name="Insert an example").click()
        expect(page.get_by_text("You can't check, save or start")).to_be_visible()
        for name in ("Start", "Save as workflow"):
            denied(page, name, "This takes the role author.")


def test_an_admin_finds_everything_as_before(browser: Browser, office: Office) -> None:
    session = office.ask("everything")
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["admin"], f"#/sessions/{session}")
        for name in ("Pause", "Stop", "Cancel", "Signal…", "Answer…"):
            allowed(page, name)
        button(page, "Cancel").click()
        button(page.get_by_role("dialog"), "Cancel").last.click()
        status(page, "cancelled")
        allowed(page, "Delete…")


def test_who_signs_in_next_may_what_they_may(browser: Browser, office: Office) -> None:
    session = office.ask("handed-over")
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["viewer"], f"#/sessions/{session}")
        denied(page, "Pause", "operator")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Key or token").fill(office.keys["operator"])
        page.keyboard.press("Enter")
        allowed(page, "Pause")
    office.api.control(session, "cancel")


def test_a_review_says_to_whom_it_is_not_theirs_and_why(browser: Browser, office: Office) -> None:
    theirs = office.ask("for-the-other", reviewers=[office.names["other"]])
    why = f"This is for others to answer: {office.names['other']}."
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["operator"], f"#/sessions/{theirs}")
        denied(page, "Answer…", why)
        expect(page.get_by_label("look asks for a review").get_by_text(why)).to_be_visible()
        page.get_by_role("button", name="Nobody is waited for").wait_for()
        page = console.open(f"#/sessions/{theirs}?answer=look")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("status")).to_contain_text(why)
        denied(dialog, "Approve", why)
        dialog.get_by_label("Note (optional)").press("Control+Enter")
        assert office.api.detail(theirs)["status"] == "running"
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["other"], "#/sessions")
        page.get_by_role("button", name="Waiting for people: 1").click()
        page.get_by_role("link", name="May this be printed?").click()
        button(page.get_by_role("dialog"), "Approve").last.click()
        status(page, "completed")


def test_what_is_for_others_hides_nothing_that_is_ones_own(browser: Browser, office: Office) -> None:
    mine = office.ask("mine", reviewers=[office.names["operator"]])
    others = [office.ask(f"theirs-{number}", reviewers=["ann"]) for number in range(100)]
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["operator"], "#/sessions")
        page.get_by_role("button", name="Waiting for people: 1", exact=True).wait_for()
        office.api.control(mine, "cancel")
        page.get_by_role("button", name="Nobody is waited for").wait_for()
    for session in others:
        office.api.control(session, "cancel")


def test_whoever_started_it_is_told_that_it_takes_four_eyes(browser: Browser, office: Office) -> None:
    session = office.ask("four-eyes", four_eyes=True)
    why = "You created or started this session"
    with tab(browser, office.url) as console:
        page = enter(console, office.keys["admin"], f"#/sessions/{session}")
        denied(page, "Answer…", why)
        page.get_by_label("look asks for a review").get_by_role("button", name="look", exact=True).click()
        denied(page, "Complete by hand…", why)
    office.api.control(session, "cancel")


def test_what_may_not_be_done_is_accessible_in_both_themes(browser: Browser, office: Office, scheme: Scheme) -> None:
    session = office.ask(f"seen-{scheme}", reviewers=["ann"])
    with tab(browser, office.url, scheme=scheme) as console:
        page = enter(console, office.keys["viewer"], f"#/sessions/{session}")
        denied(page, "Pause", "operator")
        assert console.accessibility() == []
        page = console.open(f"#/sessions/{session}?answer=look")
        denied(page.get_by_role("dialog"), "Approve", "operator")
        assert console.accessibility() == []
    office.api.control(session, "cancel")
