"""`sessiond serve`: settings from flags, the environment and a file; refusals before it listens."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from support.command import command
from support.served import WORKFLOWS, Served

from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.cli_serve import read_settings
from sessiond.gateway.files import InvalidFile


def test_a_flag_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    config = tmp_path / "sessiond.yaml"
    config.write_text("store: memory://\nport: 1\nhost: localhost\nworkflows: [a.yaml]\n")
    environ = {"SESSIOND_PORT": "2", "SESSIOND_HOST": "::1"}
    settings = read_settings(config, {"port": 3}, environ)
    assert (settings.port, settings.host, settings.store, settings.workflows) == (3, "::1", "memory://", ("a.yaml",))
    assert read_settings(None, {}, environ).port == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("port: eighty\n", "c.yaml:1: $.port: "),
        ("store: memory://\nprot: 80\n", "c.yaml:1: $: object contains unknown field `prot`"),
        ("- port\n", "c.yaml:1: $: should hold settings by name"),
        ("port: 70000\n", "c.yaml:1: $.port: "),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(content)
    with pytest.raises(InvalidFile) as caught:
        read_settings(config, {}, {})
    assert said in str(caught.value)


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(InvalidInput, match="SESSIOND_PORT"):
        read_settings(None, {}, {"SESSIOND_PORT": "eighty"})


def test_what_cannot_be_served_is_refused_before_it_listens(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("start_node_id: a\nnodes: {a: {type: lop}}\n")
    for arguments, said in (
        (("--workflow", "wrong.yaml"), "wrong.yaml:2: $.nodes.a.type: unknown type 'lop'"),
        (("--workflow", "nowhere.yaml"), "nowhere.yaml: No such file or directory"),
        (("--nodes", "nowhere"), "nowhere: there is no module 'nowhere'"),
        (("--host", "0.0.0.0"), "SESSIOND_ALLOW_ANONYMOUS=1"),
        (("--store", "floppy://"), "no store for 'floppy'"),
        (("--config", "nowhere.yaml"), "nowhere.yaml: No such file or directory"),
    ):
        done = command("serve", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_exits_4(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = command("serve", "--store", "memory://", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (4, "")
    assert "Traceback" not in done.stderr


def test_it_serves_workflows_with_nodes_of_a_registry_and_ends_politely(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from sessiond import NodeRegistry\nnodes = NodeRegistry()\n"
        "@nodes.node('double')\ndef double(context): return context.input['n'] * 2\n"
    )
    (tmp_path / "w.yaml").write_text("start_node_id: a\nnodes: {a: {type: double}}\n")
    env = {"SESSIOND_STORE": "sqlite:///s.db", "SESSIOND_NODES": "mine:nodes"}
    with Served("--workflow", "w.yaml", cwd=tmp_path, env=env) as server:
        where = {"SESSIOND_SERVER": server.url}
        done = command("execute", "w", "-i", "n=21", "--watch", "--json", env=where)
        assert done.returncode == 0
        assert json.loads(done.stdout.splitlines()[-1])["data"] == {"status": "completed", "output": 42}
        assert server.stop() == 0
    assert (tmp_path / "s.db").exists()


def test_the_examples_are_registered(tmp_path: Path) -> None:
    with Served("--store", "memory://", *WORKFLOWS, cwd=tmp_path) as server:
        for workflow_id in ("council_debate", "council_optimize"):
            refused = command("execute", workflow_id, "--server", server.url)
            assert refused.returncode == 2
            assert "'topic' is a required property" in refused.stderr
