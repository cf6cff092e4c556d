"""Nodes for processes of their own: a worker imports them from here, by name."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import msgspec

from sessiond import NodeError, NodeRegistry


class Numbers(msgspec.Struct, frozen=True):
    upto: int


def add_up(context: Any, properties: Numbers) -> dict[str, Any]:
    return {"sum": sum(range(properties.upto + 1)), "pid": os.getpid(), "input": context.input}


def whole_context(context: Any) -> dict[str, Any]:
    context.log.info("at work")
    return {
        "key": context.idempotency_key,
        "at": [context.session_id, context.node_id, context.attempt, context.round],
        "upstream": context.upstream,
        "context": context.context,
        "properties": context.properties,
    }


class Counter:
    properties: Numbers

    def run(self, context: Any) -> int:
        return self.properties.upto + 1


def refuse(context: Any) -> None:
    raise NodeError("sold out", code="sold_out")


def misbehave(context: Any) -> Any:
    match context.input:
        case "exit":
            raise SystemExit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "unpicklable":
            raise Unpicklable(1, 2)
        case "object":
            return object()
        case "huge":
            return "x" * 2_000_000


class Unpicklable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("only one argument reaches the base")


def die(context: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang(context: Any) -> None:
    """Say who it is, by a file, and never return."""
    Path(context.input).write_text(str(os.getpid()))
    while True:
        signal.pause()


def heavy_nodes(types: NodeRegistry) -> NodeRegistry:
    for function in (add_up, whole_context, Counter, refuse, misbehave, die, hang):
        types.node(function.__name__, runs_in="process")(function)
    return types
