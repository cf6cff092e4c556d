"""`sessiond doctor`, and a server that is told to be strict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import command
from support.redis_server import RedisServer
from support.served import Served


@pytest.fixture
def safe_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    server.start()
    yield server
    server.stop()


def test_a_safe_store_exits_0(safe_server: RedisServer) -> None:
    done = command("doctor", env={"SESSIOND_STORE": safe_server.url})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Nothing acknowledged can be lost.\n")
    assert json.loads(command("doctor", "--store", safe_server.url, "--json").stdout)["safe"]


def test_an_unsafe_store_exits_1_and_says_what_to_do(tmp_path: Path) -> None:
    done = command("doctor", "--store", "sqlite:///s.db", cwd=tmp_path)
    assert done.returncode == 1
    assert "unsafe  synchronous is normal" in done.stdout
    assert "?synchronous=full" in done.stdout
    told = json.loads(command("doctor", "--store", "sqlite:///s.db", "--json", cwd=tmp_path).stdout)
    assert not told["safe"]
    assert {"setting", "found", "risk", "advice", "unsafe"} == set(told["hazards"][0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("store", ["redis://127.0.0.1:1/0", "sqlite:///nowhere/s.db", "floppy://", "sqlite://"])
def test_a_store_that_can_not_be_looked_at_exits_2(tmp_path: Path, store: str) -> None:
    done = command("doctor", "--store", store, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(command("doctor", "--store", store, "--json", cwd=tmp_path).stderr)["error"]["message"]


def test_a_strict_server_refuses_an_unsafe_store_with_the_reason(tmp_path: Path) -> None:
    for arguments, env in ((("--strict-durability",), {}), ((), {"SESSIOND_STRICT_DURABILITY": "1"})):
        done = command("serve", "--store", "sqlite:///s.db", "--port", "0", *arguments, cwd=tmp_path, env=env)
        assert (done.returncode, done.stdout) == (1, "")
        assert "synchronous is normal" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_strict_server_serves_a_safe_store(tmp_path: Path, safe_server: RedisServer) -> None:
    with Served("--store", safe_server.url, "--strict-durability", cwd=tmp_path) as server:
        assert server.stop() == 0
    assert "WARNING sessiond: appendonly" not in (tmp_path / "serve.log").read_text()


def test_a_server_that_is_not_strict_warns_in_its_log(tmp_path: Path) -> None:
    with Served("--store", "sqlite:///s.db", cwd=tmp_path) as server:
        assert server.stop() == 0
    assert "WARNING sessiond: synchronous is normal: " in (tmp_path / "serve.log").read_text()
