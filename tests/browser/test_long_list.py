"""A hundred thousand sessions: every one can be reached by scrolling, and the page never stops for long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browser import Console, built
from support.served import Served
from support.stores import Owner, row, segment

from sessiond.actors.core.ports import Commit
from sessiond.persistence.sqlite import open_store

MANY = 100_000
AT_ONCE = 5_000
ENDED = ("completed", "failed", "cancelled")
LONGEST_MS = 200
"""What nobody feels as a stop."""

WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
  }).observe({ type: "longtask" });
}"""

SCROLL = """async () => {
  const grid = document.querySelector("[role=grid]");
  window.longest = 0;
  for (let frames = 0; frames < 4; frames += 1) {
    grid.scrollTop += 2_000;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve));
  return { longest: window.longest, end: [...grid.querySelectorAll("[data-id]")].at(-1)?.dataset.id === "s000000" };
}"""
"""Some frames of scrolling; the longest task in them, and whether the last session is there."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    built()
    folder = tmp_path_factory.mktemp("long")
    seed(folder / "s.db")
    with Served("--store", "sqlite:///s.db", cwd=folder) as served:
        yield served


def seed(file: Path) -> None:
    """Write sessions that have ended, through the store's own port."""
    store = open_store(f"sqlite:///{file}")
    owner = Owner(store)
    first = segment(1)
    for begin in range(0, MANY, AT_ONCE):
        numbers = range(begin, begin + AT_ONCE)
        owner.commit(*[Commit(f"s{n:06}", first, row(f"s{n:06}", ENDED[n % 3], at=n * 1_000)) for n in numbers])
    store.close()


class Stops:
    """The longest stop of a page, as far as it is the page's own doing.

    A task that is long because other processes have the cores says nothing of the page. So one counts as long as the
    page's thread computed while it was observed, if that was shorter.
    """

    def __init__(self, page: Page) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("Performance.enable")
        self._before = self._thread_ms()
        self.longest = 0.0

    def observe(self, task_ms: float) -> None:
        """Take the longest task since the last time."""
        now = self._thread_ms()
        self.longest = max(self.longest, min(task_ms, now - self._before))
        self._before = now

    def _thread_ms(self) -> float:
        metrics = self._cdp.send("Performance.getMetrics")["metrics"]
        found: float = next(each["value"] for each in metrics if each["name"] == "ThreadTime")
        return found * 1_000


@pytest.mark.timeout(300)
def test_scrolling_through_all_of_them_never_stops_the_page(console: Console) -> None:
    page = console.open("#/sessions")
    expect(page.locator("[data-id=s099999]")).to_be_visible()
    page.evaluate(WATCH)
    stops = Stops(page)
    steps = 0
    seen: dict[str, Any] = {"end": False}
    while not seen["end"]:
        seen = page.evaluate(SCROLL)
        stops.observe(seen["longest"])
        steps += 1
    assert steps > 400  # it was scrolled through, not jumped over
    expect(page.get_by_text("100,000 loaded")).to_be_visible()
    expect(page.get_by_text("That is all.")).to_be_visible()
    assert page.locator("[data-id]").count() < 60
    page.evaluate("document.querySelector('[role=grid]').scrollTop = 0")
    expect(page.locator("[data-id=s099999]")).to_be_visible()
    stops.observe(page.evaluate("window.longest"))
    assert stops.longest < LONGEST_MS


def test_a_filter_pages_to_its_end(console: Console) -> None:
    page = console.open("#/sessions?status=failed")
    counters = page.get_by_role("group", name="Sessions by status")
    expect(counters.get_by_role("button", name="failed")).to_contain_text("33,333")
    page.get_by_role("grid").focus()
    for _ in range(8):
        before = page.locator(".shown").text_content() or ""
        page.keyboard.press("End")
        expect(page.locator(".shown")).not_to_have_text(before)
    statuses = set(page.locator("[data-id] .badge").all_text_contents())
    assert statuses == {"failed"}
