import asyncio
import gc
import weakref
from collections.abc import Iterator
from threading import Event, Lock, get_ident
from typing import Any

import pykka
import pytest

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Kill, Suspend, Unsuspend
from sessiond.actors.dispatch.pooled_actor import PooledActor, WorkerPool
from sessiond.actors.dispatch.supervision import ChildFailed

WAIT = 5.0


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2)
    yield pool
    pool.close()


class Gate:
    """A message whose handler says that it is there and waits to be let through."""

    def __init__(self) -> None:
        self.entered = Event()
        self.opened = Event()


class Recorder(PooledActor):
    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def on_start(self) -> None:
        self.log.append("start")

    def on_receive(self, message: object) -> object:
        if isinstance(message, Gate):
            message.entered.set()
            assert message.opened.wait(WAIT)
        elif isinstance(message, BaseException):
            raise message
        self.log.append(message)
        return message

    def on_stop(self) -> None:
        self.log.append("stop")

    def on_failure(self, *exc_info: object) -> None:
        self.log.append("failure")


def test_hooks_messages_and_stop_come_in_pykkas_order(pool: WorkerPool) -> None:
    log: list[Any] = []
    ref = pool.spawn(Recorder, log)
    for number in range(200):
        ref.tell(number)
    assert ref.ask("asked", timeout=WAIT) == "asked"
    assert ref.stop(timeout=WAIT) is True
    assert ref.stop(timeout=WAIT) is False
    assert log == ["start", *range(200), "asked", "stop"]
    assert ref not in pool.directory


def test_a_handler_may_block_while_other_actors_work(pool: WorkerPool) -> None:
    gate = Gate()
    blocked = pool.spawn(Recorder, []).ask(gate, block=False)
    assert pool.spawn(Recorder, []).ask("quick", timeout=WAIT) == "quick"
    gate.opened.set()
    assert blocked.get(timeout=WAIT) is gate


def test_an_actor_runs_on_one_thread_at_a_time() -> None:
    pool = WorkerPool(4)

    class Exclusive(PooledActor):
        def __init__(self) -> None:
            self.inside = Lock()
            self.handled = 0

        def on_receive(self, message: object) -> int:
            assert self.inside.acquire(blocking=False)
            self.handled += message != "count"
            self.inside.release()
            return self.handled

    ref = pool.spawn(Exclusive)

    def tell_many() -> None:
        for number in range(2000):
            ref.tell(number)

    floods = [pool.run(tell_many) for _ in range(3)]
    for flood in floods:
        flood.get(timeout=WAIT)
    assert ref.ask("count", timeout=WAIT) == 6000
    pool.close()


def test_control_overtakes_and_kill_takes_effect_after_the_blocking_handler(pool: WorkerPool) -> None:
    log: list[Any] = []
    ref = pool.spawn(Recorder, log)
    gate = Gate()
    ref.tell(gate)
    assert gate.entered.wait(WAIT)
    behind = ref.ask("behind", block=False)
    killed = ref.ask(Kill(), block=False)
    gate.opened.set()
    assert killed.get(timeout=WAIT) is None
    assert log == ["start", gate, "stop"]
    with pytest.raises(pykka.ActorDeadError):
        behind.get(timeout=WAIT)


def test_suspend_and_unsuspend(pool: WorkerPool) -> None:
    log: list[Any] = []
    ref = pool.spawn(Recorder, log)
    ref.ask(Suspend(), timeout=WAIT)
    answer = ref.ask("data", block=False)
    assert ref.ask(Suspend(), timeout=WAIT) is None
    assert log == ["start"]
    ref.tell(Unsuspend())
    assert answer.get(timeout=WAIT) == "data"


def test_an_exception_under_ask_is_the_askers_and_under_tell_the_end(pool: WorkerPool) -> None:
    log: list[Any] = []
    ref = pool.spawn(Recorder, log)
    with pytest.raises(ValueError, match="asked"):
        ref.ask(ValueError("asked"), timeout=WAIT)
    ref.tell(ValueError("told"))
    assert ref.actor_stopped.wait(WAIT)
    assert log == ["start", "failure"]
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("x")


