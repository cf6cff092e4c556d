"""What an actor on a loop keeps of Pykka's contract, and what it has beyond."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from threading import Thread, get_ident
from types import TracebackType
from typing import Any

import msgspec
import pykka
import pytest

from sessiond.actors.dispatcher import LoopDispatcher
from sessiond.actors.future import Deferred
from sessiond.actors.loop_actor import LoopActor
from sessiond.actors.mailbox import Control, Kill, MailboxFull, Suspend, Unsuspend
from sessiond.actors.supervision import ChildFailed
from sessiond.actors.waiting import BlockingOnLoop


@pytest.fixture
async def dispatcher() -> AsyncIterator[LoopDispatcher]:
    dispatcher = LoopDispatcher()
    yield dispatcher
    dispatcher.close()
    while dispatcher.directory:
        await asyncio.sleep(0)


@pytest.fixture
def threaded() -> Iterator[LoopDispatcher]:
    dispatcher = LoopDispatcher.in_thread()
    yield dispatcher
    dispatcher.close()


class Recorder(LoopActor):
    """Notes everything that happens to it."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def on_start(self) -> None:
        self.log.append("start")

    def on_receive(self, message: object) -> object:
        self.log.append(message)
        if isinstance(message, BaseException):
            raise message
        return message

    def on_stop(self) -> None:
        self.log.append("stop")

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.log.append(("failure", exception_type, traceback is not None))


class Echo(LoopActor):
    def on_receive(self, message: object) -> object:
        return message


class Urgent(msgspec.Struct, Control, frozen=True):
    name: str


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


# -- stop


