"""docs/nodes.md: its programs, run as one, and the workflows that its nodes are for."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import ROOT
from support.graphs import graph

from sessiond import NodeRegistry, Runtime, SessionEnded
from sessiond.actors.core.errors import InvalidWorkflow
from sessiond.actors.core.node import default_registry

PAGE = (ROOT / "docs" / "nodes.md").read_text(encoding="utf-8")
PROGRAM = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def types(tmp_path: Path) -> Iterator[NodeRegistry]:
    """What the page's programs register, and nothing else."""
    before = dict(default_registry.types)
    (tmp_path / "nodes_page.py").write_text(PROGRAM)
    sys.path.insert(0, str(tmp_path))
    try:
        importlib.import_module("nodes_page")
        yield default_registry.of_package("nodes_page")
    finally:
        default_registry.types = before
        sys.path.remove(str(tmp_path))
        sys.modules.pop("nodes_page", None)


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
