"""Retries: the wait between attempts, and what becomes of a failed attempt on the pure engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from support.graphs import Engine, compiled, graph

from sessiond.actors.alarms import timers
from sessiond.actors.core.errors import ExpressionError, InvalidWorkflow, NodeError, TerminalError
from sessiond.actors.core.events import AttemptError, Failure, TimerSet
from sessiond.actors.core.messages import CompleteAttempt, FireTimer, Pause, Quiesce, Recover, Resume, Stop
from sessiond.actors.core.retry import Retry, chance_of

BOOM = Failure("boom", "it broke")


def retrying(on_error: str = "fail", **retry: Any) -> Engine:
    policy = {"max_attempts": 3, "initial_s": 10, "jitter": 0, **retry}
    engine = Engine(graph({"a": {"type": "step", "next_ids": ["b"], "retry": policy, "on_error": on_error}, "b": []}))
    engine.create()
    return engine


def wait_of(engine: Engine) -> float:
    """Seconds until the next attempt, as last recorded."""
    return next(r.data.seconds for r in reversed(engine.records) if isinstance(r.data, TimerSet))


def will_retry(engine: Engine) -> list[tuple[int, bool]]:
    return [(r.data.attempt, r.data.will_retry) for r in engine.records if isinstance(r.data, AttemptError)]


def test_waits_grow_up_to_the_most() -> None:
    retry = Retry(initial_s=1, factor=3, max_s=20, jitter=0)
    assert [retry.wait(attempt, 0.7) for attempt in (1, 2, 3, 4, 1000)] == [1, 3, 9, 20, 20]


def test_jitter_takes_away_its_share_at_most() -> None:
    retry = Retry(initial_s=10, jitter=0.5)
    assert (retry.wait(1, 0.0), retry.wait(1, 0.5), retry.wait(1, 1.0)) == (10, 7.5, 5)


def test_what_the_failure_asks_for_goes_before_what_is_computed() -> None:
    retry = Retry(initial_s=1, max_s=2, jitter=1)
    assert retry.wait(1, 0.5, 300.0) == 300.0
    for nonsense in (-1.0, float("nan"), float("inf")):
        assert retry.wait(1, 0.0, nonsense) == 1


@given(
    st.floats(0, 1e300),
    st.floats(1, 1e300),
    st.floats(0, 1e300),
    st.floats(0, 1),
    st.integers(1, 1000),
    st.floats(0, 1),
)
def test_no_wait_is_negative_or_above_the_most(
    initial: float, factor: float, most: float, jitter: float, attempt: int, chance: float
) -> None:
    wait = Retry(initial_s=initial, factor=factor, max_s=most, jitter=jitter).wait(attempt, chance)
    assert 0 <= wait <= most


def test_chance_is_the_same_for_the_same_attempt_and_spread_over_others() -> None:
    assert chance_of("s", "a", 1, 1) == chance_of("s", "a", 1, 1)
    chances = [chance_of(f"s{i}", "a", 1, 1) for i in range(1000)]
    assert all(0 <= chance < 1 for chance in chances)
    assert 400 < sum(chance < 0.5 for chance in chances) < 600
    assert len({chance_of("s", "a", 1, 1), chance_of("s", "b", 1, 1), chance_of("s", "a", 2, 1)}) == 3


def test_a_failed_attempt_waits_suspended_and_runs_again() -> None:
    engine = retrying()
    failed = engine.fail("a", BOOM)
    assert [r.event for r in failed.records] == ["error", "node_state_change", "timer:set"]
    node = engine.state.node("a")
    assert (node.status, node.attempt, node.error, node.retries) == ("suspended", 1, BOOM, True)
    assert wait_of(engine) == 10
    assert engine.waiting == []
    assert engine.state.row().waits == (), "nobody is asked"
    fired = engine.fire("a")
    assert [(s.node_id, s.attempt) for s in fired.starts] == [("a", 2)]
    node = engine.state.node("a")
    assert (node.status, node.error, node.timer) == ("running", None, None)
    engine.complete("a")
    engine.complete("b")
    assert engine.state.status == "completed"
    assert will_retry(engine) == [(1, True)]


def test_the_wait_is_shortened_by_the_chance_of_its_attempt() -> None:
    engine = retrying(jitter=1, factor=1)
    engine.fail("a", BOOM)
    assert wait_of(engine) == 10 * (1 - chance_of("s", "a", 1, 1))
    engine.fire("a")
    engine.fail("a", BOOM)
    assert wait_of(engine) == 10 * (1 - chance_of("s", "a", 1, 2))


def test_when_the_attempts_are_used_up_the_node_fails() -> None:
    engine = retrying()
    engine.fail("a", BOOM)
    engine.fire("a")
    engine.fail("a", BOOM)
    assert wait_of(engine) == 20
    engine.fire("a")
    engine.fail("a", BOOM)
    assert will_retry(engine) == [(1, True), (2, True), (3, False)]
    assert engine.state.error == Failure("boom", "it broke", node_id="a")


def test_only_the_listed_codes_are_repeated() -> None:
    engine = retrying(on=["busy"])
    engine.fail("a", Failure("busy", "later"))
    engine.fire("a")
    engine.fail("a", BOOM)
    assert will_retry(engine) == [(1, True), (2, False)]
    assert engine.state.status == "failed"


def test_a_failure_for_good_is_never_repeated() -> None:
    engine = retrying(on=["boom"])
    engine.fail("a", BOOM, terminal=True)
    assert will_retry(engine) == [(1, False)]
    assert engine.state.status == "failed"
    assert (NodeError("x").terminal, TerminalError("x").terminal, ExpressionError("x").terminal) == (False, True, True)


def test_the_node_may_say_when_to_come_back() -> None:
    engine = retrying(max_s=1)
    engine.fail("a", BOOM, retry_after=77.0)
    assert wait_of(engine) == 77.0


def test_a_node_that_goes_on_after_its_failure_does_so_after_its_last_attempt() -> None:
    engine = retrying("continue", max_attempts=2)
    engine.fail("a", BOOM)
    assert engine.state.node("b").status == "pending"
    engine.fire("a")
    engine.fail("a", BOOM)
    assert engine.state.node("a").status == "failed"
    assert [s.node_id for s in engine.waiting] == ["b"]


def test_an_attempt_that_a_crash_cut_short_counts_by_its_number_only() -> None:
    engine = retrying(max_attempts=2)
    engine.waiting.clear()
    engine.tell(Recover())
    assert [(s.node_id, s.attempt) for s in engine.waiting] == [("a", 2)]
    assert will_retry(engine) == []
    engine.fail("a", BOOM)
    assert will_retry(engine) == [(2, False)]


def test_each_round_of_a_loop_has_its_own_attempts() -> None:
    again = {"type": "step", "next_ids": ["l"], "retry": {"max_attempts": 2}}
    loop = {"type": "loop", "next_ids": ["a", "e"], "properties": {"max_rounds": 2}}
    engine = Engine(graph({"s": ["a"], "a": again, "l": loop, "e": []}))
    engine.create()
    engine.complete("s")
    for _ in range(2):
        engine.fail("a", BOOM)
        engine.fire("a")
        engine.complete("a")
    assert [s.node_id for s in engine.waiting] == ["e"]


def test_the_wait_is_frozen_while_paused() -> None:
    engine = retrying()
    engine.fail("a", BOOM)
    engine.now = "2026-01-01T00:00:04.000000Z"
    engine.tell(Pause())
    assert list(timers(engine.state)) == []
    assert engine.fire("a").records == []
    engine.now = "2026-01-01T01:00:00.000000Z"
    engine.tell(Resume())
    ((due, command),) = timers(engine.state)
    assert (due, command) == (1767229206.0, FireTimer("a", 1, 1)), "6 s after the resume"
    assert [s.attempt for s in engine.fire("a").starts] == [2]


def test_an_attempt_that_fails_while_paused_begins_to_wait_at_the_resume() -> None:
    engine = retrying()
    engine.tell(Pause())
    engine.fail("a", BOOM)
    timer = engine.state.node("a").timer
    assert timer is not None
    assert (timer.left, timer.since) == (10, None)
    assert engine.tell(Quiesce()).records[0].event == "execution:quiesced"
    engine.now = "2026-01-01T01:00:00.000000Z"
    assert engine.tell(Resume()).starts == []
    assert [due for due, _ in timers(engine.state)] == [1767229210.0]


def test_a_timer_of_an_older_attempt_or_a_late_one_changes_nothing() -> None:
    engine = retrying()
    engine.fail("a", BOOM)
    engine.fire("a")
    assert engine.tell(FireTimer("a", 1, 1)).records == []
    engine.fail("a", BOOM)
    assert engine.tell(FireTimer("a", 1, 1)).records == []
    assert engine.tell(CompleteAttempt("a", 1, 1, Raw(b"1"))).records == []
    engine.tell(Stop())
    assert engine.tell(FireTimer("a", 1, 2)).records == []
    assert engine.state.node("a").error == Failure("stopped", "the session was stopped")


@pytest.mark.parametrize(
    ("retry", "path"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"initial_s": -1}, "initial_s"),
        ({"factor": 0.5}, "factor"),
        ({"max_s": -1}, "max_s"),
        ({"jitter": 1.5}, "jitter"),
        ({"on": "boom"}, "on"),
    ],
)
def test_faults_of_the_policy(retry: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidWorkflow) as invalid:
        compiled(graph({"a": {"type": "step", "retry": retry}}))
    assert [fault.path for fault in invalid.value.faults] == [f"$.nodes.a.retry.{path}"]


def test_only_a_task_can_be_repeated() -> None:
    with pytest.raises(InvalidWorkflow) as invalid:
        compiled(graph({"s": {"type": "start", "retry": {}}}))
    assert [fault.path for fault in invalid.value.faults] == ["$.nodes.s.retry"]
