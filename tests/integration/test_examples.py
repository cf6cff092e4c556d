"""The examples run, and mean what they say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support.command import EXAMPLES

from sessiond import Runtime
from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.files import read_workflow

Answer = Callable[[int], tuple[str, Any]]


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    async with Runtime.open("memory://") as opened:
        yield opened


def graph(name: str) -> Any:
    return read_workflow(EXAMPLES / f"{name}.yaml").value


async def optimize(runtime: Runtime, answer: Answer, **given: Any) -> Any:
    """Run the council, answering the review of each round."""
    session = await runtime.start(graph("council_optimize"), input={"topic": "tea", "pace": 0, **given})
    rounds = 0
    async for event in session.events():
        if event.event == "human_interaction_required":
            rounds += 1
            action, data = answer(rounds)
            await session.review("review", action, data)
    return await session.result()


async def test_the_debate_speaks_about_its_topic_side_by_side(runtime: Runtime) -> None:
    session = await runtime.start(graph("council_debate"), input={"topic": "a longer lunch", "pace": 0})
    events = [event async for event in session.events()]
    [fan] = [event for event in events if event.event == "node:parallel_start"]
    assert fan.data == {"branches": ["advocate", "sceptic"]}
    for node_id in ("advocate", "sceptic", "adjudicator"):
        said = "".join(e.data["chunk"] for e in events if e.event == "token_stream" and e.node_id == node_id)
        assert '"a longer lunch"' in said
        assert "${" not in said
        assert 60 <= len(said.split()) <= 150
    result = await session.result()
    assert (result["topic"], result["verdict"]) == ("a longer lunch", "carried with conditions")


@pytest.mark.parametrize(
    ("answer", "target", "rounds", "reached", "approved"),
    [
        (lambda _: ("approve", None), 0.8, 3, True, True),
        (lambda _: ("approve", None), 0.5, 1, True, True),
        (lambda _: ("approve", None), 1, 5, False, True),
        (lambda n: ("reject" if n == 3 else "approve", None), 0.8, 4, True, True),
        (lambda _: ("reject", None), 0.5, 5, False, False),
        (lambda _: ("modify", {"note": "shorter"}), 0.8, 3, True, True),
    ],
)
async def test_the_council_goes_round_until_the_score_or_five_times(
    runtime: Runtime, answer: Answer, target: float, rounds: int, reached: bool, approved: bool
) -> None:
    result = await optimize(runtime, answer, target=target)
    assert (result["rounds"], result["reached"], result["approved"]) == (rounds, reached, approved)
    assert result["note"] == answer(1)[1]


@pytest.mark.parametrize("name", ["council_debate", "council_optimize"])
@pytest.mark.parametrize("given", [{}, {"topic": ""}, {"topic": "tea", "pace": -1}, {"topic": "tea", "sugar": 2}, None])
async def test_input_that_does_not_fit_is_refused(runtime: Runtime, name: str, given: Any) -> None:
    with pytest.raises(InvalidInput):
        await runtime.start(graph(name), input=given)


def test_the_embedding_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "embed.py")], capture_output=True, text=True, timeout=60, check=True
    )
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    assert any(line.endswith("paused; still at work: ['pack']") for line in lines)
    assert any("quiet" in line for line in lines)
    assert lines[-2:] == [
        "result: {'shipped': 20}",
        "the next order failed: out_of_stock, 1 wanted, 0 there",
    ]
