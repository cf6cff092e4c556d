"""What a first visit loads, as it goes over the wire."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Response, expect
from support.browser import Api, tab
from support.served import Served

MOST = 300 * 1024
"""Bytes, compressed, that the first load of any view may take."""


@pytest.mark.parametrize("view", ["#/", "#/sessions", "#/sessions/weighed", "#/health"])
def test_a_first_load_is_light_and_from_here(browser: Browser, server: Served, api: Api, view: str) -> None:
    if view.endswith("weighed"):
        api.start("council_debate", "weighed", topic="tea", pace=0)
    loaded: dict[str, int] = {}

    def took(response: Response) -> None:
        assert response.url.startswith(server.url), response.url
        path = response.url.removeprefix(server.url)
        if path == "/" or path.startswith("/console/"):
            loaded[path] = int(response.headers["content-length"])

    with tab(browser, server.url) as console:
        console.page.on("response", took)
        page = console.open(view)
        page.wait_for_load_state("networkidle")
        expect(page.locator("main")).to_be_visible()
    assert any(path.endswith(".js") for path in loaded)
    print(f"{view}: {sum(loaded.values()) / 1024:.0f} KiB")
    assert sum(loaded.values()) < MOST, loaded
