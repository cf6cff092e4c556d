"""docs/nodes.md: its programs, run as one, and the workflows that its nodes are for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.command import ROOT
from support.graphs import graph

from sessiond import NodeRegistry, Runtime, SessionEnded
from sessiond.actors.errors import InvalidWorkflow
from sessiond.actors.node import default_registry

PAGE = (ROOT / "docs" / "nodes.md").read_text(encoding="utf-8")
PROGRAM = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def types() -> NodeRegistry:
    """What the page's programs register, and nothing else."""
    before = dict(default_registry.types)
    try:
        exec(compile(PROGRAM, "docs/nodes.md", "exec"), {"__name__": "nodes_page"})  # noqa: S102 - it is ours
        found = NodeRegistry(default_registry.types)
    finally:
        default_registry.types = before
    return found


async def test_its_nodes_run(types: NodeRegistry) -> None:
    async with Runtime.open("memory://", registry=types) as runtime:

        async def run(type_: str, properties: Any = None) -> Any:
            definition = graph({"s": {"type": type_, "properties": properties or {}}})
            session = await runtime.start(definition, input={"text": "a b"}, session_id=f"of-{type_}")
            return await session.result()

        assert await run("repeat", {"text": "ab"}) == {"text": "abab"}
        assert await run("words") == {"text": "a b "}
        assert await run("counted") == {"count": 3}
        assert await run("reserve", {"text": "", "times": 3}) == "of-reserve/s/1"
        with pytest.raises(InvalidWorkflow, match=r"\$\.nodes\.s\.properties\.times"):
            await run("repeat", {"text": "ab", "times": 0})


async def test_its_error_keeps_its_code(types: NodeRegistry) -> None:
    async with Runtime.open("memory://", registry=types) as runtime:
        definition = graph({"s": {"type": "reserve", "properties": {"text": "", "times": 11}}})
        with pytest.raises(SessionEnded) as ended:
            await (await runtime.start(definition)).result()
    assert ended.value.node_code == "sold_out"
