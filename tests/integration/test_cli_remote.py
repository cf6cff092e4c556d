"""Commands against a real server."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import EXAMPLES, SCRIPT, Terminal, command
from support.served import WORKFLOWS, Served
from support.shell import Shell

FAST = ("-i", "topic=tea", "-i", "pace=0")
SLOW = ("-i", "topic=tea", "-i", "pace=5")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served("--store", "memory://", *WORKFLOWS, cwd=tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture
def shell(server: Served) -> Shell:
    return Shell(server.url)


def test_a_session_is_steered_from_start_to_end(shell: Shell) -> None:
    session = shell.execute("council_debate", *SLOW, "--pending", "--label", "team=a")
    assert shell.json("get", session)["status"] == "pending"
    assert f"{session} is running" in shell("start", session)
    assert f"{session} is paused (seq" in shell("pause", session, "--reason", "lunch")
    assert f"{session} is already paused" in shell("pause", session)
    shown = [line.split() for line in shell("get", session).splitlines()]
    assert ["labels", "team=a"] in shown
    assert ["adjudicator", "pending", "1", "0"] in shown
    assert shell.json("resume", session)["changed"] is True
    assert f"{session} is failed" in shell("stop", session, "--reason", "enough")
    assert "stopped: enough" in shell("get", session)
    refused = shell("resume", session, code=1)
    assert refused == "error: can't resume a session that is failed; allowed: nothing any more\n"
    assert shell("delete", session) == f"{session} is deleted\n"
    assert shell("get", session, code=1) == f"error: there is no session '{session}'\n"


def test_cancelled_sessions_exit_3_where_they_are_watched(shell: Shell) -> None:
    session = shell.execute("council_debate", *SLOW)
    assert "is cancelled" in shell("cancel", session)
    shell("watch", session, code=3)


def test_lists_can_be_narrowed_and_paged(shell: Shell) -> None:
    ids = [shell.execute("council_debate", *SLOW, "--label", "list=yes") for _ in range(3)]
    first = shell.json("ls", "--label", "list:yes", "--limit", "2")
    assert [item["session_id"] for item in first["items"]] == ids[:0:-1]
    rest = shell.json("ls", "--label", "list:yes", "--cursor", first["next_cursor"])
    assert [item["session_id"] for item in rest["items"]] == ids[:1]
    lines = shell("ls", "--label", "list", "--status", "running").splitlines()
    assert lines[0].split()[:3] == ["SESSION", "WORKFLOW", "STATUS"]
    assert [line.split()[0] for line in lines[1:]] == ids[::-1]
    assert shell("ls", "--workflow", "nothing") == "no sessions\n"
    for session in ids:
        shell("stop", session)


def test_reviews_are_listed_and_answered(shell: Shell) -> None:
    session = shell.execute("council_optimize", *FAST)
    for action, data in (("approve", ()), ("reject", ()), ("modify", ("--data", '{"note": 1}'))):
        with subprocess.Popen(
            [SCRIPT, "watch", session, "--json", "--server", shell.url], stdout=subprocess.PIPE, text=True
        ) as watching:
            assert watching.stdout is not None
            asked = sum(1 for item in shell.json("ls", "--limit", "500")["items"] if item["session_id"] == session)
            assert asked == 1
            _until_review(watching, {"approve": 1, "reject": 2, "modify": 3}[action])
        listed = shell("review", session)
        assert f"sessiond review {session} approve|reject|modify --node review" in listed
        assert "goes on" in shell("review", session, action, *data)
    shell("watch", session)
    detail = shell.json("get", session)
    assert detail["output"]["note"] == {"note": 1}
    assert shell("review", session) == "no reviews wait\n"
    assert "no review of this session waits" in shell("review", session, "approve", code=2)


def _until_review(watching: subprocess.Popen[str], count: int) -> None:
    """Read until the review of that round is open, then leave; the session goes on."""
    assert watching.stdout is not None
    for line in watching.stdout:
        count -= json.loads(line)["event"] == "human_interaction_required"
        if not count:
            watching.send_signal(signal.SIGINT)
            assert watching.wait(30) == 130
            return
    raise AssertionError("the session ended before its review")


def test_watching_shows_what_running_shows(shell: Shell) -> None:
    done = command("execute", str(EXAMPLES / "council_debate.yaml"), *FAST, "--watch", "--server", shell.url)
    assert done.returncode == 0
    assert "advocate │ " in done.stderr
    session = done.stderr.splitlines()[0]
    again = command("watch", session, "--json", "--server", shell.url).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in again] == list(range(1, len(again) + 1))
    rest = command("watch", session, "--json", "--after", "10", "--server", shell.url).stdout.splitlines()
    assert rest == again[10:]


def test_a_watcher_in_a_terminal_leaves_the_session_running(shell: Shell) -> None:
    session = shell.execute("council_debate", *SLOW)
    with Terminal("watch", session, "--server", shell.url) as terminal:
        terminal.expect("running")
        terminal.type("\x03")
        assert terminal.wait() == 130
    assert "goes on" in terminal.screen
    assert shell.json("get", session)["status"] == "running"
    shell("stop", session)


def test_a_watcher_comes_back_to_a_server_that_was_killed(tmp_path: Path) -> None:
    options: tuple[str | Path, ...] = ("--store", "sqlite:///s.db", *WORKFLOWS)
    with Served(*options, cwd=tmp_path) as first:
        shell = Shell(first.url)
        session = shell.execute("council_debate", "-i", "topic=tea", "-i", "pace=0.02")
        watching = subprocess.Popen(
            [SCRIPT, "watch", session, "--json", "--server", first.url], stdout=subprocess.PIPE, text=True
        )
        with watching:
            assert watching.stdout is not None
            seen = [json.loads(watching.stdout.readline()) for _ in range(60)]
            first.kill()
            with Served(*options, cwd=tmp_path, port=first.port):
                seen += [json.loads(line) for line in watching.stdout]
                assert watching.wait(30) == 0
    assert [event["seq"] for event in seen] == list(range(1, len(seen) + 1))
    assert [event["event"] for event in seen].count("execution:recovered") == 1
    assert seen[-1]["data"]["status"] == "completed"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("get", "nowhere"), 1, "there is no session 'nowhere'"),
        (("watch", "nowhere"), 1, "there is no session 'nowhere'"),
        (("pause", "nowhere"), 1, "there is no session 'nowhere'"),
        (("execute", "nowhere"), 1, "there is no workflow 'nowhere'"),
        (("execute", "council_debate", "-i", "pace=x"), 2, "$.input.pace: 'x' is not of type 'number'"),
        (("execute", "council_debate", *FAST, "--label", "x"), 2, "--label x: should be key=value"),
        (("execute", "nowhere.yaml"), 2, "nowhere.yaml: No such file or directory"),
        (("ls", "--cursor", "zz"), 2, "$.cursor"),
        (("ls", "--limit", "0"), 2, "--limit"),
    ],
)
def test_refusals_are_one_clear_line_and_a_code(shell: Shell, arguments: tuple[str, ...], code: int, said: str) -> None:
    assert said in shell(*arguments, code=code)


def test_errors_are_json_where_json_is_asked_for(shell: Shell) -> None:
    done = command("execute", "council_debate", "--json", "--server", shell.url)
    assert (done.returncode, done.stdout) == (2, "")
    error = json.loads(done.stderr)["error"]
    assert error["faults"] == [{"path": "$.input", "message": "'topic' is a required property"}]


@pytest.mark.parametrize("name", ["ls", "get", "pause", "watch", "review", "delete", "execute"])
def test_a_server_that_is_not_there_exits_4(name: str) -> None:
    session = () if name == "ls" else ("s",)
    done = command(name, *session, "--server", "http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: http://127.0.0.1:1 can't be reached")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "nonsense", "ftp://x", "http://", "http://[::1", "http://h:99999", "http://a..b"]
)
def test_a_server_that_can_be_none_exits_2(url: str) -> None:
    done = command("watch", "s", "--server", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the address is invalid: the server: ")
    assert done.stderr.count("\n") == 1
