"""How a benchmark is run: contenders take turns, and the median of the turns is printed beside its target."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args

Size: TypeAlias = Literal["full", "quick", "tiny"]
"""All of it, about a tenth, or so little that it only shows that everything still works."""
Figures: TypeAlias = dict[str, float]
Turn: TypeAlias = Callable[[str, Size], Figures]
"""Measures a contender once, from nothing."""


def run(about: str | None, contenders: Sequence[str], targets: Mapping[str, str], turn: Turn) -> None:
    """Read the command line, let the contenders take turns, print medians.

    A noisy minute hits all contenders alike, since none has all its turns in a row.

    Args:
        about: the script's docstring; its first line is what the help says.
        contenders: the columns of the table.
        targets: the rows, and what each is to reach.
        turn: measures.
    """
    options = _options(about, contenders)
    chosen = [contender for contender in contenders if options.only in contender]
    turns: dict[str, list[Figures]] = {contender: [] for contender in chosen}
    for _ in range(options.turns):
        for contender in chosen:
            turns[contender].append(turn(contender, cast(Size, options.size)))
    found = {contender: medians(taken) for contender, taken in turns.items()}
    print(json.dumps(found) if options.json else table(found, targets, options.turns))


def _options(about: str | None, contenders: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=3, help="turns of each contender, of which the median counts")
    parser.add_argument("--only", default="", help="part of a contender's name: " + ", ".join(contenders))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--size", choices=get_args(Size), default="full")
    size.add_argument("--quick", action="store_const", const="quick", dest="size", help="a tenth of the sizes")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measured(script: Path, *arguments: str) -> Figures:
    """Run a script in a process of its own; its last line is its figures as JSON."""
    command = [sys.executable, str(script), *arguments]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr[-3000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def medians(taken: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    return {key: statistics.median(figures[key] for figures in taken) for key in taken[0]}


def table(found: Mapping[str, Figures], targets: Mapping[str, str], turns: int) -> str:
    """Figures side by side; those without a target explain the ones above them."""
    rows = {**targets, **{key: "" for figures in found.values() for key in figures if key not in targets}}
    name_width = max(len(key) for key in rows) + 2
    widths = {contender: max(len(contender) + 2, 18) for contender in found}
    heads = "".join(f"{contender:>{width}}" for contender, width in widths.items())
    lines = [f"medians of {turns} turns, in turn\n", f"{'':{name_width}}{heads}   target"]
    for key, target in rows.items():
        cells = "".join(f"{_cell(found[contender].get(key)):>{width}}" for contender, width in widths.items())
        lines.append(f"{key:{name_width}}{cells}   {target}".rstrip())
    return "\n".join(lines)


def _cell(figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if abs(figure) >= 1_000 else f"{figure:.4g}"
