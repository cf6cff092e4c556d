"""Every example of the pages runs: whole graphs to their ends, programs as they stand; none is passed over.

A `yaml` block is a workflow whose first lines, as comments, say `input`, `context`, `deadline_s`, `answers`, and what
comes of it: `output` or `fails` (the code), and `skipped` nodes. `…` in an output is anything. The `python` blocks of
a page are one module, whose node types and tools its graphs may use. Graphs may name each other as
subworkflows. A block marked `not-run` is for people only. Pages whose blocks need more than that are listed with the
test that runs them.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import ROOT
from support.markdown import Block, blocks
from support.watching import contiguous
from support.web import Web, web

from sessiond import HttpPolicy, NodeRegistry, Options, Runtime, Session
from sessiond.actors.core.events import Record
from sessiond.actors.core.node import default_registry
from sessiond.gateway.yaml_data import parse_yaml

LANGUAGES = frozenset({"yaml", "json", "python"})
ELSEWHERE = {
    "README.md": ("test_readme.py", Counter(json=3, python=2)),
    "docs/agents.md": ("test_docs_agents.py", Counter(yaml=1, python=1)),
    "docs/nodes.md": ("test_nodes_page.py", Counter(python=3)),
}
"""The test that runs a page's blocks, and how many of each language it runs."""
NOT_RUN = 0
"""Blocks that say that they aren't run."""
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])
]
HERE = [page for page in PAGES if page not in ELSEWHERE]
HEADER = {"input", "context", "deadline_s", "answers", "output", "fails", "skipped"}
ADDRESS = "http://127.0.0.1:8080"
"""Replaced by that of a real server."""


def examples(page: str, mark: str) -> list[Block]:
    return [block for block in blocks(ROOT / page) if block.mark == mark and "not-run" not in block.notes]


GRAPHS = [pytest.param(page, block, id=f"{page}:{block.line}") for page in HERE for block in examples(page, "yaml")]


def test_no_block_is_passed_over() -> None:
    apart = [(page, block.line) for page in PAGES for block in blocks(ROOT / page) if "not-run" in block.notes]
    assert len(apart) == NOT_RUN, apart
    for page, (_, counts) in ELSEWHERE.items():
        found = Counter(block.mark for block in blocks(ROOT / page) if block.mark in LANGUAGES)
        assert found == counts, f"{page}: does its test run each of them?"
    assert len(GRAPHS) >= 20
    for page in HERE:
        assert examples(page, "json") == [], f"{page}: JSON isn't run here; write YAML, or mark it `not-run`"


@pytest.fixture
def registry(page: str, tmp_path: Path) -> Iterator[NodeRegistry]:
    """What the python blocks of a page register, and nothing else."""
    before, tools = dict(default_registry.types), dict(default_registry.tools)
    (tmp_path / "the_page.py").write_text("\n".join(block.text for block in examples(page, "python")))
    sys.path.insert(0, str(tmp_path))
    try:
        importlib.import_module("the_page")
        yield default_registry.of_package("the_page")
    finally:
        default_registry.types, default_registry.tools = before, tools
        sys.path.remove(str(tmp_path))
        sys.modules.pop("the_page", None)


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as made:
        yield made


def header_of(text: str) -> dict[str, Any]:
    """The comments at the top of a graph, as data."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        lines.append(line.removeprefix("# "))
    header: dict[str, Any] = parse_yaml("\n".join(lines)).value
    assert header.keys() <= HEADER
    assert len(header.keys() & {"output", "fails"}) == 1, "what comes of it?"
    return header


async def answer(session: Session, record: Record, todo: list[dict[str, Any]]) -> None:
    """Give the answer that is for the wait which has just opened, if there is one."""
    for given in todo:
        node_id = record.node_id or ""
        match given:
            case {"signal": name} if record.event == "signal_awaited" and record.data["name"] == name:
                await session.signal(name, given.get("payload"))
            case {"review": who} if record.event == "human_interaction_required" and who == node_id:
                await session.review(node_id, given["action"], given.get("data"))
            case {"retry": who} if record.event == "human_interaction_required" and who == node_id:
                await session.retry_node(node_id, **({"input": given["input"]} if "input" in given else {}))
            case {"skip": who} if record.event == "human_interaction_required" and who == node_id:
                await session.skip_node(node_id, given.get("output"))
            case _:
                continue
        todo.remove(given)
        return


def like(shown: Any, real: Any) -> bool:
    """Whether a real value is what is shown, `…` standing for anything."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(like(shown[key], real[key]) for key in shown)
    return bool(shown == "…" or shown == real)


@pytest.mark.parametrize(("page", "block"), GRAPHS)
async def test_a_graph_does_what_its_first_lines_say(
    page: str, block: Block, registry: NodeRegistry, site: Web
) -> None:
    text = block.text.replace(ADDRESS, site.url)
    header = header_of(text)
    todo = list(header.get("answers", []))
    creation = {name: header[name] for name in ("context", "deadline_s") if name in header}
    options = Options(http=HttpPolicy(private=("127.0.0.0/8",)))
    async with Runtime.open("memory://", registry=registry, options=options) as runtime:
        for other in examples(page, "yaml"):
            workflow = runtime.definitions.compile(parse_yaml(other.text).value)
            await runtime.definitions.keep(workflow, listed=True)
        session = await runtime.start(parse_yaml(text).value, input=header.get("input", {}), **creation)
        records = []
        async for record in session.events():
            records.append(record)
            await answer(session, record, todo)
        detail = await session.detail()
    contiguous(records)
    assert todo == []
    last = records[-1].data
    if "fails" in header:
        assert (last["status"], last["error"]["code"]) == ("failed", header["fails"])
        return
    assert last["status"] == "completed", last
    assert like(header["output"], last["output"]), last["output"]
    skipped = [node_id for node_id, node in detail.nodes.items() if node.status == "skipped"]
    assert sorted(skipped) == sorted(header.get("skipped", []))
