"""What a client gets of a log that was trimmed: on every kind of stream a snapshot, and then every event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.command import command
from support.served import Served
from support.shell import Shell
from support.site import Site, problem, seqs, site_on
from support.trimmed import LIMIT, TALKS, asks, folded, plain, talkers, trimmed

from sessiond.actors.core.events import Record
from sessiond.actors.core.reset import StreamReset

PATH = "/api/v1/sessions/s/events"


@pytest.fixture
async def talked(store_url: str) -> AsyncIterator[Site]:
    """A site on which the session `s` has talked, and has ended; its log is trimmed."""
    async with site_on(store_url, log_limit_events=LIMIT) as site:
        talkers(site.runtime.registry)
        await site.client.execute(TALKS, session_id="s")
        session = site.runtime.session("s")
        await asks(session)
        await trimmed(site.runtime, "s")
        await session.review("r", "approve")
        await session.wait()
        yield site


def check(notice: dict[str, Any], events: list[dict[str, Any]], detail: dict[str, Any]) -> None:
    """A notice of a reset, the events behind it to the end: they come to what the detail shows."""
    assert set(notice) == {"session_id", "event", "data"}
    assert (notice["session_id"], notice["event"]) == ("s", "stream:reset")
    first, snapshot = notice["data"]["first_seq"], notice["data"]["snapshot"]
    assert [event["seq"] for event in events] == list(range(first, detail["seq"] + 1))
    records = msgspec.convert(events, list[Record])
    assert folded(snapshot, records) == folded(detail, [])


async def test_a_socket_of_one_session(talked: Site) -> None:
    detail = plain(await talked.client.detail("s"))
    socket = await talked.socket(PATH)
    notice, *events = await socket.until("execution:completed")
    check(notice, events, detail)
    assert (await socket.message())["event"] == "stream:live"
    await socket.close()
    closing = await talked.socket(f"{PATH}?close=1&after=3")
    check((await closing.message()), await closing.until("execution:completed"), detail)
    assert await closing.close_code() == 1000


async def test_a_socket_of_many_sessions(talked: Site) -> None:
    socket = await talked.socket("/ws")
    command = {"cmd": "subscribe", "data": {"session_id": "s"}, "id": 1}
    await socket.send(1, msgspec.json.encode(command))
    answer, notice = await socket.message(), await socket.message()
    assert answer["ok"]
    check(notice, await socket.until("execution:completed"), plain(await talked.client.detail("s")))
    await socket.close()


@pytest.mark.parametrize("last", [0, 7])
async def test_an_event_stream_that_comes_back_with_an_old_id(talked: Site, last: int) -> None:
    answer = await talked.fetch("GET", PATH, headers={"Accept": "text/event-stream", "Last-Event-ID": str(last)})
    blocks = [block.splitlines() for block in answer.body.split(b"\n\n") if block.startswith((b"id:", b"data:"))]
    ids = [int(block[0].removeprefix(b"id: ")) for block in blocks if block[0].startswith(b"id: ")]
    found = [json.loads(block[-1].removeprefix(b"data: ")) for block in blocks]
    assert len(blocks[0]) == 1, "a reset has no id"
    assert ids == seqs(found)
    check(found[0], [event for event in found if "seq" in event], plain(await talked.client.detail("s")))


async def test_pages(talked: Site) -> None:
    first = json.loads((await talked.fetch("GET", f"{PATH}?after=2&limit=1")).body)
    assert set(first) == {"items", "last_seq", "reset"}
    events, page = first["items"], first
    assert len(events) == 1
    while page["items"]:
        page = json.loads((await talked.fetch("GET", f"{PATH}?after={page['last_seq']}&limit=50")).body)
        assert set(page) == {"items", "last_seq"}, "that is said once"
        events += page["items"]
    notice = {"session_id": "s", "event": "stream:reset", "data": first["reset"]}
    check(notice, events, plain(await talked.client.detail("s")))
    typed = await talked.client.events("s")
    assert typed.reset is not msgspec.UNSET
    assert typed.reset.snapshot.seq == typed.reset.first_seq - 1


async def test_the_client(talked: Site) -> None:
    reset, *records = [record async for record in talked.client.watch("s")]
    assert isinstance(reset, StreamReset)
    events = [plain(record) for record in records]
    check(reset.notice, events, plain(await talked.client.detail("s")))


async def test_a_fork_is_refused_with_the_first_seq_that_is_possible(talked: Site) -> None:
    answer = await talked.post("/api/v1/sessions/s/fork", {"after_seq": 3})
    refusal = problem(answer, 409)
    assert (refusal["code"], refusal["session_id"]) == ("fork_trimmed", "s")
    made = await talked.post("/api/v1/sessions/s/fork", {"after_seq": refusal["first_seq"], "start": False})
    assert made.code == 201


def test_the_command_line(tmp_path: Path) -> None:
    graph = {
        "workflow_id": "long",
        "start_node_id": "a",
        "nodes": {
            "a": {"type": "agent", "next_ids": ["b"], "properties": {"demo": {"tokens": 300, "interval_s": 0.001}}},
            "b": {"type": "agent", "properties": {"demo": {"tokens": 300, "interval_s": 0.001}}},
        },
    }
    (tmp_path / "long.json").write_text(json.dumps(graph))
    options = ("--store", "memory://", "--log-limit-events", "40", "--workflow", str(tmp_path / "long.json"))
    with Served(*options, cwd=tmp_path) as served:
        shell = Shell(served.url)
        session = shell.execute("long")
        shell("watch", session)
        notice, *events = [json.loads(line) for line in shell("watch", session, "--json").splitlines()]
        assert (notice["event"], "seq" in notice) == ("stream:reset", False)
        assert seqs(events) == list(range(notice["data"]["first_seq"], events[-1]["seq"] + 1))
        assert events[-1]["event"] == "execution:completed"
        shown = command("watch", session, "--server", served.url).stderr
        assert "events up to" in shown
        assert "completed" in shown
