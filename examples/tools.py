"""The tools of the example workflows: small stand-ins for other people's systems.

    sessiond run examples/trip_saga.yaml -i trip=Rome --nodes examples.tools

They keep nothing, and do what their arguments say: trouble comes from a workflow's input, so that each way through
a graph can be seen. In real life `key` would go to the other system, so that it does the same thing once only.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sessiond import NodeError, TerminalError, tool


@tool("book")
def book(what: str, trip: str, sold_out: list[str]) -> dict[str, str]:
    """Book one part of a trip; for good there is none of what is in `sold_out`."""
    if what in sold_out:
        raise TerminalError(f"no {what} to {trip} is left", code="sold_out")
    return {"booking": f"{what}-{trip}"}


@tool("cancel_booking")
def cancel_booking(booking: str) -> dict[str, str]:
    """Undo `book`; doing it twice is the same as once."""
    return {"cancelled": booking}


@tool("charge")
def charge(amount: float, attempt: int, failures: int) -> dict[str, Any]:
    """Charge a card; the bank doesn't answer the first `failures` attempts."""
    if attempt <= failures:
        raise NodeError("the bank didn't answer", code="bank_away")
    return {"receipt": f"R-{amount:.2f}", "attempt": attempt}


@tool("export_page")
def export_page(page: int, pages: int) -> dict[str, Any]:
    """Export one page of yesterday's orders, ten on each."""
    return {"page": page, "rows": 10, "last": page >= pages}


@tool("stock")
def stock(order: str, action: str) -> dict[str, str]:
    """Reserve, pack, ship or release the goods of an order."""
    return {"order": order, "did": action}


@tool("fetch")
async def fetch(mirror: str, seconds: float, broken: list[str]) -> dict[str, str]:
    """Fetch something from a mirror, which takes its time."""
    await asyncio.sleep(seconds)
    if mirror in broken:
        raise NodeError(f"{mirror} refused", code="refused")
    return {"mirror": mirror, "body": "the same everywhere"}


@tool("classify")
async def classify(text: str, blocked: list[str], seconds: float) -> dict[str, Any]:
    """Label a text `spam` if it has one of the `blocked` words, else `ok`."""
    await asyncio.sleep(seconds)
    found = [word for word in blocked if word in text.lower()]
    return {"label": "spam" if found else "ok", "found": found}


@tool("diagnose")
def diagnose(service: str, look: int, healthy_at: int) -> dict[str, Any]:
    """Look at a service, which is healthy from look `healthy_at` on."""
    healthy = look >= healthy_at
    return {"service": service, "healthy": healthy, "error_rate": 0.0 if healthy else 0.4}


@tool("operate")
def operate(service: str, action: str, key: str) -> dict[str, str]:
    """Restart a service, or roll it back."""
    return {"service": service, "did": action, "key": key}


@tool("count_words")
def count_words(text: str) -> int:
    """Count the words of a text; one without any is an error."""
    if not text.split():
        raise TerminalError("there is nothing to count", code="empty")
    return len(text.split())


@tool("add_up")
def add_up(numbers: list[int]) -> int:
    """Add numbers up."""
    return sum(numbers)
