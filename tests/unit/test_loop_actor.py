"""What an actor on a loop keeps of Pykka's contract, and what it has beyond."""

from collections.abc import Iterator
from threading import Thread, get_ident
from typing import Any

import pykka
import pytest
from support.recording import Echo, Recorder

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Suspend
from sessiond.actors.dispatch.waiting import BlockingOnLoop


@pytest.fixture
def threaded() -> Iterator[LoopDispatcher]:
    dispatcher = LoopDispatcher.in_thread()
    yield dispatcher
    dispatcher.close()


# -- tell and ask


async def test_on_start_comes_before_the_first_message_and_tells_keep_their_order(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    for number in range(200):
        ref.tell(number)
    await ref.stop(block=False)
    assert log == ["start", *range(200), "stop"]


async def test_spawn_does_not_run_the_actor_inside_the_callers_code(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    ref.tell(1)
    assert log == []
    await ref.ask(2, block=False)
    assert log == ["start", 1, 2]


async def test_ask_answers_with_what_the_handler_returns(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Echo)
    assert [await ref.ask(n, block=False) for n in (0, None, "x")] == [0, None, "x"]


async def test_ask_can_be_mapped_and_awaited(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Echo)
    assert await ref.ask(20, block=False).map(lambda n: n + 1) == 21


def test_ask_blocks_on_another_thread(threaded: LoopDispatcher) -> None:
    assert threaded.spawn(Echo).ask("hello", timeout=5) == "hello"


def test_ask_times_out_when_the_actor_is_suspended(threaded: LoopDispatcher) -> None:
    ref = threaded.spawn(Echo)
    ref.ask(Suspend(), timeout=5)
    with pytest.raises(pykka.Timeout):
        ref.ask("hello", timeout=0.001)


async def test_a_blocking_ask_or_stop_on_the_loop_raises_before_anything_is_sent(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    with pytest.raises(BlockingOnLoop):
        ref.ask("never sent")
    with pytest.raises(BlockingOnLoop):
        ref.stop()
    await ref.ask("sent", block=False)
    assert log == ["start", "sent"]


async def test_a_blocking_ask_in_a_handler_raises_instead_of_running_other_actors(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    other = dispatcher.spawn(Recorder, log)

    class Nested(LoopActor):
        def on_receive(self, message: object) -> None:
            log.append("before")
            try:
                other.ask(message)
            finally:
                log.append("after")

    with pytest.raises(BlockingOnLoop):
        await dispatcher.spawn(Nested).ask("inner", block=False)
    assert log == ["start", "before", "after"]


def test_a_blocking_ask_from_one_dispatchers_handler_to_another_dispatcher_raises_too(
    threaded: LoopDispatcher,
) -> None:
    elsewhere = LoopDispatcher.in_thread()
    echo = elsewhere.spawn(Echo)

    class Nested(LoopActor):
        def on_receive(self, message: object) -> Any:
            return echo.ask(message)

    with pytest.raises(BlockingOnLoop):
        threaded.spawn(Nested).ask("x", timeout=5)
    elsewhere.close()


async def test_a_future_or_an_ask_can_itself_be_a_message(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    future = dispatcher.spawn(Echo).ask("inner", block=False)
    ref.tell(future)
    assert await ref.ask(future, block=False) is future
    assert log == ["start", future, future]
    assert await future == "inner"


async def test_an_unhandled_message_is_logged_by_default(
    dispatcher: LoopDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    assert await dispatcher.spawn(LoopActor).ask("surprise", block=False) is None
    assert "Unexpected message received by LoopActor" in caplog.text


# -- proxies


class Counter(LoopActor):
    count = 0

    def add(self, n: int = 1) -> int:
        self.count += n
        return self.count

    def fail(self) -> None:
        raise ValueError("in a method")


async def test_a_proxy_calls_reads_and_defers(dispatcher: LoopDispatcher) -> None:
    proxy = dispatcher.spawn(Counter).proxy()
    assert await proxy.add(2) == 2
    proxy.add.defer(n=3)
    assert await proxy.count == 5
    with pytest.raises(ValueError, match="in a method"):
        await proxy.fail()
    with pytest.raises(AttributeError):
        _ = proxy.nothing


async def test_a_deferred_proxy_call_that_raises_ends_the_actor(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Counter)
    ref.proxy().fail.defer()
    with pytest.raises(pykka.ActorDeadError):
        await ref.ask("x", block=False)


def test_a_proxy_sets_attributes_from_a_thread(threaded: LoopDispatcher) -> None:
    proxy = threaded.spawn(Counter).proxy()
    proxy.count = 40
    assert proxy.add(2).get(timeout=5) == 42


def test_a_proxy_of_an_actor_that_vanished_is_refused(threaded: LoopDispatcher) -> None:
    ref = threaded.spawn(Counter)
    ref.stop()
    with pytest.raises(pykka.ActorDeadError):
        ref.proxy()


# -- construction


async def test_the_constructor_knows_ref_parent_and_dispatcher_without_super(
    dispatcher: LoopDispatcher,
) -> None:
    found: list[Any] = []

    class Curious(LoopActor):
        def __init__(self) -> None:
            found.extend((self.actor_ref, self.parent, self.dispatcher, self.actor_urn, self.actor_stopped))
            self.actor_ref.tell("from the constructor")

        def on_start(self) -> None:
            found.append("start")

        def on_receive(self, message: object) -> None:
            found.append(message)

    parent = dispatcher.spawn(Echo)
    ref = dispatcher.spawn(Curious, parent=parent)
    await ref.ask("x", block=False)
    assert found == [
        ref,
        parent,
        dispatcher,
        ref.actor_urn,
        ref.actor_stopped,
        "start",
        "from the constructor",
        "x",
    ]


async def test_start_uses_the_dispatcher_of_the_running_loop(dispatcher: LoopDispatcher) -> None:
    ref = Echo.start()
    assert ref in dispatcher.directory
    assert ref not in pykka.ActorRegistry.get_all()


def test_start_without_a_loop_uses_one_default_dispatcher_in_a_thread() -> None:
    class Where(LoopActor):
        def on_receive(self, message: object) -> int:
            return get_ident()

    first, second = Where.start(), Where.start()
    assert first.ask("x", timeout=5) == second.ask("x", timeout=5) != get_ident()
    assert first.stop() is second.stop() is True


def test_a_constructor_may_have_a_parameter_called_parent() -> None:
    class Named(LoopActor):
        def __init__(self, parent: str) -> None:
            self.named = parent

        def on_receive(self, message: object) -> str:
            return self.named

    ref = Named.start(parent="x")
    assert ref.ask("?", timeout=5) == "x"
    ref.stop()


@pytest.mark.parametrize("hook", ["on_stop", "on_failure"])
def test_a_hook_at_the_end_must_be_a_plain_def(hook: str) -> None:
    async def coroutine(self: object, *args: object) -> None: ...

    with pytest.raises(TypeError, match="must be a plain def"):
        type("Bad", (LoopActor,), {hook: coroutine})


def test_an_actor_spawned_from_a_thread_runs_on_the_loop(threaded: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = threaded.spawn(Recorder, log)
    assert ref.ask("x", timeout=5) == "x"
    assert log == ["start", "x"]
    thread = Thread(target=lambda: log.append(ref.stop()))
    thread.start()
    thread.join()
    assert log == ["start", "x", "stop", True]
