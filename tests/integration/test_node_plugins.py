"""Node types of installed packages: found by entry point; a broken one is named and hurts no other."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from support.graphs import graph

from sessiond import NodeRegistry, Options, Runtime
from sessiond.actors.core.node import default_registry
from sessiond.actors.plugins import NODE_PLUGINS, load_node_plugins

MODULE = """
from sessiond import node, tool
@node("greet")
def greet(context):
    return "hello"
@tool("shout")
def shout(text):
    return text.upper()
"""
FUNCTION = """
def fill(registry):
    @registry.node("filled")
    async def filled(context):
        return "by a function"
number = 1
def half(registry):
    registry.node("half")(lambda context: 1)
    raise RuntimeError("half way")
def clash(registry):
    registry.node("end")(lambda context: 1)
"""


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Path]:
    """A directory of installed packages; what is imported from it is forgotten afterwards."""
    before, types, tools = set(sys.modules), dict(default_registry.types), dict(default_registry.tools)
    sys.path.insert(0, str(tmp_path))
    (tmp_path / "plug_module").mkdir()
    (tmp_path / "plug_module" / "__init__.py").write_text("")
    (tmp_path / "plug_module" / "nodes.py").write_text(MODULE)
    (tmp_path / "plug_function.py").write_text(FUNCTION)
    (tmp_path / "plug_registry.py").write_text(
        "from sessiond import NodeRegistry\nmine = NodeRegistry()\nmine.node('listed')(lambda context: 1)\n"
    )
    (tmp_path / "plug_broken.py").write_text("import sys\nsys.exit('not here')\n")
    yield tmp_path
    sys.path.remove(str(tmp_path))
    default_registry.types, default_registry.tools = types, tools
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(directory: Path, points: dict[str, str]) -> None:
    meta = directory / "plug_things-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-things\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (meta / "entry_points.txt").write_text("\n".join([f"[{NODE_PLUGINS}]", *lines, ""]))


async def test_a_runtime_finds_what_is_installed(packages: Path) -> None:
    install(packages, {"a": "plug_module.nodes", "b": "plug_function:fill", "c": "plug_broken"})
    async with Runtime.open("memory://", registry=NodeRegistry()) as runtime:
        definition = graph({"s": {"type": "greet", "next_ids": ["f"]}, "f": {"type": "filled"}})
        assert await (await runtime.start(definition)).result() == "by a function"
        assert [fault.path for fault in runtime.broken_plugins] == ["c"]
    async with Runtime.open("memory://", registry=NodeRegistry(), options=Options(plugins=False)) as runtime:
        assert "greet" not in runtime.registry.types


def points(**values: str) -> list[EntryPoint]:
    return [EntryPoint(name, value, NODE_PLUGINS) for name, value in values.items()]


def test_modules_registries_and_functions_are_plugins(packages: Path) -> None:
    registry = NodeRegistry()
    found = points(module="plug_module.nodes", function="plug_function:fill", registry="plug_registry:mine")
    assert load_node_plugins(registry, found) == []
    assert registry.types.keys() == {"greet", "filled", "listed"}
    assert registry.tools.keys() == {"shout"}


def test_a_module_that_was_imported_before_counts_too(packages: Path) -> None:
    first, second = NodeRegistry(), NodeRegistry()
    for registry in (first, second):
        load_node_plugins(registry, points(module="plug_module.nodes"))
    assert first.types.keys() == second.types.keys() == {"greet"}


def test_broken_ones_are_named_and_add_nothing(packages: Path, caplog: pytest.LogCaptureFixture) -> None:
    registry = NodeRegistry()
    faults = load_node_plugins(
        registry,
        points(
            exits="plug_broken",
            good="plug_function:fill",
            half="plug_function:half",
            missing="plug_nowhere",
            nothing="plug_function:absent",
            number="plug_function:number",
        ),
    )
    assert registry.types.keys() == {"filled"}
    assert [(fault.path, fault.message) for fault in faults] == [
        ("exits", "plug_broken: SystemExit: not here"),
        ("half", "plug_function:half: RuntimeError: half way"),
        ("missing", "plug_nowhere: ModuleNotFoundError: No module named 'plug_nowhere'"),
        ("nothing", "plug_function:absent: AttributeError: module 'plug_function' has no attribute 'absent'"),
        (
            "number",
            "plug_function:number: TypeError: should be a module, a NodeRegistry or a function of one, not int",
        ),
    ]
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.split("'")[1] for line in logged] == ["exits", "half", "missing", "nothing", "number"]


def test_what_is_there_stays(packages: Path, caplog: pytest.LogCaptureFixture) -> None:
    registry = NodeRegistry()
    registry.node("end")(mine := lambda context: "mine")
    assert load_node_plugins(registry, points(clash="plug_function:clash")) == []
    assert registry.types["end"].code.target is mine  # type: ignore[attr-defined]
    assert "'end' of the node plug-in 'clash' is left out" in caplog.text
