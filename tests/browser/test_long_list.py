"""A hundred thousand sessions: every one can be reached by scrolling, and the page never stops for long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.browser import Console, built
from support.served import Served
from support.stores import Owner, row, segment

from sessiond.actors.ports import Commit
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
  }).observe({ type: "longtask", buffered: false });
}"""

SCROLL = """async () => {
  const grid = document.querySelector("[role=grid]");
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  let frames = 0;
  for (;;) {
    grid.scrollTop += 2_000;
    await frame();
    frames += 1;
    const rows = grid.querySelectorAll("[data-id]");
    if (rows.length > 0 && rows[rows.length - 1].dataset.id === "s000000") return frames;
  }
}"""


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


def longest(page: Page) -> float:
    found: float = page.evaluate("window.longest")
    return found


@pytest.mark.timeout(180)
def test_scrolling_through_all_of_them_never_stops_the_page(console: Console) -> None:
    page = console.open("#/sessions")
    page.set_default_timeout(120_000)
    expect(page.locator("[data-id=s099999]")).to_be_visible()
    page.evaluate(WATCH)
    frames = page.evaluate(SCROLL)
    assert frames > 1_000  # it was scrolled through, not jumped over
    expect(page.get_by_text("100,000 loaded")).to_be_visible()
    expect(page.get_by_text("That is all.")).to_be_visible()
    assert page.locator("[data-id]").count() < 60
    assert longest(page) < LONGEST_MS
    page.evaluate("document.querySelector('[role=grid]').scrollTop = 0")
    expect(page.locator("[data-id=s099999]")).to_be_visible()
    assert longest(page) < LONGEST_MS


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