async def test_a_failing_actor_reports_to_its_parent_on_a_loop(pool: WorkerPool) -> None:
    failed: asyncio.Future[ChildFailed] = asyncio.get_running_loop().create_future()

    class Parent(LoopActor):
        def on_receive(self, message: ChildFailed) -> None:
            failed.set_result(message)

    dispatcher = LoopDispatcher()
    child = pool.spawn(Recorder, [], parent=dispatcher.spawn(Parent))
    error = SystemExit(1)
    with pytest.raises(pykka.ActorDeadError):
        await child.ask(error, block=False)
    report = await asyncio.wait_for(failed, WAIT)
    assert (report.ref, report.error) == (child, error)
    dispatcher.close()


def test_a_child_of_a_pooled_actor_is_on_the_same_pool(pool: WorkerPool) -> None:
    reports: list[object] = []
    reported = Event()

    class Parent(PooledActor):
        def on_receive(self, message: object) -> object:
            if message == "spawn":
                return self.spawn(Recorder, [])
            reports.append(message)
            reported.set()
            return None

    child = pool.spawn(Parent).ask("spawn", timeout=WAIT)
    assert child in pool.directory
    child.tell(KeyboardInterrupt())
    assert reported.wait(WAIT)
    assert isinstance(reports[0], ChildFailed)


def test_an_exception_in_on_start_or_the_constructor(pool: WorkerPool) -> None:
    class Stillborn(Recorder):
        def on_start(self) -> None:
            raise ValueError

    class Unborn(Recorder):
        def __init__(self) -> None:
            raise ValueError("unborn")

    ref = pool.spawn(Stillborn, [])
    with pytest.raises(pykka.ActorDeadError):
        ref.ask("x", timeout=WAIT)
    with pytest.raises(ValueError, match="unborn"):
        pool.spawn(Unborn)


def test_a_coroutine_can_not_be_a_handler_or_an_answer(pool: WorkerPool) -> None:
    async def coroutine(self: object, *args: object) -> None: ...

    for hook in ("on_start", "on_receive", "on_stop", "on_failure"):
        with pytest.raises(TypeError, match="must be a plain def"):
            type("Bad", (PooledActor,), {hook: coroutine})

    class Sly(PooledActor):
        def on_receive(self, message: object) -> object:
            return coroutine(self)

    with pytest.raises(TypeError, match="no thread awaits"):
        pool.spawn(Sly).ask("x", timeout=WAIT)
    told = pool.spawn(Sly)
    told.tell("x")
    assert told.actor_stopped.wait(WAIT)


def test_a_proxy_works_here_too(pool: WorkerPool) -> None:
    class Counter(PooledActor):
        count = 0

        def add(self, n: int) -> int:
            self.count += n
            return self.count

    proxy = pool.spawn(Counter).proxy()
    assert proxy.add(2).get(timeout=WAIT) == 2
    assert proxy.count.get(timeout=WAIT) == 2


async def test_asks_are_awaited_from_a_loop(pool: WorkerPool) -> None:
    dispatcher = LoopDispatcher()
    ref = pool.spawn(Recorder, [])
    futures = [ref.ask(n, block=False) for n in range(500)]
    assert [await future for future in futures] == list(range(500))
    dispatcher.close()


def test_start_uses_the_default_pool() -> None:
    ref = Recorder.start([])
    assert ref in WorkerPool.default().directory
    assert ref.stop(timeout=WAIT) is True


def test_finish_ends_the_actor_inside_its_handler(pool: WorkerPool) -> None:
    class OneShot(PooledActor):
        def on_receive(self, message: object) -> int:
            self.finish()
            return get_ident()

    ref = pool.spawn(OneShot)
    assert ref.ask("x", timeout=WAIT) != get_ident()
    assert not ref.is_alive()


def test_the_end_frees_the_actor_while_the_ref_is_kept(pool: WorkerPool) -> None:
    alive: list[weakref.ref[PooledActor]] = []

    class Watched(PooledActor):
        def __init__(self) -> None:
            alive.append(weakref.ref(self))

    ref = pool.spawn(Watched)
    ref.stop(timeout=WAIT)
    pool.close()
    gc.collect()
    assert alive[0]() is None
    assert not ref.is_alive()
