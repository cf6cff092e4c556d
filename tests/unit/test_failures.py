"""What a failing handler does to its actor, and to no other."""

import asyncio
from typing import Any

import pykka
import pytest
from support.recording import Echo, Recorder

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Suspend, Unsuspend
from sessiond.actors.dispatch.supervision import ChildFailed

# -- failures


async def test_an_exception_under_ask_goes_to_the_asker_and_the_actor_lives(
    dispatcher: LoopDispatcher,
) -> None:
    ref = dispatcher.spawn(Recorder, [])
    with pytest.raises(ValueError, match="asked"):
        await ref.ask(ValueError("asked"), block=False)
    assert await ref.ask("still here", block=False) == "still here"


async def test_an_exception_under_tell_stops_the_actor_and_calls_on_failure(
    dispatcher: LoopDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    error = ValueError("told")
    ref.tell(error)
    with pytest.raises(pykka.ActorDeadError):
        await ref.ask("behind it", block=False)
    assert log == ["start", error, ("failure", ValueError, True)]
    assert "unhandled exception in Recorder" in caplog.text


async def test_an_exception_in_on_start_stops_the_actor(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Stillborn(Recorder):
        def on_start(self) -> None:
            raise ValueError("stillborn")

    ref = dispatcher.spawn(Stillborn, log)
    with pytest.raises(pykka.ActorDeadError):
        await ref.ask("x", block=False)
    assert log == [("failure", ValueError, True)]


async def test_an_exception_in_on_stop_or_on_failure_is_logged_and_stays_there(
    dispatcher: LoopDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(LoopActor):
        def on_receive(self, message: object) -> None:
            raise ValueError("told")

        def on_stop(self) -> None:
            raise SystemExit("in on_stop")

        def on_failure(self, *exc_info: object) -> None:
            raise KeyboardInterrupt("in on_failure")

    assert await dispatcher.spawn(Clumsy).stop(block=False) is True
    failing = dispatcher.spawn(Clumsy)
    failing.tell("x")
    with pytest.raises(pykka.ActorDeadError):
        await failing.ask("y", block=False)
    assert "on_stop of Clumsy" in caplog.text
    assert "on_failure of Clumsy" in caplog.text


async def test_an_exception_in_the_constructor_reaches_the_spawner(dispatcher: LoopDispatcher) -> None:
    kept: list[pykka.ActorRef[Any]] = []

    class Unborn(LoopActor):
        def __init__(self) -> None:
            kept.append(self.actor_ref)
            raise ValueError("unborn")

    with pytest.raises(ValueError, match="unborn"):
        dispatcher.spawn(Unborn)
    assert not dispatcher.directory
    assert not kept[0].is_alive()


class Parent(LoopActor):
    def __init__(self, seen: asyncio.Queue[Any]) -> None:
        self.seen = seen

    def on_receive(self, message: object) -> object:
        if isinstance(message, tuple):
            return self.spawn(*message)
        self.seen.put_nowait(message)
        return None


class Suicidal(LoopActor):
    def on_receive(self, message: BaseException) -> None:
        raise message


class SuicidalAsync(LoopActor):
    async def on_receive(self, message: BaseException) -> None:
        await asyncio.sleep(0)
        raise message


@pytest.mark.parametrize("child", [Suicidal, SuicidalAsync])
@pytest.mark.parametrize("way", ["tell", "ask"])
@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()], ids=repr
)
async def test_a_base_exception_ends_this_actor_only_and_its_parent_learns_it(
    dispatcher: LoopDispatcher, child: type[LoopActor], way: str, error: BaseException
) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()
    parent = dispatcher.spawn(Parent, seen)
    bystander = dispatcher.spawn(Echo)
    ref = await parent.ask((child,), block=False)
    if way == "tell":
        ref.tell(error)
    else:
        with pytest.raises(pykka.ActorDeadError) as caught:
            await ref.ask(error, block=False)
        assert caught.value.__cause__ is error
    failed = await asyncio.wait_for(seen.get(), 5)
    assert isinstance(failed, ChildFailed)
    assert (failed.ref, failed.error) == (ref, error)
    assert not ref.is_alive()
    assert await bystander.ask("alive", block=False) == "alive"
    assert parent.is_alive()


async def test_a_failing_child_reaches_its_parent_ahead_of_the_parents_data(
    dispatcher: LoopDispatcher,
) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()
    parent = dispatcher.spawn(Parent, seen)
    child = await parent.ask((Suicidal,), block=False)
    await parent.ask(Suspend(), block=False)
    parent.tell("data")
    child.tell(ValueError("x"))
    assert isinstance(await asyncio.wait_for(seen.get(), 5), ChildFailed)
    parent.tell(Unsuspend())
    assert await asyncio.wait_for(seen.get(), 5) == "data"


async def test_a_child_outlives_its_parent_and_fails_without_one(dispatcher: LoopDispatcher) -> None:
    parent = dispatcher.spawn(Parent, asyncio.Queue())
    child = await parent.ask((Suicidal,), block=False)
    await parent.stop(block=False)
    assert child.is_alive()
    child.tell(ValueError("x"))
    with pytest.raises(pykka.ActorDeadError):
        await child.ask("y", block=False)
