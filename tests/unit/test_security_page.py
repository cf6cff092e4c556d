"""The page on security names tests that exist, and leaves no line without one or an honest word."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
}
TOP_TEN = [f"API{number}" for number in range(1, 11)]


def rows() -> list[list[str]]:
    """The rows of the tables that name tests."""
    parts = [part for part in PAGE.split("\n## ") if part.startswith("OWASP")]
    lines = [line for part in parts for line in part.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "item"]


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50
    assert named <= TESTS, named - TESTS


def test_every_line_is_proven_or_says_that_it_is_not_done() -> None:
    found = rows()
    assert len(found) > 30
    for row in found:
        assert len(row) == 3, row
        assert ("test_" in row[2]) != (row[2] == "not done"), row
        assert ("not done" in row[1]) or row[2] != "not done", row


def test_the_whole_list_is_there() -> None:
    items = [row[0].split()[0].rstrip(",") for row in rows() if row[0].startswith("API")]
    assert sorted(set(items), key=TOP_TEN.index) == TOP_TEN
