"""What is wrong with what people give: as many faults as somebody would read, each with its path. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec

from .errors import Fault

MOST_FAULTS: Final = 1_000
"""Faults that are looked for in one thing: who sends thousands doesn't read them, and each costs time to find."""


def fault_of(error: msgspec.ValidationError, at: str) -> Fault:
    """Return a msgspec error as a Fault below the path `at`."""
    message, _, where = str(error).partition(" - at `$")
    return Fault(at + where.rstrip("`"), message[:1].lower() + message[1:])


def note(faults: list[Fault], found: Iterable[Fault]) -> None:
    """Add what is found to `faults`, looking no further than there is room for."""
    faults.extend(islice(found, MOST_FAULTS - len(faults)))
