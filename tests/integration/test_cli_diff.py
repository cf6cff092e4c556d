"""`sessiond diff` on files, and on what a real server has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import EXAMPLES, command
from support.served import WORKFLOWS, Served
from support.shell import Shell

OLD = """
start_node_id: a
nodes:
  a: {type: start, next_ids: [b]}
  b: {type: mine, properties: {prompt: "one"}}
"""
NEW = """
start_node_id: a
nodes:
  a: {type: start, next_ids: [b, c]}
  b: {type: mine, properties: {prompt: "two"}, timeout_s: 5}
  c: {type: end}
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with Served("--store", "memory://", *WORKFLOWS, cwd=tmp_path_factory.mktemp("server")) as served:
        yield Shell(served.url)


def test_two_files_need_no_server(tmp_path: Path) -> None:
    for name, text in (("old.yaml", OLD), ("new.yaml", NEW)):
        (tmp_path / name).write_text(text)
    nowhere = ("--server", "http://127.0.0.1:1")
    done = command("diff", "old.yaml", "new.yaml", *nowhere, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "+ $.nodes.b.timeout_s: 5.0",
        '~ $.nodes.b.properties.prompt: "one" → "two"',
        "+ node c (end)",
        "+ edge a → c",
    ]
    same = command("diff", "old.yaml", "old.yaml", *nowhere, cwd=tmp_path)
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "")


def test_versions_that_a_server_has_are_compared_with_each_other_and_with_a_file(shell: Shell, tmp_path: Path) -> None:
    text = (EXAMPLES / "council_debate.yaml").read_text()
    changed = tmp_path / "council_debate.yaml"
    changed.write_text(text.replace("name: Argues for it", "name: Speaks for it"))
    first = shell.json("get", shell.execute("council_debate", "-i", "topic=x", "--pending"))["workflow_version"]
    assert shell("diff", "council_debate", str(EXAMPLES / "council_debate.yaml")) == ""
    line = '~ $.nodes.advocate.name: "Argues for it" → "Speaks for it"\n'
    done = command("diff", f"council_debate@{first}", str(changed), "--server", shell.url)
    assert (done.returncode, done.stdout) == (1, line)
    second = shell.json("get", shell.execute(str(changed), "-i", "topic=x", "--pending"))["workflow_version"]
    assert second != first
    done = command("diff", f"council_debate@{first}", f"council_debate@{second}", "--json", "--server", shell.url)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "same": False,
        "changes": [
            {
                "kind": "changed",
                "what": "node",
                "path": "$.nodes.advocate.name",
                "old": "Argues for it",
                "new": "Speaks for it",
            }
        ],
    }


@pytest.mark.parametrize(
    ("operand", "code", "said"),
    [
        ("nothing", 2, "nothing: there is no workflow 'nothing'"),
        ("council_debate@0", 2, "council_debate@0: there is no workflow 'council_debate@0'"),
        ("nowhere.yaml", 2, "nowhere.yaml: No such file or directory"),
        ("bad.yaml", 2, "bad.yaml:3: $.nodes.a"),
    ],
)
def test_bad_input_is_told_from_a_difference(shell: Shell, tmp_path: Path, operand: str, code: int, said: str) -> None:
    (tmp_path / "bad.yaml").write_text("start_node_id: a\nnodes:\n  a: {type: 1}\n")
    done = command("diff", "council_debate", operand, "--server", shell.url, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_server_that_is_not_there_exits_4() -> None:
    done = command("diff", "a", "b", "--server", "http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (4, "")
