"""A bug inside a session's own handling: the session is recovered from its log, its neighbours don't notice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.clockwork import Clockwork
from support.graphs import chain, graph, registry
from support.held_store import HeldStore
from support.watching import collect, contiguous, until

from sessiond import Runtime, SessionEnded
from sessiond.actors.core.errors import InvalidInput, NotFound, SessiondError
from sessiond.actors.core.events import ToolExecution
from sessiond.actors.core.messages import Pause
from sessiond.actors.core.node import InlineType, Outcome, View
from sessiond.actors.dispatch.mailbox import Mailbox, ask
from sessiond.actors.supervisor import Activate, Supervisor


class Buggy(InlineType):
    """Breaks its contract, `times` times: what it returns is no outcome."""

    name = "buggy"

    def __init__(self, times: int) -> None:
        self.left = times

    def decide(self, view: View) -> Outcome:
        self.left -= 1
        return Outcome("fine") if self.left < 0 else None  # type: ignore[return-value]


class Raising(InlineType):
    """Raises what is no NodeError."""

    name = "raising"

    def decide(self, view: View) -> Outcome:
        raise ZeroDivisionError("theirs")


def graph_of(kind: str) -> dict[str, Any]:
    return graph({"a": ["b"], "b": {"type": kind, "next_ids": ["c"]}, "c": []})


async def test_a_session_goes_on_after_a_bug(store_url: str) -> None:
    types = registry()
    types.add(Buggy(times=2))
    async with Runtime.open(store_url, registry=types) as runtime:
        other = await runtime.start(chain(3))
        session = await runtime.start(graph_of("buggy"))
        watcher = asyncio.create_task(collect(session))
        assert await session.result() == {"node": "c", "round": 1}
        contiguous(await watcher)
        completed = [r.node_id for r in await watcher if r.data.get("status") == "completed" and r.node_id]
        assert completed == ["a", "b", "c"]
        assert (await other.wait()).status == "completed"


async def test_a_session_that_fails_again_and_again_is_ended_with_a_cause(store_url: str) -> None:
    types = registry()
    types.add(Buggy(times=1_000))
    async with Runtime.open(store_url, registry=types) as runtime:
        session = await runtime.start(graph_of("buggy"))
        with pytest.raises(SessionEnded) as ended:
            await session.result()
        assert ended.value.node_code == "crash_loop"
        contiguous(await collect(session))
        assert (await (await runtime.start(chain(1))).wait()).status == "completed"


async def test_the_next_session_of_its_id_has_nothing_to_do_with_that() -> None:
    types = registry()
    buggy = Buggy(times=1_000)
    types.add(buggy)
    review = {"type": "human_review", "properties": {"prompt": "?"}}
    async with Runtime.open("memory://", registry=types) as runtime:
        assert (await (await runtime.start(graph_of("buggy"), session_id="s")).wait()).status == "failed"
        await runtime.delete("s")
        buggy.left = 1
        again = graph({"a": ["b"], "b": {"type": "buggy", "next_ids": ["r"]}, "r": review})
        session = await runtime.start(again, session_id="s")
        await until(session, "human_interaction_required")
        while runtime.awake("s"):
            await runtime.presence.passivate()
        await session.review("r", "approve")
        assert (await session.wait()).status == "completed"


async def test_a_command_that_meets_a_bug_changes_nothing(store_url: str) -> None:
    types = registry()
    types.add(Buggy(times=1))
    async with Runtime.open(store_url, registry=types) as runtime:
        with pytest.raises(SessiondError, match="failed inside"):
            await runtime.create(graph({"b": {"type": "buggy"}}), session_id="mine")
        with pytest.raises(NotFound):
            await runtime.session("mine").detail()
        assert (await runtime.create(graph({"b": {"type": "buggy"}}), session_id="mine")).session_id == "mine"
        assert await runtime.session("mine").result() == "fine"


async def test_what_an_inline_node_raises_fails_only_the_node(store_url: str) -> None:
    types = registry()
    types.add(Raising())
    async with Runtime.open(store_url, registry=types) as runtime:
        session = await runtime.start(graph_of("raising"))
        with pytest.raises(SessionEnded, match="ZeroDivisionError: theirs") as ended:
            await session.result()
        assert ended.value.node_code == "exception"


async def test_nobody_reads_the_log_before_the_last_commits_of_the_failed_session_are_in_it() -> None:
    """A command that came in between made a second actor of the old log, and the session was lost to both."""
    types, store = registry(), HeldStore()

    @types.node("poison")
    async def poison(context: Any) -> Any:
        if context.attempt == 1:
            store.commits.shut()
            await context.emit("stored late")
            await store.commits.met()
            context._host.facts(context, (ToolExecution("poison", "tool", object(), None),))  # unchecked: a bug inside
            await asyncio.Event().wait()
        return context.attempt

    async with Runtime.open(store, registry=types) as runtime:
        session = await runtime.start(graph({"p": {"type": "poison"}}))
        await store.commits.met()
        while runtime.awake(session.id):
            await asyncio.sleep(0)
        supervisor = runtime.placement.shard(session.id).supervisor
        hasty = ask(supervisor, Activate(session.id))
        with pytest.raises(NotFound):
            await supervisor.ask(Activate("nobody"), block=False)
        assert not hasty.done()
        store.commits.open()
        assert (await hasty).is_alive()
        assert await session.result() == 2
        contiguous(await collect(session))


async def test_what_sessions_spent_on_recoveries_is_forgotten_with_time() -> None:
    clock, types = Clockwork(), registry()
    buggy = Buggy(times=0)
    types.add(buggy)
    async with Runtime.open("memory://", registry=types, clock=clock) as runtime:
        for number in range(20):
            buggy.left = 1
            assert await (await runtime.start(graph_of("buggy"))).result() == {"node": "c", "round": 1}
            clock.ahead = 100.0 * (number + 1)
        supervisor = runtime.placement.shards[0].supervisor
        assert isinstance(supervisor, Mailbox)
        assert isinstance(supervisor.actor, Supervisor)
        assert len(supervisor.actor._budgets) == 1


async def test_a_command_that_cant_be_written_down_changes_nothing(store_url: str) -> None:
    review = {"type": "human_review", "properties": {"prompt": "?"}}
    async with Runtime.open(store_url, registry=registry()) as runtime:
        session = await runtime.start(graph({"r": review}))
        await until(session, "human_interaction_required")
        before = await session.detail()
        with pytest.raises(UnicodeError):
            await runtime.command(session.id, Pause("\udcff"))
        for wrong in ("\udcff", 404, ValueError("no")):
            with pytest.raises(InvalidInput):
                await session.pause(wrong)  # type: ignore[arg-type]
            with pytest.raises(InvalidInput):
                await session.stop(by=wrong)  # type: ignore[arg-type]
        assert await session.detail() == before
        await session.review("r", "approve")
        assert (await session.wait()).status == "completed"
        contiguous(await collect(session))


@pytest.mark.parametrize(
    "wrong",
    [
        {"deadline_s": float("nan")},
        {"deadline_s": 0},
        {"deadline_s": "5"},
        {"labels": {"n": 1}},
        {"labels": {"\udcff": ""}},
    ],
    ids=repr,
)
async def test_a_creation_that_couldnt_be_read_back_is_refused(wrong: dict[str, Any], store_url: str) -> None:
    async with Runtime.open(store_url, registry=registry()) as runtime:
        with pytest.raises(InvalidInput):
            await runtime.create(chain(1), session_id="s", **wrong)
        assert await (await runtime.start(chain(1), session_id="s")).result()
