"""The fenced blocks of the project's pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        mark: the first word behind the fence, its language.
        notes: the other words there.
        line: where it begins, from 1.
    """

    mark: str
    notes: tuple[str, ...]
    text: str
    line: int


def blocks(path: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        mark, *notes = match[1].split() or [""]
        found.append(Block(mark, tuple(notes), match[2], text.count("\n", 0, match.start()) + 1))
    assert text.count("\n```") + text.startswith("```") == 2 * len(found), f"{path}: a block isn't closed"
    return found