async def test_stop_waits_for_what_was_sent_before_and_refuses_what_comes_after(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    ref.tell("before")
    stopping = ref.stop(block=False)
    late = ref.ask("after", block=False)
    assert await stopping is True
    assert log == ["start", "before", "stop"]
    with pytest.raises(pykka.ActorDeadError):
        await late


async def test_a_dead_actor_refuses_everything_at_once(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Echo)
    await ref.stop(block=False)
    assert not ref.is_alive()
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("x")
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(Kill())
    for message in ("x", Kill()):
        with pytest.raises(pykka.ActorDeadError):
            await ref.ask(message, block=False)
    assert await ref.stop(block=False) is False
    with pytest.raises(pykka.ActorDeadError):
        ref.proxy()


async def test_two_stops_are_both_confirmed(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Echo)
    assert [await stop for stop in [ref.stop(block=False), ref.stop(block=False)]] == [True, True]


async def test_an_actor_can_stop_itself_behind_its_messages(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Quitter(Recorder):
        def on_receive(self, message: object) -> object:
            if message == "quit":
                self.stop()
            return super().on_receive(message)

    ref = dispatcher.spawn(Quitter, log)
    for message in ("quit", "one more"):
        ref.tell(message)
    with pytest.raises(pykka.ActorDeadError):
        await _ask_until_dead(ref)
    assert log == ["start", "quit", "one more", "are you there?", "stop"]


async def _ask_until_dead(ref: pykka.ActorRef[Any]) -> None:
    while True:
        await ref.ask("are you there?", block=False)


async def test_finish_stops_at_once_and_the_answer_still_arrives(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class OneShot(Recorder):
        def on_receive(self, message: object) -> object:
            self.finish()
            log.append("still here")
            return "the answer"

    ref = dispatcher.spawn(OneShot, log)
    answer = ref.ask("go", block=False)
    late = ref.ask("late", block=False)
    assert await answer == "the answer"
    assert log == ["start", "stop", "still here"]
    assert ref not in dispatcher.directory
    with pytest.raises(pykka.ActorDeadError):
        await late


async def test_finish_twice_runs_on_stop_once(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Twice(Recorder):
        def on_receive(self, message: object) -> None:
            self.finish()
            self.finish()

    await dispatcher.spawn(Twice, log).ask("x", block=False)
    assert log == ["start", "stop"]


async def test_an_actor_whose_life_is_one_task(dispatcher: LoopDispatcher) -> None:
    done: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    class Run(LoopActor):
        async def on_start(self) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            self.finish()
            done.set_result("ran")

    ref = dispatcher.spawn(Run)
    assert await done == "ran"
    assert not ref.is_alive()
    assert not dispatcher.directory


async def test_the_stopped_event_is_set_when_all_is_over(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    before = ref.actor_stopped
    assert not before.is_set()
    await ref.stop(block=False)
    assert before.is_set()
    assert ref.actor_stopped is before
    never_looked_at = dispatcher.spawn(Echo)
    await never_looked_at.stop(block=False)
    assert never_looked_at.actor_stopped.is_set()


@pytest.mark.parametrize("end", ["stop", "kill", "fail"])
async def test_the_end_frees_the_actor_while_the_ref_is_kept(
    dispatcher: LoopDispatcher, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "sessiond.actors.supervision")  # a captured traceback holds the actor
    alive: list[weakref.ref[LoopActor]] = []

    class Watched(LoopActor):
        def __init__(self) -> None:
            alive.append(weakref.ref(self))

        def on_receive(self, message: object) -> None:
            raise ValueError("fail")

    ref = dispatcher.spawn(Watched)
    match end:
        case "stop":
            await ref.stop(block=False)
        case "kill":
            await ref.ask(Kill(), block=False)
        case _:
            ref.tell("x")
            while ref.is_alive():
                await asyncio.sleep(0)
    gc.collect()
    assert alive[0]() is None
    assert not ref.is_alive()


async def test_an_idle_actor_lives_without_anybody_holding_its_ref(dispatcher: LoopDispatcher) -> None:
    dispatcher.spawn(Echo)
    gc.collect()
    (ref,) = dispatcher.directory
    assert await ref.ask("hello", block=False) == "hello"


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


# -- coroutines


async def test_an_async_handler_is_as_serial_as_a_plain_one(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Slow(LoopActor):
        async def on_receive(self, message: int) -> None:
            log.append(("in", message))
            await asyncio.sleep(0)
            log.append(("out", message))

    ref = dispatcher.spawn(Slow)
    for number in range(20):
        ref.tell(number)
    await ref.stop(block=False)
    assert log == [step for n in range(20) for step in (("in", n), ("out", n))]


async def test_plain_and_awaiting_answers_mix_in_order(dispatcher: LoopDispatcher) -> None:
    class Mixed(LoopActor):
        def on_receive(self, message: int) -> Any:
            return self.later(message) if message % 2 else message

        async def later(self, message: int) -> int:
            await asyncio.sleep(0)
            return message

    ref = dispatcher.spawn(Mixed)
    futures = [ref.ask(n, block=False) for n in range(10)]
    assert [await future for future in futures] == list(range(10))


async def test_other_actors_run_while_one_awaits(dispatcher: LoopDispatcher) -> None:
    release = asyncio.Event()

    class Waiting(LoopActor):
        async def on_receive(self, message: object) -> object:
            await release.wait()
            return message

    waiting = dispatcher.spawn(Waiting).ask("slow", block=False)
    assert await dispatcher.spawn(Echo).ask("quick", block=False) == "quick"
    assert not waiting.done()
    release.set()
    assert await waiting == "slow"


async def test_messages_wait_until_an_async_on_start_is_through(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    release = asyncio.Event()

    class Preparing(Recorder):
        async def on_start(self) -> None:  # type: ignore[override]
            await release.wait()
            self.log.append("ready")

    ref = dispatcher.spawn(Preparing, log)
    answer = ref.ask("x", block=False)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == []
    release.set()
    await answer
    assert log == ["ready", "x"]


async def test_kill_cancels_an_awaiting_handler_and_then_on_stop_runs(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    begun = asyncio.Event()

    class Hanging(Recorder):
        async def on_receive(self, message: object) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.log.append("cancelled")
                raise

    ref = dispatcher.spawn(Hanging, log)
    hanging = ref.ask("hang", block=False)
    behind = ref.ask("behind", block=False)
    await begun.wait()
    await ref.ask(Kill(), block=False)
    assert log == ["start", "cancelled", "stop"]
    for future in (hanging, behind):
        with pytest.raises(pykka.ActorDeadError):
            await future


async def test_kill_of_a_handler_whose_task_has_not_begun(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Hanging(Recorder):
        async def on_receive(self, message: object) -> None:
            await asyncio.Event().wait()

        def on_failure(self, *exc_info: object) -> None:
            self.log.append("failure")

    class Killer(LoopActor):
        """Runs in the same turn of the dispatcher, right behind the victim."""

        def on_receive(self, victim: pykka.ActorRef[Any]) -> Any:
            return victim.ask(Kill(), block=False)

    victim = dispatcher.spawn(Hanging, log)
    victim.tell("hang")
    killing = await dispatcher.spawn(Killer).ask(victim, block=False)
    await killing
    assert log == ["start", "stop"]


async def test_kill_cancels_an_awaiting_on_start(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Preparing(Recorder):
        async def on_start(self) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

    ref = dispatcher.spawn(Preparing, log)
    await asyncio.sleep(0)
    await ref.ask(Kill(), block=False)
    assert log == ["stop"]


async def test_a_handler_that_ignores_its_cancellation_ends_before_the_actor_does(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    begun = asyncio.Event()

    class Stubborn(Recorder):
        async def on_receive(self, message: object) -> str:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
            return "all the same"

    ref = dispatcher.spawn(Stubborn, log)
    answer = ref.ask("x", block=False)
    await begun.wait()
    await ref.ask(Kill(), block=False)
    assert await answer == "all the same"
    assert log == ["start", "stop"]


# -- control


async def test_control_overtakes_data_and_keeps_its_own_order(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    for number in range(3):
        ref.tell(number)
    ref.tell(Urgent("a"))
    ref.tell(Urgent("b"))
    assert await ref.ask(Urgent("c"), block=False) == Urgent("c")
    await ref.stop(block=False)
    assert log == ["start", Urgent("a"), Urgent("b"), Urgent("c"), 0, 1, 2, "stop"]


async def test_an_entry_left_behind_by_control_does_not_start_the_actor_again(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    await ref.ask("flush", block=False)
    ref.tell("data")
    ref.tell(Urgent("x"))
    await dispatcher.spawn(Echo).ask("one round later", block=False)
    assert await ref.ask("last", block=False) == "last"
    assert log == ["start", "flush", Urgent("x"), "data", "last"]


async def test_control_sent_by_a_handler_overtakes_the_rest_of_the_same_turn(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []

    class Urging(Recorder):
        def on_receive(self, message: object) -> object:
            if message == 0:
                self.actor_ref.tell(Urgent("x"))
            return super().on_receive(message)

    ref = dispatcher.spawn(Urging, log)
    for number in range(3):
        ref.tell(number)
    await ref.stop(block=False)
    assert log == ["start", 0, Urgent("x"), 1, 2, "stop"]


async def test_an_async_handler_of_control_stays_ahead_of_data(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class Slow(Recorder):
        async def on_receive(self, message: object) -> None:
            await asyncio.sleep(0)
            self.log.append(message)

    ref = dispatcher.spawn(Slow, log)
    ref.tell("data")
    for name in "abc":
        ref.tell(Urgent(name))
    await ref.stop(block=False)
    assert log == ["start", Urgent("a"), Urgent("b"), Urgent("c"), "data", "stop"]


async def test_a_failing_control_message_follows_the_rules_of_ask_and_tell(
    dispatcher: LoopDispatcher,
) -> None:
    class Failing(LoopActor):
        def on_receive(self, message: object) -> None:
            raise ValueError("control")

    ref = dispatcher.spawn(Failing)
    with pytest.raises(ValueError, match="control"):
        await ref.ask(Urgent("x"), block=False)
    assert ref.is_alive()
    ref.tell(Urgent("x"))
    with pytest.raises(pykka.ActorDeadError):
        await ref.ask(Urgent("y"), block=False)


async def test_kill_overtakes_a_backlog_and_drops_none_of_it_silently(
    dispatcher: LoopDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "sessiond.actors.mailbox")
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    for number in range(5000):
        ref.tell(number)
    ref.tell(Kill())
    while ref.is_alive():
        await asyncio.sleep(0)
    assert log == ["start", "stop"]
    assert caplog.text.count("dead letter") == 5000


async def test_a_suspended_actor_serves_control_only_until_unsuspended(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    ref.tell("before")
    await ref.ask("flush", block=False)
    await ref.ask(Suspend(), block=False)
    data = [ref.ask(n, block=False) for n in range(3)]
    assert await ref.ask(Urgent("x"), block=False) == Urgent("x")
    assert log == ["start", "before", "flush", Urgent("x")]
    ref.tell(Unsuspend())
    assert [await future for future in data] == [0, 1, 2]


async def test_suspend_stops_the_turn_it_comes_in(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []

    class SelfSuspending(Recorder):
        def on_receive(self, message: object) -> object:
            if message == 1:
                self.actor_ref.tell(Suspend())
            return super().on_receive(message)

    ref = dispatcher.spawn(SelfSuspending, log)
    for number in range(4):
        ref.tell(number)
    assert await ref.ask(Urgent("seen"), block=False) == Urgent("seen")
    while len(log) < 4:
        await asyncio.sleep(0)
    await ref.ask(Unsuspend(), block=False)
    await ref.stop(block=False)
    assert log == ["start", Urgent("seen"), 0, 1, 2, 3, "stop"]


async def test_kill_ends_a_suspended_actor(dispatcher: LoopDispatcher) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Recorder, log)
    await ref.ask(Suspend(), block=False)
    waiting = ref.ask("x", block=False)
    await ref.ask(Kill(), block=False)
    assert log == ["start", "stop"]
    with pytest.raises(pykka.ActorDeadError):
        await waiting


# -- the bound


class Bounded(Recorder):
    mailbox_bound = 5


async def test_a_full_mailbox_refuses_tell_and_ask_but_never_control_or_stop(
    dispatcher: LoopDispatcher,
) -> None:
    log: list[Any] = []
    ref = dispatcher.spawn(Bounded, log)
    await ref.ask(Suspend(), block=False)
    for number in range(5):
        ref.tell(number)
    with pytest.raises(MailboxFull):
        ref.tell(5)
    with pytest.raises(MailboxFull):
        await ref.ask(6, block=False)
    assert await ref.ask(Urgent("x"), block=False) == Urgent("x")
    stopping = ref.stop(block=False)
    ref.tell(Unsuspend())
    assert await stopping is True
    assert log == ["start", Urgent("x"), 0, 1, 2, 3, 4, "stop"]


async def test_a_place_is_free_again_as_soon_as_its_message_is_handled(dispatcher: LoopDispatcher) -> None:
    ref = dispatcher.spawn(Bounded, [])
    for number in range(50):
        assert await ref.ask(number, block=False) == number


# -- deferred answers


async def test_a_deferred_answer_lets_the_actor_go_on(dispatcher: LoopDispatcher) -> None:
    class Committing(LoopActor):
        def __init__(self) -> None:
            self.waiting: list[Deferred[str]] = []

        def on_receive(self, message: object) -> object:
            if message == "commit":
                self.waiting.append(Deferred())
                return self.waiting[-1]
            for number, deferred in enumerate(self.waiting):
                deferred.set(f"committed {number}")
            return "released"

    ref = dispatcher.spawn(Committing)
    commits = [ref.ask("commit", block=False) for _ in range(2)]
    ref.tell("commit")
    assert await ref.ask("release", block=False) == "released"
    assert [await commit for commit in commits] == ["committed 0", "committed 1"]


async def test_an_async_handler_may_defer_too(dispatcher: LoopDispatcher) -> None:
    deferred: Deferred[int] = Deferred()

    class Deferring(LoopActor):
        async def on_receive(self, message: object) -> Deferred[int]:
            return deferred

    answer = dispatcher.spawn(Deferring).ask("x", block=False)
    await asyncio.sleep(0)
    deferred.set(7)
    assert await answer == 7


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
