"""`signal`, `retry`, `skip` and `fork` against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import command
from support.served import WORKFLOWS, Served
from support.shell import Shell

FAST = ("-i", "topic=tea", "-i", "pace=0")

WAIT = """
start_node_id: w
nodes:
  w: {type: signal, properties: {name: go}, next_ids: [v]}
  v: {type: signal, properties: {name: go}}
"""

SICK = """
start_node_id: s
nodes:
  s: {type: start, next_ids: [x]}
  x:
    type: agent
    on_error: suspend
    next_ids: [e]
    properties: {prompt: "${input.text}", demo: {interval_s: 0, script: "${input.text}"}}
  e: {type: end, properties: {output: {said: "${nodes.x.output}"}}}
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    where = tmp_path_factory.mktemp("server")
    for name, text in (("wait.yaml", WAIT), ("sick.yaml", SICK)):
        (where / name).write_text(text)
    files = ("--workflow", where / "wait.yaml", "--workflow", where / "sick.yaml")
    with Served("--store", "memory://", *WORKFLOWS, *files, cwd=where) as served:
        yield Shell(served.url)


def until(shell: Shell, session: str, event: str) -> None:
    """Wait for an event of a session, live."""
    with shell.watching(session) as events:
        next(found for found in events if found["event"] == event)


def test_signals_reach_a_node_or_a_name_and_may_come_early(shell: Shell) -> None:
    session = shell.execute("wait", "--pending")
    sent = shell.json("signal", session, "--node", "v", "--payload", '{"n": 2}')
    assert sent["status"] == "signal_sent"
    shell("start", session)
    assert shell("signal", session, "--name", "go", "--payload", "early bird").startswith(
        f"{session} has the signal (seq "
    )
    shell("watch", session)
    nodes = shell.json("get", session)["nodes"]
    assert [nodes[n]["output"] for n in ("w", "v")] == ["early bird", {"n": 2}]
    refused = shell("signal", session, "--name", "go", code=1)
    assert refused == "error: can't signal a session that is completed; allowed: nothing any more\n"


def test_a_failed_node_is_retried_with_another_input_or_skipped(shell: Shell) -> None:
    retried, skipped = shell.execute("sick"), shell.execute("sick")
    for session in (retried, skipped):
        until(shell, session, "human_interaction_required")
    assert shell("retry", retried, "x").startswith(f"x of {retried} runs again (seq ")
    until_again = shell.json("retry", retried, "x", "--input", '{"text": "well"}')
    assert until_again["status"] == "resumed"
    shell("watch", retried)
    assert shell.json("get", retried)["output"]["said"]["text"].strip() == "well"
    assert shell("skip", skipped, "x", "--output", "never mind").startswith(f"{skipped} goes on behind x (seq ")
    shell("watch", skipped)
    assert shell.json("get", skipped)["output"] == {"said": "never mind"}
    assert shell("skip", skipped, "x", code=1) == "error: node 'x' is completed: it waits for no answer\n"


def test_a_fork_is_started_watched_and_shown(shell: Shell) -> None:
    session = shell.execute("council_debate", *FAST)
    shell("watch", session)
    ended = shell.json("get", session)
    fork = shell("fork", session, "--from-node", "adjudicator").strip()
    shell("watch", fork)
    detail = shell.json("get", fork)
    assert detail["forked_from"] == {"session_id": session, "seq": ended["seq"], "from_node": "adjudicator"}
    assert detail["output"] == ended["output"]
    shown = [line.split() for line in shell("get", fork).splitlines()]
    assert f"forked from {session} after seq {ended['seq']} from node adjudicator".split() in shown
    anew = ("--after-seq", "1", "-i", "topic=coffee", "-i", "pace=0", "--watch")
    done = command("fork", session, *anew, "--server", shell.url)
    assert done.returncode == 0
    assert "advocate │ " in done.stderr
    other = shell.json("get", done.stderr.splitlines()[0])
    assert other["input"] == {"topic": "coffee", "pace": 0}
    assert shell.json("get", session) == ended


