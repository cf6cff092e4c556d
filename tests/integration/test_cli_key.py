"""`sessiond key new`, `serve --keys` and `--token`, as people use them together."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import SCRIPT, SECONDS, command, environment
from support.served import WORKFLOWS, Served


def new_key(cwd: Path, *arguments: str) -> dict[str, Any]:
    done = command("key", "new", *arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    new_key(tmp_path, "--role", "admin", "--note", "first")
    with Served("--store", "memory://", "--keys", "keys.jsonl", *WORKFLOWS, cwd=tmp_path) as server:
        yield server


def test_a_key_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    done = command("key", "new", "--tenant", "acme", "--role", "operator", "--expires", "90d", cwd=tmp_path)
    token = done.stdout.strip()
    assert token.startswith("sdk_")
    assert "shown only now" in done.stderr
    assert token not in done.stderr
    kept = (tmp_path / "keys.jsonl").read_text()
    entry = json.loads(kept)
    assert (entry["tenant"], entry["roles"]) == ("acme", ["operator"])
    assert token not in kept


def test_wrong_wishes_make_no_key(tmp_path: Path) -> None:
    for arguments, said in (
        (("--role", "boss"), "'boss' is not one of"),
        ((), "Missing option '--role'"),
        (("--role", "viewer", "--tenant", "a/b"), "$.tenant"),
        (("--role", "viewer", "--expires", "soon"), "--expires"),
    ):
        done = command("key", "new", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    assert not (tmp_path / "keys.jsonl").exists()


def test_commands_say_what_is_wrong_with_the_token_and_how_to_give_one(served: Served, tmp_path: Path) -> None:
    where = {"SESSIOND_SERVER": served.url}
    for token in (None, "nonsense"):
        done = command("ls", env=where | ({"SESSIOND_TOKEN": token} if token else {}))
        assert done.returncode == 1
        assert "SESSIOND_TOKEN or --token" in done.stderr
        assert "Traceback" not in done.stderr
    broken = command("ls", "--token", "two words", env=where)
    assert (broken.returncode, "should be an API key" in broken.stderr) == (2, True)
    viewer = new_key(tmp_path, "--role", "viewer")["key"]
    served.send(signal.SIGHUP)
    while (done := command("ls", "--token", viewer, env=where)).returncode:
        pass
    refused = command("execute", "council_debate", "-i", "topic=tea", env=where | {"SESSIOND_TOKEN": viewer})
    assert refused.returncode == 1
    assert "takes the role 'operator'" in refused.stderr


def test_a_session_is_run_and_watched_with_a_token_and_no_secret_is_logged(served: Served, tmp_path: Path) -> None:
    token = new_key(tmp_path, "--role", "author", "--tenant", "acme", "--note", "second")["key"]
    env = {"SESSIOND_SERVER": served.url, "SESSIOND_TOKEN": token}
    while command("ls", env=env).returncode:
        pass  # it is taken up within a second, without a signal
    workflow = tmp_path / "w.yaml"
    workflow.write_text("start_node_id: a\nnodes: {a: {type: end}}\n")
    done = command("execute", str(workflow), "--session-id", "mine", "--watch", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "execution:completed"
    shown = command("get", "mine", "--json", env=env)
    assert json.loads(shown.stdout)["session_id"] == "mine@acme"
    wrong = command("ls", env=env | {"SESSIOND_TOKEN": token[:-4] + "0000"})
    assert wrong.returncode == 1
    log = served.log()
    assert "401 for 127.0.0.1" in log
    for secret in (token, token[:-4], token.rpartition("_")[2]):
        assert secret not in log
        assert secret not in wrong.stderr
    assert served.stop() == 0


def test_a_revoked_key_ends_what_it_watches(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    first = path.read_text()
    token = new_key(tmp_path, "--role", "author")["key"]
    env = {"SESSIOND_SERVER": served.url, "SESSIOND_TOKEN": token}
    while command("ls", env=env).returncode:
        pass
    workflow = tmp_path / "w.yaml"
    workflow.write_text("start_node_id: a\nnodes: {a: {type: signal, properties: {name: go}}}\n")
    assert command("execute", str(workflow), "--session-id", "s1", env=env).returncode == 0
    with subprocess.Popen(
        [SCRIPT, "watch", "s1", "--json"],
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["session_id"] == "s1"
        path.write_text(first)
        _, said = watching.communicate(timeout=SECONDS)
    assert watching.returncode == 1
    assert json.loads(said)["error"] == {
        "code": "stream_refused",
        "message": "the stream was refused (4401): your leave has ended; authenticate again and come back with after",
        "faults": [],
    }


def test_it_refuses_other_machines_without_keys_and_serves_them_with(tmp_path: Path) -> None:
    refused = command("serve", "--host", "0.0.0.0", "--store", "memory://", cwd=tmp_path)
    assert refused.returncode == 2
    assert "sessiond key new" in refused.stderr
    missing = command("serve", "--keys", "nowhere.jsonl", "--store", "memory://", cwd=tmp_path)
    assert (missing.returncode, "nowhere.jsonl: No such file" in missing.stderr) == (2, True)
    (tmp_path / "bad.jsonl").write_text("{}\n")
    bad = command("serve", "--keys", "bad.jsonl", "--store", "memory://", cwd=tmp_path)
    assert (bad.returncode, "bad.jsonl:1: " in bad.stderr) == (2, True)
    weak = command("serve", "--store", "memory://", cwd=tmp_path, env={"SESSIOND_JWT_KEY": "bad.jsonl"})
    assert (weak.returncode, "jwt_algorithm" in weak.stderr) == (2, True)
    new_key(tmp_path, "--role", "admin")
    with Served("--host", "0.0.0.0", "--store", "memory://", "--keys", "keys.jsonl", cwd=tmp_path) as server:
        assert command("ls", "--server", f"http://127.0.0.1:{server.port}").returncode == 1
        assert "WARNING sessiond: tokens travel in the clear, unless a proxy terminates TLS" in server.log()
