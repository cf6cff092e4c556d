"""What commands against a server print for a person: plain text in columns, which also pipes well."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from ..actors.core.detail import NodeDetail, SessionDetail
from ..actors.core.messages import Receipt
from ..actors.core.timestamps import epoch
from .progress import duration, printable
from .responses import ReviewList, SessionList


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as text, each column as wide as its widest cell."""
    table = [list(row) for row in rows]
    widths = [max(len(row[index]) for row in table) for index in range(len(table[0]))] if table else []
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def show_sessions(page: SessionList, now: float) -> str:
    """Return a list of sessions; `now` is epoch seconds."""
    if not page.items:
        return "no sessions"
    head = ("SESSION", "WORKFLOW", "STATUS", "SEQ", "AGE", "WAITS FOR A PERSON AT")
    rows = [
        (
            item.session_id,
            item.workflow_id,
            item.status,
            str(item.seq),
            duration(max(0.0, now - epoch(item.created_at))),
            ", ".join(item.waits),
        )
        for item in page.items
    ]
    return columns([head, *rows])


def show_session(detail: SessionDetail, now: float) -> str:
    """Return one session, whole."""
    end = epoch(detail.ended_at) if detail.ended_at else now
    facts = [
        ("session", detail.session_id),
        ("workflow", f"{detail.workflow_id} @ {detail.workflow_version}"),
        ("status", detail.status + (" (quiet)" if detail.quiesced else "")),
        ("seq", str(detail.seq)),
        ("created", detail.created_at),
    ]
    if detail.started_at:
        facts.append(("took" if detail.ended_at else "runs for", duration(end - epoch(detail.started_at))))
    if (origin := detail.forked_from) is not None:
        where = f" from node {origin.from_node}" if origin.from_node else ""
        facts.append(("forked", f"from {origin.session_id} after seq {origin.seq}{where}"))
    if detail.labels:
        facts.append(("labels", ", ".join(f"{key}={value}" for key, value in detail.labels.items())))
    if detail.in_flight:
        facts.append(("in flight", ", ".join(detail.in_flight)))
    if detail.error is not None:
        where = f" at {detail.error.node_id}" if detail.error.node_id else ""
        facts.append(("error", printable(f"{detail.error.code}{where}: {detail.error.message}")))
    nodes = [("NODE", "STATUS", "ROUND", "ATTEMPT", "TOOK"), *(_node_row(*item, now) for item in detail.nodes.items())]
    parts = [columns(facts), columns(nodes)]
    if detail.status == "completed":
        parts.append(json.dumps(msgspec.json.decode(detail.output), indent=2, ensure_ascii=False))
    return "\n\n".join(parts)


def _node_row(node_id: str, node: NodeDetail, now: float) -> tuple[str, str, str, str, str]:
    took = ""
    if node.started_at:
        took = duration(max(0.0, (epoch(node.ended_at) if node.ended_at else now) - epoch(node.started_at)))
    return node_id, node.status, str(node.round), str(node.attempt), took


def show_receipt(receipt: Receipt) -> str:
    """Return the answer to a command."""
    already = "" if receipt.changed else " already"
    flight = f"; still in flight: {', '.join(receipt.in_flight)}" if receipt.in_flight else ""
    return f"{receipt.session_id} is{already} {receipt.status} (seq {receipt.seq}){flight}"


def show_reviews(page: ReviewList) -> str:
    """Return the reviews that wait, each with the command that would answer it."""
    if not page.items:
        return "no reviews wait"
    return "\n\n".join(
        f"{item.session_id} {item.node_id}: {printable(item.prompt)}\n"
        f"  sessiond review {item.session_id} {'|'.join(item.actions)} --node {item.node_id}"
        for item in page.items
    )


def as_json(value: Any) -> str:
    """Return an answer as one line of JSON."""
    return "" if value is UNSET else msgspec.json.encode(value).decode()
