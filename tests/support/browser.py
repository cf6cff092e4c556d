"""The console in a real browser: Debian's Chromium, against `sessiond serve` as a process of its own.

Its fixtures are in `tests/browser/conftest.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

import httpx2
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect
from support.command import ROOT

AXE: Final = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
MS: Final = 15_000
"""How long a page may take for anything, in milliseconds; far more than it should."""
expect.set_options(timeout=MS)
ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 844)

Scheme = Literal["light", "dark"]


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium.

    Raises:
        AssertionError: there is none.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found is not None, "the browser tests need Chromium: install the package chromium"
    return playwright.chromium.launch(executable_path=found, chromium_sandbox=False, args=list(ARGUMENTS))


class Console:
    """A person's tab with the console in it, and what went wrong there.

    Attributes:
        page: Playwright's page.
        faults: errors on its console, uncaught ones, and violations of its content security policy, in order.
        expected: parts of messages that are no faults in this test, such as a status that it provokes.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.faults: list[str] = []
        self.expected: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(MS)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))

    def open(self, link: str = "#/") -> Page:
        """Go to a view: `#/sessions/abc`."""
        self.page.goto(f"{self.url}/{link}")
        return self.page

    def check(self) -> None:
        """Assert that nothing went wrong so far that wasn't expected."""
        unexpected = [text for text in self.faults if not any(part in text for part in self.expected)]
        assert not unexpected, "\n".join(unexpected)

    def accessibility(self) -> list[str]:
        """Return the serious and critical faults that axe finds in the page as it is."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        grave = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
        return [f"{each['id']}: {node['html']} | {node['failureSummary']}" for each in grave for node in each["nodes"]]

    def overflows(self) -> bool:
        """Return whether the page has to be scrolled sideways."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return wide

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


@contextmanager
def tab(
    browser: Browser,
    url: str,
    *,
    scheme: Scheme = "light",
    size: tuple[int, int] = DESKTOP,
    locale: str = "en-GB",
) -> Iterator[Console]:
    """Open a tab of a person of its own, with storage of its own; in the end nothing may have gone wrong in it."""
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": size[0], "height": size[1]},
        locale=locale,
        reduced_motion="reduce",
    )
    try:
        console = Console(context, url)
        yield console
        console.check()
    finally:
        context.close()


class Api:
    """What a test does through the API, beside the page."""

    def __init__(self, url: str, token: str | None = None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx2.Client(base_url=f"{url}/api/v1", headers=headers, timeout=MS / 1000)

    def start(self, workflow: str | dict[str, Any], session_id: str, start: bool = True, **data: Any) -> str:
        """Start a stored workflow, or a graph, with `data` as its input; return the session's id."""
        what = {"workflow_id": workflow} if isinstance(workflow, str) else {"graph": workflow}
        body = {**what, "session_id": session_id, "input": data, "start": start}
        self.post("/workflows/execute", body)
        return session_id

    def control(self, session_id: str, action: str) -> dict[str, Any]:
        return self.post(f"/sessions/{session_id}/control", {"action": action})

    def detail(self, session_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get(f"/sessions/{session_id}").raise_for_status().json()
        return found

    def events(self, session_id: str) -> list[dict[str, Any]]:
        answer = self._http.get(f"/sessions/{session_id}/events", params={"limit": 10_000}).raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def post(self, path: str, body: Any) -> dict[str, Any]:
        answer = self._http.post(path, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def built() -> Path:
    """Return the page's file.

    Raises:
        AssertionError: the console isn't built.
    """
    page = ROOT / "gateway" / "console" / "index.html"
    assert page.is_file(), "the browser tests need the console: make console"
    return page
