"""Workflows made up by chance, of the building blocks that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from support.graphs import graph


def loop(back: str, leave: str, rounds: int, until: str | None = None) -> dict[str, Any]:
    return {"type": "loop", "next_ids": [back, leave], "properties": {"max_rounds": rounds, "until": until}}


def random_graph(draw: Callable[[st.SearchStrategy[Any]], Any], count: int) -> dict[str, Any]:
    """A chain of building blocks: steps, diamonds with any join, loops, loops in loops, switches."""
    nodes: dict[str, Any] = {}
    for i in range(count):
        begin, end = f"n{i}", f"n{i + 1}"
        match draw(st.sampled_from(["step", "diamond", "loop", "nested", "switch"])):
            case "step":
                nodes[begin] = [end]
            case "diamond":
                join = draw(st.sampled_from(["all", "any", {"at_least": 2}]))
                nodes[begin] = [f"{begin}a", f"{begin}b"]
                nodes[f"{begin}a"] = [f"{begin}j"]
                nodes[f"{begin}b"] = [f"{begin}j"]
                nodes[f"{begin}j"] = {"type": "step", "join": join, "next_ids": [end]}
            case "loop":
                nodes[begin] = [f"{begin}a", f"{begin}b"]
                nodes[f"{begin}a"] = [f"{begin}l"]
                nodes[f"{begin}b"] = [f"{begin}l"]
                nodes[f"{begin}l"] = loop(begin, end, draw(st.integers(1, 3)))
                if not i:  # the start node can't be gone back to
                    nodes = {"first": [begin], **nodes}
            case "nested":
                nodes[begin] = [f"{begin}a"]
                nodes[f"{begin}a"] = [f"{begin}i"]
                nodes[f"{begin}i"] = loop(f"{begin}a", f"{begin}o", draw(st.integers(1, 2)))
                nodes[f"{begin}o"] = loop(begin, end, draw(st.integers(1, 3)))
                if not i:
                    nodes = {"first": [begin], **nodes}
            case _:
                way = draw(st.sampled_from(["a", "b"]))
                cases = [{"when": f"nodes.{begin}.round > 0", "to": f"{begin}{way}"}]
                other = f"{begin}{'b' if way == 'a' else 'a'}"
                properties = {"cases": cases, "default": other}
                nodes[begin] = [f"{begin}w"]
                nodes[f"{begin}w"] = {
                    "type": "switch",
                    "next_ids": [f"{begin}a", f"{begin}b"],
                    "properties": properties,
                }
                nodes[f"{begin}a"] = nodes[f"{begin}b"] = [end]
    nodes[f"n{count}"] = []
    return graph(nodes)
