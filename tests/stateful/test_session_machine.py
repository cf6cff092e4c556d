"""Random commands, answers, crashes and faults on a session of a real store, against a model of a page."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis
from stateful.model import Model
from stateful.rig import Rig
from support.stores import OPENERS

from sessiond.actors.core.errors import CommandRefused, NotWaiting
from sessiond.actors.core.ports import Store

Kind = Literal["memory", "sqlite", "redis"]


class SessionMachine(RuleBasedStateMachine):
    """One session; every rule waits until model and session agree again."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.rig = Rig(open_store)
        self.model = Model()
        self.run = self.runner.run

    def tell(self, command: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Give a command and return its answer."""
        return self.run(self.rig.tell(partial(command, *arguments)))

    @initialize()
    def begin(self) -> None:
        self.run(self.rig.open())
        self.run(self.rig.create())

    def teardown(self) -> None:
        self.run(self.rig.close())
        self.runner.close()

    @invariant()
    def model_and_session_agree(self) -> None:
        if hasattr(self.rig, "process"):
            self.run(self.rig.agree(self.model))

    # ---- commands

    @rule(action=st.sampled_from(["start", "pause", "resume", "stop", "cancel"]), times=st.integers(1, 2))
    def control(self, action: str, times: int) -> None:
        for _ in range(times):
            self._control(action)

    @precondition(lambda self: self.model.status == "pending")
    @rule()
    def start(self) -> None:
        self._control("start")

    def _control(self, action: str) -> None:
        changed = self.model.control(action)
        command = getattr(self.rig.process.session, action)
        if changed is None:
            with pytest.raises(CommandRefused):
                self.tell(command)
        else:
            receipt = self.tell(command)
            assert (receipt.status, receipt.changed) == (self.model.status, changed)

    @rule()
    def create_again(self) -> None:
        self.run(self.rig.create())

    @rule(action=st.sampled_from(["approve", "approve", "reject"]))
    def review(self, action: str) -> None:
        review = self.rig.process.session.review
        if self.model.nodes["r"] != "suspended":
            with pytest.raises(NotWaiting):
                self.tell(review, "r", action)
            return
        self.tell(review, "r", action)
        self.model.close("r") if action == "approve" else self.model.fail("r")

    @rule()
    def signal(self) -> None:
        signal = self.rig.process.session.signal
        if self.model.ended:
            with pytest.raises(CommandRefused):
                self.tell(signal, "go", {"hello": 1})
        else:
            assert (self.tell(signal, "go", {"hello": 1}).node_id == "w") == self.model.signal()

    @precondition(lambda self: self.model.nodes["b"] == "suspended" and self.model.status == "running")
    @rule(remedy=st.sampled_from(["retry", "skip"]))
    def remedy(self, remedy: str) -> None:
        if remedy == "retry":
            self.tell(self.rig.process.session.retry_node, "b")
            self.model.retry("b")
        else:
            self.tell(self.rig.process.session.skip_node, "b")
            self.model.close("b")

    # ---- tasks

    @precondition(lambda self: self.model.live)
    @rule(outcome=st.sampled_from(["complete", "complete", "complete", "fail"]), data=st.data())
    def end_a_task(self, outcome: str, data: Any) -> None:
        node = data.draw(st.sampled_from(sorted(self.model.live)))
        self.run(self._give(node, outcome))
        self.model.close(node) if outcome == "complete" else self.model.fail(node)

    async def _give(self, node: str, outcome: str) -> None:
        self.rig.process.outcome(node, self.model.attempts[node]).set_result(outcome)

    @precondition(lambda self: self.rig.zombie is not None)
    @rule()
    def late_results_of_a_lost_process_come(self) -> None:
        self.run(self._haunt())

    async def _haunt(self) -> None:
        assert self.rig.zombie is not None
        for outcome in self.rig.zombie.waiting:
            outcome.set_result("complete")

    # ---- faults

    @rule()
    def another_process_takes_over(self) -> None:
        self.model.crash()
        self.run(self.rig.open())

    @rule(fault=st.sampled_from(["before", "after"]))
    def the_next_commit_fails(self, fault: Literal["before", "after"]) -> None:
        self.rig.faults[:] = [fault]

    @rule()
    def the_watcher_comes_back(self) -> None:
        self.run(self._watch())

    async def _watch(self) -> None:
        self.rig.watch()


@pytest.mark.parametrize(("kind", "examples"), [("memory", 25), ("sqlite", 12), ("redis", 10)])
def test_a_session_does_what_its_model_does(
    kind: Kind, examples: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    number = itertools.count()

    def machine() -> SessionMachine:
        match kind:
            case "memory":
                store = OPENERS["memory"]("memory://?shards=2")
                return SessionMachine(lambda: store)
            case "sqlite":
                url = f"sqlite:///{tmp_path}/{next(number)}.db"
                return SessionMachine(lambda: OPENERS["sqlite"](url))
            case _:
                url = request.getfixturevalue("redis_url").replace("shards=8", "shards=2")
                with Redis.from_url(url.partition("?")[0]) as client:
                    client.flushall()
                return SessionMachine(lambda: OPENERS["redis"](url))

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]  # any function that makes one will do
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
