"""Workflow files: what they may be, and faults with their places."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.graphs import registry

from sessiond.actors.core.errors import Fault
from sessiond.gateway.files import MAX_FILE, FileFault, InvalidFile, compile_workflow, read_data, read_workflow

GRAPH = """\
start_node_id: a
nodes:
  a:
    type: step
    next_ids: [b, nowhere]
  b:
    type: stepp
"""


def faults(path: Path) -> list[FileFault]:
    with pytest.raises(InvalidFile) as caught:
        read_data(path)
    return caught.value.faults


def test_json_and_yaml_hold_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("nodes: {a: {type: step}}\nstart_node_id: a\n")
    (tmp_path / "a.json").write_text('{\n\t"nodes": {"a": {"type": "step"}},\n\t"start_node_id": "a"\n}')
    yaml, json = read_workflow(tmp_path / "a.yaml"), read_workflow(tmp_path / "a.json")
    assert yaml.value == json.value
    assert compile_workflow(yaml, registry().types).version == compile_workflow(json, registry().types).version
    assert json.line("$.start_node_id") == 3


def test_the_file_names_the_workflow_unless_it_names_itself(tmp_path: Path) -> None:
    (tmp_path / "council.yaml").write_text("nodes: {}")
    (tmp_path / "other.yaml").write_text("workflow_id: mine")
    assert read_workflow(tmp_path / "council.yaml").value["workflow_id"] == "council"
    assert read_workflow(tmp_path / "other.yaml").value["workflow_id"] == "mine"


def test_every_fault_of_a_workflow_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(GRAPH)
    with pytest.raises(InvalidFile) as caught:
        compile_workflow(read_workflow(path), registry().types)
    [fault] = caught.value.faults
    assert (fault.line, fault.path) == (7, "$.nodes.b.type")
    assert str(fault).startswith(f"{path}:7: $.nodes.b.type: unknown type 'stepp'")
    path.write_text(GRAPH.replace("stepp", "step"))
    with pytest.raises(InvalidFile) as caught:
        compile_workflow(read_workflow(path), registry().types)
    assert [(f.line, f.path) for f in caught.value.faults] == [(5, "$.nodes.a.next_ids[1]")]


def test_a_fault_in_what_is_missing_has_the_line_around_it(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("a:\n  b.c:\n    - d\n")
    found = read_data(path)
    located = found.locate([Fault(at, "wrong") for at in ("$.a.b.c[0]", "$.a.b.c[7].x", "$.a.z", "$")])
    assert [(fault.path, fault.line) for fault in located] == [
        ("$.a.z", 1),
        ("$", 1),
        ("$.a.b.c[7].x", 2),
        ("$.a.b.c[0]", 3),
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert faults(missing) == [FileFault(str(missing), "No such file or directory")]
    assert faults(tmp_path)[0].message == "Is a directory"


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("a.yaml", b"a: 1\nb: \xff", 2, "isn't UTF-8: byte 8"),
        ("a.yaml", b"a: 1\na: 2", 2, "the key 'a' is given twice"),
        ("a.json", b'{"a": 1,\n"a": 2}', None, "the key 'a' is given twice"),
        ("a.json", b'{"a": 1,\n"b" 2}', 2, "expecting ':' delimiter"),
        ("a.json", b'{"a": NaN}', None, "NaN is not JSON"),
        ("a.json", b"[" * 200_000, None, "nested too deeply"),
        ("a.json", b"1" * 10_000, None, None),
        ("a.json", b"", 1, "expecting value"),
        ("a.yaml", b"# " * (MAX_FILE // 2) + b"a", None, f"has {MAX_FILE + 1} bytes, the limit is {MAX_FILE}"),
    ],
)
def test_what_is_no_data_is_refused(
    tmp_path: Path, name: str, content: bytes, line: int | None, message: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    [fault] = faults(path)
    assert (fault.file, fault.line) == (str(path), line)
    assert message is None or fault.message == message


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_data(path).value == {"a": 1}
