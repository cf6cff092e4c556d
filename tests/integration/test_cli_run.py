"""`sessiond run`, as a process: output, exit codes, reviews in a terminal, Ctrl-C, and going on after a kill."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.command import EXAMPLES, SCRIPT, Terminal, command
from support.redis_server import RedisServer

from sessiond import Runtime
from sessiond.actors.core.segment import payloads
from sessiond.gateway.progress import printable

DEBATE = EXAMPLES / "council_debate.yaml"
OPTIMIZE = EXAMPLES / "council_optimize.yaml"
FAST = ("-i", "topic=tea", "-i", "pace=0")
SLOW = ("-i", "topic=tea", "-i", "pace=0.02")


def events(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stdout.splitlines()]


def test_the_output_goes_to_stdout_and_progress_to_stderr() -> None:
    done = command("run", DEBATE, *FAST)
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "carried with conditions"
    for node_id in ("advocate", "sceptic", "adjudicator"):
        assert f"✔ {node_id}" in done.stderr
        assert f"{node_id} │ " in done.stderr
    assert done.stderr.splitlines()[-1].split()[2:4] == ["✔", "completed"]
    assert "\x1b" not in done.stderr


async def test_json_is_the_log_byte_for_byte_and_nothing_else(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/run.db"
    done = command("run", DEBATE, *FAST, "--json", "--store", store, "--session-id", "s")
    assert (done.returncode, done.stderr) == (0, "")
    async with Runtime.open(store) as runtime:
        stored = [payload for segment in await runtime.events("s") for payload in payloads(segment.data)]
    assert done.stdout.encode() == b"".join(payload + b"\n" for payload in stored)
    assert [event["seq"] for event in events(done.stdout)] == list(range(1, len(stored) + 1))


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    arguments = ("run", DEBATE, *SLOW, "--json", "--store", f"sqlite:///{tmp_path}/run.db", "--session-id", "s")
    with subprocess.Popen([SCRIPT, *map(str, arguments)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event.get("node_id") == "adjudicator" and event["event"] == "token_stream":
                process.kill()
                break
    done = command(*arguments)
    assert done.returncode == 0
    log = events(done.stdout)
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    [recovered] = [event for event in log if event["event"] == "execution:recovered"]
    assert recovered["data"] == {"interrupted": ["adjudicator"]}
    starts = [event["node_id"] for event in log if event["data"].get("status") == "running" and event.get("node_id")]
    assert (starts.count("advocate"), starts.count("sceptic"), starts.count("adjudicator")) == (1, 1, 2)


def test_a_session_that_fails_exits_1(tmp_path: Path) -> None:
    graph = {
        "start_node_id": "a",
        "nodes": {"a": {"type": "tool", "properties": {"tool": "nowhere"}}},
    }
    (tmp_path / "w.json").write_text(json.dumps(graph))
    done = command("run", tmp_path / "w.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "✘ failed: there is no tool 'nowhere'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((DEBATE,), "council_debate.yaml: the session's input is invalid: $.input: 'topic' is a required property"),
        ((DEBATE, "-i", "topic"), "the input is invalid: -i topic: should be key=value"),
        ((DEBATE, "-i", "@nowhere.json"), "nowhere.json: No such file or directory"),
        (("nowhere.yaml",), "nowhere.yaml: No such file or directory"),
        ((DEBATE, *FAST, "--nodes", "nowhere"), "nowhere: there is no module 'nowhere'"),
        ((DEBATE, *FAST, "--store", "floppy://a"), "no store for 'floppy'; known: memory, redis, rediss, sqlite"),
        ((DEBATE, *FAST, "--session-id", "a b"), "$.session_id: should be 1 to 128 of"),
        ((), "Missing argument 'FILE'"),
    ],
)
def test_bad_input_exits_2_and_says_what_is_wrong(arguments: tuple[Any, ...], said: str) -> None:
    done = command("run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_is_away_exits_4() -> None:
    done = command("run", DEBATE, *FAST, "--store", "redis://127.0.0.1:1/0")
    assert (done.returncode, done.stdout) == (4, "")
    assert "Traceback" not in done.stderr


def test_nodes_of_a_module_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from sessiond import node\n@node('double')\ndef double(context): return context.input['n'] * 2\n"
    )
    (tmp_path / "w.yaml").write_text("start_node_id: a\nnodes: {a: {type: double}}\n")
    done = command("run", "w.yaml", "-i", "n=21", "--nodes", "mine", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "42\n")


def test_yes_approves_and_without_a_person_a_review_cancels() -> None:
    done = command("run", OPTIMIZE, *FAST, "--yes")
    assert done.returncode == 0
    assert json.loads(done.stdout)["rounds"] == 3
    done = command("run", OPTIMIZE, *FAST)
    assert (done.returncode, done.stdout) == (3, "")
    assert "--yes approves" in done.stderr


def test_a_person_answers_in_the_terminal() -> None:
    with Terminal("run", OPTIMIZE, *FAST) as terminal:
        for typed in ("what\n", "a\n", "approve\n", "r\n", "m\n"):
            terminal.expect("(m)odify? ")
            terminal.type(typed)
        terminal.expect("JSON or text")
        terminal.type("add a budget\n")
        assert terminal.wait() == 0
        shown = _plain(terminal.screen)
        output = json.loads(shown[shown.rindex("{\n") :])
    assert (output["rounds"], output["approved"], output["note"]) == (4, True, "add a budget")
    assert "please type a, r, m" in terminal.screen


def test_a_closed_terminal_cancels() -> None:
    with Terminal("run", OPTIMIZE, *FAST) as terminal:
        terminal.expect("(m)odify? ")
        terminal.type("\x04")
        assert terminal.wait() == 3
    assert "the terminal was closed" in terminal.screen


def test_ctrl_c_cancels_politely() -> None:
    with Terminal("run", DEBATE, "-i", "topic=tea", "-i", "pace=5") as terminal:
        terminal.expect("running")
        terminal.type("\x03")
        assert terminal.wait() == 3
    assert "✘ cancelled: interrupted" in _plain(terminal.screen)
    assert terminal.screen.rindex("\x1b[?25h") > terminal.screen.rindex("\x1b[?25l")


def test_ctrl_c_cancels_while_a_person_is_asked() -> None:
    with Terminal("run", OPTIMIZE, *FAST) as terminal:
        terminal.expect("(m)odify? ")
        terminal.type("\x03")
        assert terminal.wait() == 3


def test_a_node_that_never_returns_does_not_hold_the_exit(tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(
        "import threading\nfrom sessiond import node\n"
        "@node('stuck')\ndef stuck(context): context.emit('stuck'); threading.Event().wait()\n"
    )
    (tmp_path / "w.yaml").write_text("start_node_id: a\nnodes: {a: {type: stuck}}\n")
    process = subprocess.Popen(
        [SCRIPT, "run", "w.yaml", "--nodes", "stuck", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "token_stream":
                process.terminate()
        assert process.wait(30) == 3


def test_a_second_ctrl_c_leaves_although_the_store_hangs(redis_server: RedisServer, redis_url: str) -> None:
    arguments = ("run", DEBATE, "-i", "topic=tea", "-i", "pace=5", "--json", "--store", redis_url)
    process = subprocess.Popen(
        [SCRIPT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process, Redis(port=redis_server.port) as client:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        client.client_pause(60_000, all=False)
        try:
            process.send_signal(signal.SIGINT)
            assert "Ctrl-C again leaves at once" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            client.client_unpause()


def _plain(screen: str) -> str:
    """Without the codes that steer a terminal."""
    return printable(screen)
