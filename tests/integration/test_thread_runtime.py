"""The runtime for programs without an event loop."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.graphs import chain, graph, registry

from sessiond import SessionEnded, ThreadRuntime
from sessiond.actors.core.errors import Draining, InvalidInput, NotFound
from sessiond.actors.thread_runtime import ThreadSession


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


def test_threads_that_wait_as_it_is_closed_are_told() -> None:
    review = {"type": "human_review", "properties": {"prompt": "?"}}
    outcomes: list[BaseException] = []

    def follow(session: ThreadSession, asked: threading.Event) -> None:
        try:
            for event in session.events():
                if event.event == "human_interaction_required":
                    asked.set()
        except Draining as error:
            outcomes.append(error)

    with ThreadRuntime("memory://", registry=registry()) as runtime:
        session = runtime.start(graph({"r": review}))
        asked = threading.Event()
        following = threading.Thread(target=follow, args=(session, asked), daemon=True)
        following.start()
        assert asked.wait(10)
    following.join(10)
    assert not following.is_alive()
    assert len(outcomes) == 1
    with pytest.raises(Draining):
        session.detail()
