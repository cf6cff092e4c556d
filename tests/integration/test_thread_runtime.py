"""The runtime for programs without an event loop."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.graphs import chain, graph, registry

from sessiond import SessionEnded, ThreadRuntime
from sessiond.actors.core.errors import InvalidInput, NotFound


def test_a_session_from_a_thread(tmp_path: Path) -> None:
    review = {"type": "human_review", "properties": {"prompt": "?"}}
    with ThreadRuntime(f"sqlite:///{tmp_path}/s.db", registry=registry()) as runtime:
        session = runtime.start(graph({"a": ["r"], "r": review}))
        events = session.events()
        while next(events).event != "human_interaction_required":
            pass
        assert session.pause().status == "paused"
        assert session.resume().status == "running"
        session.review("r", "approve", reviewer="ann")
        assert session.result()["reviewer"] == "ann"
        assert [event.event for event in events][-1] == "execution:completed"
        assert session.detail().status == "completed"
        stopped = runtime.start(graph({"r": review}))
        stopped.stop("enough")
        with pytest.raises(SessionEnded, match="enough"):
            stopped.result()
    with ThreadRuntime(f"sqlite:///{tmp_path}/s.db", registry=registry()) as runtime:
        assert runtime.session(session.id).result()["reviewer"] == "ann"


def test_many_threads_share_one_runtime() -> None:
    with ThreadRuntime("memory://", registry=registry()) as runtime:
        results: list[object] = []
        threads = [threading.Thread(target=lambda: results.append(runtime.start(chain(3)).result())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [{"node": "n3", "round": 1}] * 8


def test_errors_reach_the_thread_and_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with pytest.raises(InvalidInput, match="no store for 'nosuch'"), ThreadRuntime("nosuch://"):
        pass
    with ThreadRuntime("memory://") as runtime, pytest.raises(NotFound):
        runtime.session("ghost").detail()
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []
