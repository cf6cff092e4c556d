"""What people do to a session from its page: answer, decide, signal, fork, delete; what they are told if refused."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect
from support.browser import PHONE, Api, Console, Scheme, tab
from support.served import Served

DRAFT: Final = "Tea is a warm drink that wakes people gently."


def reviewed(**look: Any) -> dict[str, Any]:
    """Return a graph of a draft that a person looks at."""
    return {
        "workflow_id": "reviewed",
        "name": "A draft and a look at it",
        "start_node_id": "draft",
        "nodes": {
            "draft": {"type": "start", "next_ids": ["look"], "properties": {"output": {"text": DRAFT}}},
            "look": {
                "type": "human_review",
                "name": "The editor",
                "next_ids": ["end"],
                "properties": {"prompt": "May this be printed?", **look},
            },
            "end": {"type": "end", "properties": {"output": {"printed": "${nodes.look.output.data}"}}},
        },
    }


SCHEMA: Final = {
    "type": "object",
    "required": ["text", "stars"],
    "properties": {
        "text": {"type": "string", "description": "As it will be printed."},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "tone": {"enum": ["calm", "loud"], "default": "calm"},
    },
}

FRAGILE: Final = {
    "workflow_id": "fragile",
    "start_node_id": "begin",
    "input_schema": {"type": "object", "properties": {"topic": {"type": "string"}, "pages": {"type": "integer"}}},
    "nodes": {
        "begin": {"type": "start", "next_ids": ["write"]},
        "write": {
            "type": "agent",
            "on_error": "suspend",
            "next_ids": ["end"],
            "properties": {"prompt": "Write about ${input.topic}", "demo": {"interval_s": 0, "script": "Done."}},
        },
        "end": {"type": "end", "properties": {"output": {"text": "${nodes.write.output}"}}},
    },
}

GATED: Final = {
    "workflow_id": "gated",
    "start_node_id": "begin",
    "nodes": {
        "begin": {"type": "start", "next_ids": ["gate"]},
        "gate": {"type": "signal", "next_ids": ["end"], "properties": {"name": "go"}},
        "end": {"type": "end", "properties": {"output": {"came": "${nodes.gate.output}"}}},
    },
}

ANSWER_ELSEWHERE: Final = """([session, button]) => {
  const request = new XMLHttpRequest();
  request.open("POST", `/api/v1/sessions/${session}/review`, false);
  request.setRequestHeader("Content-Type", "application/json");
  request.send(JSON.stringify({node_id: "look", action: "approve"}));
  button.click();
}"""
"""Answers, and presses a button before the page can hear of the answer: nothing else runs in it until this returns."""


def wait_for(page: Page, name: str) -> Locator:
    """Return the notice that a node waits."""
    return page.get_by_role("region", name=name)


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog")


def ends(page: Page, status: str) -> None:
    expect(page.locator("main header .badge").first).to_have_text(status)


def test_a_text_is_changed_and_the_difference_shown_before_it_is_sent(console: Console, api: Api) -> None:
    session = api.start(reviewed(), "changed-1")
    page = console.open(f"#/sessions/{session}")
    wait_for(page, "The editor asks for a review").get_by_role("button", name="Answer…").click()
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("May this be printed?")
    dialog.get_by_text("Change", exact=True).click()
    expect(dialog).to_contain_text("Nothing is changed yet.")
    dialog.get_by_label("Data").fill(DRAFT.replace("warm", "hot"))
    expect(dialog.locator("del")).to_contain_text("warm")
    expect(dialog.locator("ins")).to_contain_text("hot")
    dialog.get_by_role("button", name="Send the change").click()
    expect(dialog).to_be_hidden()
    ends(page, "completed")
    assert api.detail(session)["output"] == {"printed": DRAFT.replace("warm", "hot")}


def test_a_review_with_a_schema_is_a_form_whose_faults_stand_at_their_fields(console: Console, api: Api) -> None:
    console.expected.append("422")
    session = api.start(reviewed(schema=SCHEMA, timeout_s=600, on_timeout="approve"), "formed-1")
    page = console.open(f"#/sessions/{session}?answer=look")
    dialog = dialog_of(page)
    expect(dialog).to_contain_text(re.compile(r"(10|9) min \d\d s left, then it counts as approved"))
    dialog.get_by_text("Change", exact=True).click()
    expect(dialog.get_by_role("textbox", name="text")).to_have_value(DRAFT)
    expect(dialog.get_by_role("combobox", name="tone")).to_have_value("0")
    send = dialog.get_by_role("button", name="Send the change")
    send.click()
    expect(dialog).to_contain_text("This is required.")
    stars = dialog.get_by_role("textbox", name="stars")
    stars.fill("9")
    send.click()
    expect(dialog).to_contain_text("9 is greater than the maximum of 5")
    expect(stars).to_have_attribute("aria-invalid", "true")
    stars.fill("4.5")
    expect(dialog).to_contain_text("This is no whole number.")
    stars.fill("4")
    dialog.get_by_text("JSON", exact=True).click()
    expect(dialog.get_by_role("textbox", name="Data")).to_have_value(re.compile('"stars": 4'))
    send.click()
    ends(page, "completed")
    assert api.detail(session)["output"]["printed"] == {"text": DRAFT, "stars": 4, "tone": "calm"}


def test_a_no_fails_the_node_and_its_note_is_kept(console: Console, api: Api) -> None:
    session = api.start(reviewed(), "refused-1")
    page = console.open(f"#/sessions/{session}?answer=look")
    dialog = dialog_of(page)
    dialog.get_by_text("Reject", exact=True).first.click()
    dialog.get_by_label("Note").fill("too warm")
    dialog.get_by_role("button", name="Reject").click()
    ends(page, "failed")
    closed = [event for event in api.events(session) if event["event"] == "node_resumed"]
    assert [(event["data"]["review_action"], event["data"]["data"]) for event in closed] == [("reject", "too warm")]


def test_who_comes_too_late_is_told_who_was_faster(console: Console, api: Api) -> None:
    session = api.start(reviewed(), "late-1")
    page = console.open(f"#/sessions/{session}?answer=look")
    dialog = dialog_of(page)
    dialog.get_by_label("Note").fill("my opinion")
    api.post(f"/sessions/{session}/review", {"node_id": "look", "action": "reject"})
    expect(dialog.get_by_role("status")).to_contain_text("Somebody was faster: rejected.")
    expect(dialog.get_by_role("button", name="Approve")).to_be_disabled()
    expect(dialog.get_by_label("Note")).to_have_value("my opinion")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()


def test_who_is_too_late_without_knowing_is_told_as_well(console: Console, api: Api) -> None:
    console.expected.extend(["409", "Synchronous XMLHttpRequest"])
    session = api.start(reviewed(), "late-2")
    page = console.open(f"#/sessions/{session}?answer=look")
    dialog = dialog_of(page)
    expect(dialog.get_by_role("button", name="Approve")).to_be_enabled()
    dialog.get_by_text("Reject", exact=True).first.click()
    page.evaluate(ANSWER_ELSEWHERE, [session, dialog.get_by_role("button", name="Reject").element_handle()])
    expect(dialog.get_by_role("status")).to_contain_text("Nobody has to answer this any more")


def test_a_failed_node_is_given_another_input_and_runs_again(console: Console, api: Api) -> None:
    session = api.start(FRAGILE, "fragile-1", pages=2)
    page = console.open(f"#/sessions/{session}")
    wait_for(page, "write failed and waits for you").get_by_role("button", name="Decide…").click()
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("attempt 1")
    dialog.get_by_text("Retry with input", exact=True).first.click()
    expect(dialog.get_by_label("pages")).to_have_value("2")
    dialog.get_by_label("topic").fill("tea")
    dialog.get_by_role("button", name="Retry with input").click()
    expect(dialog).to_be_hidden()
    ends(page, "completed")
    found = next(event for event in api.events(session) if event["event"] == "node_resumed")
    assert found["data"]["input"] == {"topic": "tea", "pages": 2}


def test_a_failed_node_is_retried_as_it_is_and_then_given_up(console: Console, api: Api) -> None:
    session = api.start(FRAGILE, "fragile-2")
    page = console.open(f"#/sessions/{session}?answer=write")
    dialog_of(page).get_by_role("button", name="Retry").click()
    wait_for(page, "write failed and waits for you").get_by_role("button", name="Decide…").click()
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("attempt 2")
    dialog.get_by_text("Give up", exact=True).first.click()
    dialog.get_by_role("button", name="Give up").click()
    ends(page, "failed")


def test_a_failed_node_is_skipped_with_an_output(console: Console, api: Api) -> None:
    session = api.start(FRAGILE, "fragile-3")
    page = console.open(f"#/sessions/{session}?answer=write")
    dialog = dialog_of(page)
    dialog.get_by_text("Skip", exact=True).first.click()
    output = dialog.get_by_label("Output")
    output.fill('{"text": "by ha')
    dialog.get_by_role("button", name="Skip").click()
    expect(dialog).to_contain_text("This is no JSON")
    output.fill('{"text": "by hand"}')
    dialog.get_by_role("button", name="Skip").click()
    ends(page, "completed")
    assert api.detail(session)["output"] == {"text": {"text": "by hand"}}


def test_a_signal_reaches_the_node_that_waits(console: Console, api: Api) -> None:
    session = api.start(GATED, "gated-1")
    page = console.open(f"#/sessions/{session}")
    wait_for(page, "gate waits for a signal").get_by_role("button", name="Signal…").click()
    dialog = dialog_of(page)
    expect(dialog).to_contain_text("Waits for “go”.")
    dialog.get_by_label("Payload").fill('{"by": "ann"}')
    dialog.get_by_role("button", name="Send").click()
    ends(page, "completed")
    assert api.detail(session)["output"] == {"came": {"by": "ann"}}


def test_a_signal_that_comes_before_anybody_waits_is_kept(console: Console, api: Api) -> None:
    session = api.start(GATED, "gated-2", start=False)
    page = console.open(f"#/sessions/{session}")
    page.get_by_role("button", name="Signal…").click()
    dialog = dialog_of(page)
    expect(dialog.get_by_label("Name of the signal")).to_have_value("go")
    dialog.get_by_label("Payload").fill("7")
    dialog.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Signal sent")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    ends(page, "completed")
    assert api.detail(session)["output"] == {"came": 7}


def test_any_node_that_waits_is_completed_by_hand(console: Console, api: Api) -> None:
    session = api.start(GATED, "gated-3")
    page = console.open(f"#/sessions/{session}?node=gate")
    page.get_by_role("button", name="Complete by hand…").click()
    dialog_of(page).get_by_label("Output").fill('"enough"')
    dialog_of(page).get_by_role("button", name="Complete").click()
    ends(page, "completed")
    assert api.detail(session)["output"] == {"came": "enough"}


def test_a_fork_from_a_node_reuses_what_was_before_it(console: Console, api: Api) -> None:
    session = api.start(reviewed(), "forked-1")
    api.post(f"/sessions/{session}/review", {"node_id": "look", "action": "approve"})
    page = console.open(f"#/sessions/{session}?node=look")
    page.get_by_role("button", name="Fork from here…").click()
    dialog_of(page).get_by_role("button", name="Fork", exact=True).click()
    expect(page).not_to_have_url(re.compile(session))
    expect(page.get_by_role("link", name=session)).to_be_visible()
    wait_for(page, "The editor asks for a review").get_by_role("button", name="Answer…").click()
    fork = page.url.rpartition("/")[2].partition("?")[0]
    detail = api.detail(fork)
    assert detail["forked_from"]["session_id"] == session
    assert detail["nodes"]["draft"]["output"] == {"text": DRAFT}
    assert detail["nodes"]["draft"]["attempt"] == api.detail(session)["nodes"]["draft"]["attempt"]


def test_a_fork_after_an_event_may_take_another_input(console: Console, api: Api) -> None:
    session = api.start(FRAGILE, "forked-2", pages=1)
    page = console.open(f"#/sessions/{session}?tab=events")
    page.get_by_role("button", name=re.compile("execution:started")).click()
    page.get_by_role("button", name="Fork after this…").click()
    dialog = dialog_of(page)
    dialog.get_by_label("With another input").check()
    dialog.get_by_label("topic").fill("tea")
    dialog.get_by_role("button", name="Fork", exact=True).click()
    expect(page).not_to_have_url(re.compile(session))
    ends(page, "completed")


def test_an_ended_session_is_deleted_once_that_is_confirmed(console: Console, api: Api) -> None:
    session = api.start(reviewed(), "deleted-1")
    page = console.open(f"#/sessions/{session}")
    expect(page.get_by_role("button", name="Signal…")).to_be_visible()
    expect(page.get_by_role("button", name="Delete…")).to_be_hidden()
    api.control(session, "stop")
    page.get_by_role("button", name="Delete…").click()
    dialog_of(page).get_by_role("button", name="Cancel").click()
    assert api.detail(session)["status"] == "failed"
    page.get_by_role("button", name="Delete…").click()
    dialog_of(page).get_by_role("button", name="Delete", exact=True).click()
    expect(page).to_have_url(re.compile("#/sessions$"))
    expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()  # who is back before has never left
    console.expected.append("404")
    console.open(f"#/sessions/{session}")
    expect(page.get_by_text("There is no such session")).to_be_visible()


def test_a_command_without_an_answer_is_sent_again_under_its_key(console: Console, api: Api) -> None:
    console.expected.extend(["ERR_INTERNET_DISCONNECTED", "WebSocket"])
    session = api.start(reviewed(), "again-1")
    page = console.open(f"#/sessions/{session}?answer=look")
    dialog = dialog_of(page)
    expect(dialog.get_by_role("button", name="Approve")).to_be_enabled()
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    page.context.set_offline(True)
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server can't be reached")
    page.context.set_offline(False)
    dialog.get_by_role("button", name="Try again").click()
    ends(page, "completed")
    keys = [request.headers["idempotency-key"] for request in sent if request.url.endswith("/review")]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_in_chinese(browser: Browser, server: Served, api: Api) -> None:
    session = api.start(reviewed(schema=SCHEMA), "zh-1")
    with tab(browser, server.url, locale="zh-CN") as console:
        page = console.open(f"#/sessions/{session}?answer=look")
        dialog = dialog_of(page)
        expect(dialog.get_by_role("heading", name="审核:The editor")).to_be_visible()
        dialog.get_by_text("批准", exact=True).first.click()
        dialog.get_by_role("button", name="批准").click()
        expect(page.get_by_text("已答复")).to_be_visible()


@pytest.mark.parametrize("kind", ["review", "failure", "signal"])
def test_dialogs_are_accessible_in_both_themes(
    browser: Browser, server: Served, api: Api, scheme: Scheme, kind: str
) -> None:
    graph, node = {
        "review": (reviewed(schema=SCHEMA), "look"),
        "failure": (FRAGILE, "write"),
        "signal": (GATED, "gate"),
    }[kind]
    session = api.start(graph, f"axe-{kind}-{scheme}")
    with tab(browser, server.url, scheme=scheme) as console:
        page = console.open(f"#/sessions/{session}?answer={node}")
        dialog = dialog_of(page)
        if kind == "review":
            dialog.get_by_text("Change", exact=True).click()
            dialog.get_by_role("textbox", name="text").fill("Tea.")
            expect(dialog.locator("ins, del").first).to_be_visible()
        elif kind == "failure":
            dialog.get_by_text("Retry with input", exact=True).first.click()
        expect(dialog.get_by_role("button", name="Cancel")).to_be_visible()
        assert console.accessibility() == []


def test_a_phone_never_scrolls_sideways(browser: Browser, server: Served, api: Api) -> None:
    session = api.start(reviewed(schema=SCHEMA), "phone-1")
    with tab(browser, server.url, size=PHONE) as console:
        page = console.open(f"#/sessions/{session}?answer=look")
        dialog = dialog_of(page)
        dialog.get_by_text("Change", exact=True).click()
        dialog.get_by_role("textbox", name="text").fill("Tea. " * 40)
        expect(dialog.locator("ins").first).to_be_visible()
        box = dialog.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
        assert dialog.evaluate("it => it.scrollWidth <= it.clientWidth")
        assert not console.overflows()
