"""The view of one session, as people use it: watch, pause, reload, resume, stop, look into nodes and events."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Browser, expect
from support.browser import PHONE, Api, Console, Scheme, tab
from support.served import Served
from support.session_page import DEBATE, bubble, said, status, talkers, told


def test_a_session_is_watched_paused_left_alone_and_resumed_to_its_end(console: Console, api: Api) -> None:
    session = api.start(DEBATE, "journey", topic="tea", pace=0.02)
    page = console.open(f"#/sessions/{session}")
    expect(page.get_by_role("heading", name="Council debate")).to_be_visible()
    expect(bubble(page, "Argues for it")).to_contain_text("The motion is")
    expect(bubble(page, "Argues against it")).to_contain_text("I have nothing")
    page.get_by_role("button", name="Pause", exact=True).click()
    status(page, "paused")
    expect(page.get_by_text("Nothing is at work")).to_be_visible()
    before = said(page, "Argues for it")
    page.reload()
    status(page, "paused")
    expect(bubble(page, "Argues for it")).to_contain_text("The motion is")
    assert said(page, "Argues for it") == before == told(api, session, "advocate")
    page.get_by_role("button", name="Resume").click()
    status(page, "completed")
    expect(bubble(page, "Weighs both")).to_contain_text("Motion carried, with conditions.")
    assert said(page, "Argues for it") == told(api, session, "advocate")
    expect(page.get_by_role("group", name="Controls")).to_have_count(0)
    expect(page.get_by_label("Graph of the workflow").get_by_role("button", name="completed")).to_have_count(6)


def test_what_is_at_work_is_named_while_a_pause_takes_hold(console: Console, api: Api) -> None:
    page = console.open(f"#/sessions/{api.start(DEBATE, 'pausing', topic='tea', pace=5)}")
    expect(bubble(page, "Argues for it")).to_contain_text("The")  # the next word, where it can pause, is 5 s away
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("Pausing: still at work")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Argues for it, Argues against it")
    expect(page.get_by_text("Nothing is at work")).to_be_visible()


def test_a_pending_session_is_started_and_stopped_with_a_reason(console: Console, api: Api) -> None:
    session = api.start(DEBATE, "by-hand", start=False, topic="tea", pace=1)
    page = console.open(f"#/sessions/{session}")
    page.get_by_role("button", name="Start", exact=True).click()
    status(page, "running")
    page.get_by_role("button", name="Stop").click()
    dialog = page.get_by_role("dialog", name="Stop this session?")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.get_by_role("button", name="Stop").press("Enter")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("seen enough")
    page.keyboard.press("Enter")
    status(page, "failed")
    page.get_by_role("tab", name="Input & output").click()
    expect(page.get_by_role("paragraph").filter(has_text="seen enough")).to_have_text("stopped seen enough")
    assert api.detail(session)["error"]["message"] == "seen enough"


def test_a_refused_command_says_why_and_what_is_allowed(browser: Browser, server: Served, api: Api) -> None:
    session = api.start(DEBATE, "refused", topic="tea", pace=1)
    with tab(browser, server.url) as console:
        console.expected.append("409 (Conflict)")
        page = console.open(f"#/sessions/{session}")
        status(page, "running")
        button = page.get_by_role("button", name="Pause", exact=True)
        expect(button).to_be_enabled()
        page.route("**/control", lambda route: (api.control(session, "stop"), route.continue_()))  # another was faster
        button.click()
        note = page.get_by_role("alert")
        expect(note).to_contain_text("failed")
        expect(note).to_contain_text("takes no commands any more")


def test_two_tabs_show_the_same(browser: Browser, server: Served, api: Api) -> None:
    session = api.start(DEBATE, "two-tabs", topic="tea", pace=0.02)
    with tab(browser, server.url) as one, tab(browser, server.url) as other:
        pages = [each.open(f"#/sessions/{session}") for each in (one, other)]
        for page in pages:
            status(page, "running")
        pages[0].get_by_role("button", name="Pause", exact=True).click()
        status(pages[1], "paused")
        pages[1].get_by_role("button", name="Resume").click()
        for page in pages:
            status(page, "completed")
        assert said(pages[0], "Weighs both") == said(pages[1], "Weighs both") == told(api, session, "adjudicator")


def test_a_node_opens_by_keyboard_stays_over_a_reload_and_closes(console: Console, api: Api) -> None:
    page = console.open(f"#/sessions/{api.start(DEBATE, 'node', topic='tea', pace=0)}")
    node = page.get_by_label("Graph of the workflow").get_by_role("button", name="Weighs both")
    node.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Weighs both")
    expect(panel.get_by_role("region", name="Output", exact=True)).to_contain_text("carried with conditions")
    expect(panel.get_by_role("region", name="Output of Argues for it")).to_contain_text("The motion is")
    page.reload()
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_events_are_filtered_and_looked_into(console: Console, api: Api) -> None:
    session = api.start(DEBATE, "events", topic="tea", pace=0)
    page = console.open(f"#/sessions/{session}?tab=events")
    status(page, "completed")
    log = page.get_by_role("region", name="Events")
    events = api.events(session)
    tokens = sum(event["event"] == "token_stream" for event in events)
    expect(page.get_by_text(f"{len(events) - tokens} of {len(events)}")).to_be_visible()
    page.get_by_label("Text pieces").check()
    expect(page.get_by_text(f"{len(events)} of {len(events)}")).to_be_visible()
    assert log.get_by_role("button").count() < 60, "only what is in view is drawn"
    page.get_by_label("Filter events").fill("adjudicator")
    page.get_by_label("Text pieces").uncheck()
    page.get_by_label("Node").select_option("adjudicator")
    log.get_by_role("button", name="completed").click()
    expect(page.get_by_role("region", name=re.compile("^Event [0-9]+$")).last).to_contain_text('"confidence": 0.72')


def test_a_review_is_shown_with_its_question(console: Console, api: Api) -> None:
    page = console.open(f"#/sessions/{api.start('council_optimize', 'asks', topic='tea', pace=0)}")
    ask = page.get_by_role("region", name="A person looks at the round asks for a review")
    expect(ask).to_contain_text("scored 0.55")
    ask.get_by_role("button", name="A person looks at the round").click()
    expect(page.get_by_role("complementary")).to_contain_text("scored 0.55")


def test_a_session_that_is_not_there_is_said_so(console: Console) -> None:
    page = console.open("#/sessions/none")
    page.get_by_role("link", name="All sessions").click()
    expect(page).to_have_title("Sessions · sessiond")


@pytest.mark.parametrize("where", ["", "?tab=events", "?tab=data", "?node=adjudicator"])
def test_it_is_accessible_in_both_themes(
    browser: Browser, server: Served, api: Api, scheme: Scheme, where: str
) -> None:
    session = api.start(DEBATE, f"axe-{scheme}-{where.partition('=')[2]}", topic="tea", pace=0)
    with tab(browser, server.url, scheme=scheme) as console:
        page = console.open(f"#/sessions/{session}{where}")
        status(page, "completed")
        expect(page.get_by_label("Graph of the workflow").get_by_role("button", name="completed")).to_have_count(6)
        assert console.accessibility() == []


@pytest.mark.parametrize("where", ["", "?tab=events", "?tab=data", "?node=adjudicator"])
def test_a_phone_never_scrolls_sideways(browser: Browser, server: Served, api: Api, where: str) -> None:
    session = api.start(DEBATE, f"phone-{where.partition('=')[2]}", topic="tea", pace=0)
    with tab(browser, server.url, size=PHONE) as console:
        page = console.open(f"#/sessions/{session}{where}")
        status(page, "completed")
        assert not console.overflows()


def test_five_agents_at_two_hundred_tokens_a_second_each_leave_the_page_half_of_a_core(
    browser: Browser, server: Served, api: Api
) -> None:
    session = api.start(talkers(5, 800, 0.005), "fast", start=False)
    with tab(browser, server.url) as console:
        page = console.open(f"#/sessions/{session}")
        status(page, "pending")
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})  # of the thread: others may be busy too

        def measured(name: str) -> float:
            metrics = devtools.send("Performance.getMetrics")["metrics"]
            return next(float(each["value"]) for each in metrics if each["name"] == name)

        busy, began = measured("TaskDuration"), time.monotonic()
        page.get_by_role("button", name="Start", exact=True).click()
        status(page, "completed")
        share = (measured("TaskDuration") - busy) / (time.monotonic() - began)
        for number in range(5):
            assert said(page, f"agent{number}") == told(api, session, f"agent{number}")
        assert share < 0.5, f"the page's thread was busy for {share:.0%} of the time"
