"""`sessiond validate`, and the help that every command has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import EXAMPLES, command

from sessiond import __version__
from sessiond.gateway.cli import COMMANDS

WRONG = """\
workflow_id: wrong
start_node_id: a
nodes:
  a:
    type: agent
    next_ids: [b, c]
    properties:
      tempo: 3
      prompt: "${input.}"
  b:
    type: lop
"""


def test_valid_files_say_so() -> None:
    files = sorted(EXAMPLES.glob("*.yaml"))
    done = command("validate", *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(": ")[1].split(",")[0] for line in done.stdout.splitlines()] == ["valid"] * len(files)


def test_every_fault_of_every_file_is_listed_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "twice.yaml").write_text("a: 1\na: 2\n")
    done = command("validate", "wrong.yaml", EXAMPLES / "council_debate.yaml", "twice.yaml", cwd=tmp_path)
    assert done.returncode == 2
    places = [":".join(line.split(":")[:3]).strip() for line in done.stderr.splitlines()]
    assert places == [
        "wrong.yaml:8: $.nodes.a.properties.tempo",
        "wrong.yaml:9: $.nodes.a.properties.prompt",
        "wrong.yaml:11: $.nodes.b.type",
        "twice.yaml:2: the key 'a' is given twice",
    ]
    assert "council_debate.yaml: valid" in done.stdout


def test_json_has_one_line_for_each_file(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    done = command("validate", "--json", "wrong.yaml", EXAMPLES / "council_debate.yaml", cwd=tmp_path)
    wrong, right = (json.loads(line) for line in done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (2, "")
    assert (wrong["valid"], right["valid"], right["workflow_id"]) == (False, True, "council_debate")
    assert wrong["faults"][0]["line"] == 8


@pytest.mark.parametrize("name", [*COMMANDS, "key new"])
def test_every_command_has_help_with_its_exit_codes(name: str) -> None:
    done = command(*name.split(), "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout or name in ("serve", "key")
    assert "Exit codes: 0 " in done.stdout


def test_the_list_of_commands_is_that_of_the_commands() -> None:
    done = command("--help")
    assert [line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines()] == list(COMMANDS)
    assert command("--version").stdout.split()[-1] == __version__
    assert command("fly").returncode == 2
