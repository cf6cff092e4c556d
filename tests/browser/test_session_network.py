"""What the view of a session does when the network, or the server, goes away: nothing is lost, and it says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support.browser import Api, tab
from support.proxy import CuttingProxy
from support.served import WORKFLOWS, Served
from support.session_page import DEBATE, bubble, said, status, talkers, told

CUTS = 6
LOST = ("WebSocket connection to", "ERR_")


@pytest.fixture
def proxy(server: Served) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(server.port)
    yield proxy
    proxy.close()


def test_a_socket_that_is_cut_again_and_again_costs_no_token_and_repeats_none(
    browser: Browser, api: Api, proxy: CuttingProxy
) -> None:
    session = api.start(talkers(3, 5_000, 0.01), "cut", start=False)
    with tab(browser, f"http://127.0.0.1:{proxy.port}") as console:
        console.expected += LOST
        page = console.open(f"#/sessions/{session}")
        status(page, "pending")
        api.control(session, "start")
        for cut in range(CUTS):
            with page.expect_websocket():  # the next one, because this one is cut: within an event, often
                proxy.arm(reply=20_001 + 97 * cut)
        api.control(session, "stop")
        status(page, "failed")
        for number in range(3):
            assert said(page, f"agent{number}") == told(api, session, f"agent{number}")
        expect(page.get_by_text("The connection is lost")).to_be_hidden()
        page.get_by_role("tab", name="Events").click()
        page.get_by_label("Text pieces").check()
        events = api.events(session)
        expect(page.get_by_text(f"{len(events):,} of {len(events):,}")).to_be_visible()


def test_a_page_that_is_offline_says_so_and_opens_a_new_stream_when_it_is_not(
    browser: Browser, api: Api, proxy: CuttingProxy
) -> None:
    session = api.start(DEBATE, "offline", topic="tea", pace=0.02)
    with tab(browser, f"http://127.0.0.1:{proxy.port}") as console:
        console.expected += LOST
        page = console.open(f"#/sessions/{session}")
        expect(bubble(page, "Argues for it")).to_contain_text("The motion is")
        proxy.refuse(True)
        page.context.set_offline(True)
        expect(page.get_by_text("You are offline.")).to_be_visible()
        proxy.refuse(False)
        page.context.set_offline(False)
        expect(page.get_by_text("You are offline.")).to_be_hidden()
        status(page, "completed")
        assert said(page, "Weighs both") == told(api, session, "adjudicator")


def test_a_server_that_is_killed_and_comes_back_finds_its_watchers_again(browser: Browser, tmp_path: Path) -> None:
    arguments = ("--store", "sqlite:///s.db", *WORKFLOWS)
    with Served(*arguments, cwd=tmp_path) as first, Api(first.url) as api:
        port = first.port
        session = api.start(DEBATE, "restart", topic="tea", pace=0.02)
        with tab(browser, first.url) as console:
            console.expected += LOST
            page = console.open(f"#/sessions/{session}")
            expect(bubble(page, "Argues for it").first).to_contain_text("The motion is")
            first.kill()
            expect(page.get_by_text("The connection is lost")).to_be_visible()
            with Served(*arguments, cwd=tmp_path, port=port):
                status(page, "completed")
                expect(page.get_by_text("The connection is lost")).to_be_hidden()
                runs = bubble(page, "Argues for it")
                expect(runs).to_have_count(2)  # one was interrupted
                expect(runs.last).to_contain_text("attempt 2")
                shown = "".join(" ".join(run.locator(".said p").all_inner_texts()) for run in runs.all())
                stored = "".join(
                    event["data"]["chunk"]
                    for event in api.events(session)
                    if event["event"] == "token_stream" and event["node_id"] == "advocate"
                )
                assert "".join(shown.split()) == "".join(stored.split())


def test_a_page_that_was_opened_before_its_server_waits_for_it(browser: Browser, tmp_path: Path) -> None:
    with Served("--store", "sqlite:///s.db", *WORKFLOWS, cwd=tmp_path) as first, Api(first.url) as api:
        port = first.port
        session = api.start(DEBATE, "later", topic="tea", pace=0)
        with tab(browser, first.url) as console:
            console.expected += LOST
            page = console.open("#/health")
            expect(page).to_have_title("Health · sessiond")
            first.kill()
            page.evaluate(f"location.hash = '#/sessions/{session}'")
            expect(page.get_by_text("The connection is lost")).to_be_visible()
            with Served("--store", "sqlite:///s.db", cwd=tmp_path, port=port):
                status(page, "completed")
                expect(
                    page.get_by_label("Graph of the workflow").get_by_role("button", name="completed")
                ).to_have_count(6)
