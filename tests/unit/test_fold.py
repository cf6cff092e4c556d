"""What was decided live is what its log folds to, to the last field."""

from __future__ import annotations

import pytest
from support.graphs import Engine, chain

from sessiond.actors.core.events import Progress, TokenUsage, ToolExecution, pack, unpack
from sessiond.actors.core.messages import RecordFacts
from sessiond.actors.core.segment import Segment
from sessiond.actors.core.state import SessionState, fold


@pytest.mark.parametrize(
    "fact", [Progress(0.5), TokenUsage("n1", 1, 2, 0.0), ToolExecution("n1", "t", None, None)], ids=lambda f: f.event
)
def test_facts_that_a_fold_passes_over_leave_no_trace_in_the_live_state(fact: Progress) -> None:
    engine = Engine(chain(2))
    engine.create()
    engine.now = "2026-01-01T00:00:09.000000Z"
    engine.tell(RecordFacts("n1", 1, 1, (fact,)))
    stored = Segment(1, engine.state.seq, pack(engine.records))
    assert fold(engine.workflow, SessionState("s"), unpack(stored)) == engine.state