def test_a_watcher_tells_what_was_reused_from_what_ran(shell: Shell) -> None:
    session = shell.execute("council_debate", *FAST)
    shell("watch", session)
    done = command("fork", session, "--from-node", "adjudicator", "--watch", "--server", shell.url)
    assert done.returncode == 0
    lines = [line.split()[2:] for line in done.stderr.splitlines()]
    assert ["✔", "advocate", "reused"] in lines
    assert ["▶", "adjudicator", "running"] in lines


def test_a_fork_with_an_id_is_made_once_and_may_wait(shell: Shell) -> None:
    session = shell.execute("council_debate", *FAST)
    request = ("fork", session, "--after-seq", "2", "--session-id", "the-fork", "--pending")
    assert shell(*request) == "the-fork\n"
    assert shell.json(*request)["status"] == "pending"
    shell("start", "the-fork")
    shell("watch", "the-fork")
    refused = shell("fork", session, "--after-seq", "3", "--session-id", "the-fork", code=1)
    assert refused == "error: session 'the-fork' exists and was created by another request\n"


def test_a_fork_outlives_a_server_that_is_killed_right_after_its_answer(tmp_path: Path) -> None:
    options: tuple[str | Path, ...] = ("--store", "sqlite:///s.db", *WORKFLOWS)
    with Served(*options, cwd=tmp_path) as first:
        shell = Shell(first.url)
        session = shell.execute("council_debate", *FAST)
        shell("watch", session)
        fork = shell("fork", session, "--from-node", "adjudicator", "-i", "topic=coffee", "-i", "pace=0.05").strip()
        first.kill()
    with Served(*options, cwd=tmp_path) as second:
        shell = Shell(second.url)
        shell("watch", fork)
        detail = shell.json("get", fork)
        original = shell.json("get", session)
    assert detail["status"] == "completed"
    assert detail["forked_from"]["session_id"] == session
    for node_id in ("start", "opening", "advocate", "sceptic"):
        assert detail["nodes"][node_id]["output"] == original["nodes"][node_id]["output"]
        assert detail["nodes"][node_id]["started_at"] is None
    assert detail["nodes"]["adjudicator"]["attempt"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("signal", "nowhere", "--name", "go"), 1, "there is no session 'nowhere'"),
        (("signal", "nowhere"), 2, "--node, --name: exactly one of them is needed"),
        (("signal", "nowhere", "--name", "go", "--node", "x"), 2, "--node, --name: exactly one of them is needed"),
        (("signal", "S", "--node", "z"), 1, "there is no node 'z'"),
        (("retry", "nowhere", "x"), 1, "there is no session 'nowhere'"),
        (("retry", "S", "z"), 1, "there is no node 'z'"),
        (("retry", "S", "w"), 1, "node 'w' is suspended, and didn't fail"),
        (("skip", "S", "v"), 1, "node 'v' is pending"),
        (("fork", "nowhere", "--after-seq", "1"), 1, "there is no session 'nowhere'"),
        (("fork", "S"), 2, "--after-seq, --from-node: exactly one of them is needed"),
        (("fork", "S", "--after-seq", "99"), 2, "$.after_seq: is 99, the session is at seq 5"),
        (("fork", "S", "--after-seq", "0"), 2, "--after-seq"),
        (("fork", "S", "--from-node", "v"), 1, "node 'v' is pending and never began"),
        (("fork", "S", "--from-node", "z"), 2, "$.from_node: there is no node 'z'"),
        (("fork", "S", "--after-seq", "1", "-i", "x"), 2, "-i x: should be key=value"),
    ],
)
def test_refusals_are_one_clear_line_and_a_code(shell: Shell, arguments: tuple[str, ...], code: int, said: str) -> None:
    session = shell.execute("wait")
    until(shell, session, "signal_awaited")
    refused = shell(*[session if argument == "S" else argument for argument in arguments], code=code)
    assert said in refused
    shell("stop", session)


@pytest.mark.parametrize("name", ["signal", "retry", "skip", "fork"])
def test_a_server_that_is_not_there_exits_4(name: str, tmp_path: Path) -> None:
    more = {"signal": ("--name", "x"), "retry": ("n",), "skip": ("n",), "fork": ("--after-seq", "1")}[name]
    done = command(name, "s", *more, "--server", "http://127.0.0.1:1", "--json")
    assert (done.returncode, done.stdout) == (4, "")
    error: dict[str, Any] = json.loads(done.stderr)["error"]
    assert error["code"] == "unavailable"
