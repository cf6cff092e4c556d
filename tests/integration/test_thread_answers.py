"""The blocking twin: what a program without an event loop can do about a session that waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.graphs import graph, registry

from sessiond import ThreadRuntime, ThreadSession

SICK = graph({"x": {"type": "tool", "properties": {"tool": "none"}, "on_error": "suspend"}})
WAIT = graph({"w": {"type": "signal", "properties": {"name": "go"}}})


def until(session: ThreadSession, event: str) -> None:
    next(record for record in session.events() if record.event == event)


@pytest.mark.parametrize("scheme", ["memory", "sqlite"])
def test_a_session_that_waits_is_signalled_mended_and_resumed(scheme: str, tmp_path: Path) -> None:
    types = registry()
    url = "memory://" if scheme == "memory" else f"sqlite:///{tmp_path}/sessions.db"
    with ThreadRuntime(url, registry=types) as runtime:
        early = runtime.start(WAIT, start=False)
        assert early.signal("go", 1).node_id is None
        early.start()
        assert early.result() == 1
        resumed = runtime.start(WAIT)
        resumed.resume_node("w", 2)
        assert resumed.result() == 2
        skipped, retried = runtime.start(SICK), runtime.start(SICK)
        until(skipped, "human_interaction_required")
        until(retried, "human_interaction_required")
        skipped.skip_node("x", 3)
        assert skipped.result() == 3
        types.tool("none")(lambda: 4)
        retried.retry_node("x")
        assert retried.result() == 4
