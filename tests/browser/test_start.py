"""The view Start: pick a workflow or write one, fill in its input, and land on the session."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from support.browser import PHONE, Api, Console, Scheme, built, tab
from support.command import EXAMPLES, command
from support.served import WORKFLOWS, Served

from sessiond.gateway.yaml_data import parse_yaml

SESSION = re.compile(r"#/sessions/[\w-]+$")
YAML = """workflow_id: pasted
start_node_id: start
input_schema: {type: object, required: [who], properties: {who: {type: string}}}
nodes:
  start: {type: start, next_ids: [gone]}
  work:
    type: delay
    next_ids: [end]
    properties:
      seconds: soon
  end: {type: end}
"""


def write(page: Page, text: str) -> None:
    """Put a text into the editor, in place of what is there, as a paste would."""
    editor = page.get_by_role("textbox", name="Workflow as YAML or JSON")
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def landed(page: Page) -> str:
    """Wait for the session's page; return the session's id."""
    expect(page).to_have_url(SESSION)
    return page.url.rpartition("/")[2]


def test_a_stored_workflow_is_picked_filled_in_and_started(console: Console, api: Api) -> None:
    page = console.open()
    page.get_by_role("link", name="Council debate").click()
    expect(page.get_by_role("heading", name="Council debate")).to_be_visible()
    expect(page.get_by_role("img", name="Argues for it (agent)")).to_be_visible()
    page.get_by_label("topic").fill("a four-day week")
    page.get_by_label("pace").fill("0")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Labels").fill("team:core, urgent")
    page.get_by_label("Deadline").fill("600")
    page.get_by_role("button", name="Start", exact=True).click()
    detail = api.detail(landed(page))
    assert detail["workflow_id"] == "council_debate"
    assert detail["input"] == {"topic": "a four-day week", "pace": 0}
    assert detail["labels"] == {"team": "core", "urgent": ""}
    expect(page.get_by_text("completed").first).to_be_visible()


def test_what_is_required_is_pointed_out_and_the_servers_faults_stand_at_their_fields(console: Console) -> None:
    console.expected.append("status of 422")
    page = console.open("#/?workflow=council_debate")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_label("topic")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("topic").fill("x")
    page.get_by_label("pace").fill("9")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_label("pace")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("9 is greater than the maximum of 5")).to_be_visible()
    page.get_by_label("pace").fill("0")
    page.get_by_role("button", name="Start", exact=True).click()
    landed(page)


def test_yaml_with_two_faults_is_marked_mended_and_started(console: Console, api: Api) -> None:
    console.expected.append("status of 422")
    page = console.open("#/?own")
    write(page, YAML)
    expect(page.get_by_text("2 faults")).to_be_visible()
    faults = page.locator(".faults li")
    expect(faults.nth(0)).to_contain_text("line 5")
    expect(faults.nth(0)).to_contain_text("$.nodes.start.next_ids[0]")
    expect(faults.nth(1)).to_contain_text("line 10")
    marks = page.locator(".cm-fault")
    expect(marks).to_have_text(["gone", "soon"])
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    faults.nth(1).get_by_role("button").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(YAML.replace("gone", "work").replace("soon", "0"))
    expect(page.get_by_text("pasted is valid")).to_be_visible()
    expect(marks).to_have_count(0)
    page.get_by_label("who").fill("Ada")
    page.get_by_role("button", name="Start", exact=True).click()
    detail = api.detail(landed(page))
    assert (detail["workflow_id"], detail["input"]) == ("pasted", {"who": "Ada"})


def test_what_is_no_yaml_is_marked_without_asking_the_server(console: Console) -> None:
    page = console.open("#/?own")
    write(page, "nodes:\n  a: [1, 2\nb: 3\n")
    expect(page.locator(".cm-fault").first).to_be_visible()
    expect(page.locator(".faults li").first).to_contain_text("line")


def test_json_of_the_same_meaning_is_as_good_and_can_be_saved(console: Console, api: Api) -> None:
    graph = {
        "workflow_id": "saved",
        "name": "Saved here",
        "start_node_id": "start",
        "nodes": {"start": {"type": "start", "next_ids": ["end"]}, "end": {"type": "end"}},
    }
    page = console.open("#/?own")
    write(page, json.dumps(graph, indent=1))
    expect(page.get_by_text("saved is valid")).to_be_visible()
    page.get_by_role("button", name="Save as workflow").click()
    page.get_by_role("link", name="Saved here").click()
    page.get_by_role("button", name="Start", exact=True).click()
    assert api.detail(landed(page))["workflow_id"] == "saved"


def test_the_shipped_examples_mean_the_same_to_the_page_as_to_the_command_line(console: Console, api: Api) -> None:
    page = console.open("#/?own")
    for file in sorted(EXAMPLES.glob("*.yaml")):
        with page.expect_response(lambda answer: answer.url.endswith("/validate") and answer.status == 200) as answer:
            write(page, file.read_text(encoding="utf-8"))
        read = parse_yaml(file.read_text(encoding="utf-8")).value
        assert answer.value.json() == api.post("/workflows/validate", read), file.name


def test_a_draft_survives_a_reload(console: Console) -> None:
    page = console.open("#/?workflow=council_debate")
    page.get_by_label("topic").fill("drafts")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Labels").fill("team:core")
    page.reload()
    expect(page.get_by_label("topic")).to_have_value("drafts")
    expect(page.get_by_label("Labels")).to_have_value("team:core")
    page.get_by_role("link", name="Write or paste one").click()
    write(page, "workflow_id: unfinished\n")
    console.expected.append("status of 422")
    page.reload()
    expect(page.locator(".cm-content")).to_contain_text("workflow_id: unfinished")


def test_a_double_click_starts_one(console: Console) -> None:
    page = console.open("#/?workflow=council_debate")
    page.get_by_label("topic").fill("only once")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Labels").fill("test:double")
    page.get_by_role("button", name="Start", exact=True).dblclick()
    landed(page)
    assert len(labelled(page, console, "test:double")) == 1


def test_a_lost_answer_starts_one(console: Console) -> None:
    """The server starts the session; its answer is lost on the way, and the person tries again."""
    console.expected.append("ERR_")
    page = console.open("#/?workflow=council_debate")
    page.get_by_label("topic").fill("only once")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Labels").fill("test:lost")
    lost: list[str] = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().json()["session_id"])
        route.abort("connectionreset")

    page.route("**/workflows/execute", lose, times=1)
    button = page.get_by_role("button", name="Start", exact=True)
    button.click()
    expect(page.get_by_text("The server can't be reached")).to_be_visible()
    button.click()
    assert [landed(page)] == lost
    assert labelled(page, console, "test:lost") == lost


def labelled(page: Page, console: Console, label: str) -> list[str]:
    """Return the ids of the sessions with a label."""
    items = page.request.get(f"{console.url}/api/v1/sessions?label={label}").json()["items"]
    return [item["session_id"] for item in items]


def test_many_workflows_can_be_searched(browser: Browser, tmp_path: Path) -> None:
    built()
    many = []
    for number in range(12):
        file = tmp_path / f"w{number}.yaml"
        file.write_text(
            f"workflow_id: flow_{number}\nname: Flow {number}\nstart_node_id: s\n"
            "nodes: {s: {type: start, next_ids: [e]}, e: {type: end}}\n"
        )
        many += ["--workflow", str(file)]
    with Served("--store", "memory://", *many, cwd=tmp_path) as server, tab(browser, server.url) as console:
        page = console.open()
        page.get_by_role("searchbox", name="Search workflows").fill("flow 11")
        expect(page.get_by_role("navigation", name="Workflows").get_by_role("listitem")).to_have_text(
            re.compile("Flow 11")
        )
        page.get_by_role("searchbox", name="Search workflows").fill("nothing like it")
        expect(page.get_by_text("No workflow has that in its name.")).to_be_visible()


def test_who_may_only_look_is_told_why_nothing_starts_when_the_server_tells_no_roles(
    browser: Browser, tmp_path: Path
) -> None:
    built()
    key = command("key", "new", "--role", "viewer", cwd=tmp_path).stdout.strip()
    arguments = ("--store", "memory://", "--keys", "keys.jsonl", *WORKFLOWS)
    with Served(*arguments, cwd=tmp_path) as server, tab(browser, server.url) as console:
        console.expected += ["status of 401", "status of 403", "status of 404"]
        console.page.route("**/api/v1/me", lambda route: route.fulfill(status=404))  # an older server
        page = console.open("#/?workflow=council_debate")
        page.get_by_label("Key or token").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("topic").fill("x")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("operator")
        page.get_by_role("link", name="Write or paste one").click()
        page.get_by_role("button", name="Insert an example").click()
        expect(page.get_by_text("You can't check, save or start")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("author")


@pytest.mark.parametrize("link", ["#/?workflow=council_debate", "#/?own"])
def test_start_is_accessible_and_fits_a_phone_in_both_languages(
    browser: Browser, server: Served, link: str, scheme: Scheme
) -> None:
    with tab(browser, server.url, scheme=scheme, size=PHONE, locale="zh-CN") as console:
        console.expected.append("status of 422")
        page = console.open(link)
        if link.endswith("own"):
            page.get_by_role("button", name="插入示例").click()
            expect(page.get_by_text("greeting 有效")).to_be_visible()
        page.get_by_text("更多", exact=True).click()
        expect(page.get_by_role("button", name="启动", exact=True)).to_be_visible()
        assert not console.overflows()
        assert console.accessibility() == []
    with tab(browser, server.url, scheme=scheme) as console:
        console.expected.append("status of 422")
        page = console.open(link)
        if link.endswith("own"):
            page.get_by_role("textbox", name="Workflow as YAML or JSON").click()
            page.keyboard.insert_text(YAML)
            expect(page.get_by_text("2 faults")).to_be_visible()
        else:
            page.get_by_role("button", name="Start", exact=True).click()
            expect(page.get_by_label("topic")).to_have_attribute("aria-invalid", "true")
        assert console.accessibility() == []
