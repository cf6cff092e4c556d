"""A browser and a server for each module: tests of one share them, and take sessions of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from support.browser import Api, Console, Scheme, built, launch, tab
from support.served import WORKFLOWS, Served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    built()
    with Served("--store", "sqlite:///s.db", *WORKFLOWS, cwd=tmp_path_factory.mktemp("console")) as served:
        yield served


@pytest.fixture
def api(server: Served) -> Iterator[Api]:
    with Api(server.url) as api:
        yield api


@pytest.fixture
def console(browser: Browser, server: Served) -> Iterator[Console]:
    """A tab; the test fails if anything goes wrong in it."""
    with tab(browser, server.url) as found:
        yield found


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> Scheme:
    found: Scheme = request.param
    return found
