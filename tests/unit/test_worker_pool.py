import asyncio
from threading import Event, current_thread, get_ident

import pykka
import pytest

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.future import LoopFuture
from sessiond.actors.dispatch.pooled_actor import PooledActor
from sessiond.actors.dispatch.waiting import BlockingOnLoop
from sessiond.actors.dispatch.worker_pool import WorkerPool

WAIT = 5.0


class Echo(PooledActor):
    def on_receive(self, message: object) -> object:
        return message() if callable(message) else message


def test_a_call_runs_on_a_thread_of_the_pool() -> None:
    pool = WorkerPool(1, name="blocking")
    assert pool.run(lambda: current_thread().name).get(timeout=WAIT) == "blocking-0"
    assert pool.run(divmod, 7, 2).get(timeout=WAIT) == (3, 1)
    pool.close()


def test_what_a_call_raises_is_raised_in_the_caller_and_the_thread_lives() -> None:
    pool = WorkerPool(1)
    with pytest.raises(ZeroDivisionError):
        pool.run(divmod, 1, 0).get(timeout=WAIT)

    def exit_the_thread() -> None:
        raise SystemExit(1)

    with pytest.raises(RuntimeError, match="ended by SystemExit") as caught:
        pool.run(exit_the_thread).get(timeout=WAIT)
    assert isinstance(caught.value.__cause__, SystemExit)
    assert pool.run(int).get(timeout=WAIT) == 0
    pool.close()


def test_a_pool_needs_a_thread() -> None:
    with pytest.raises(ValueError, match="needs a thread"):
        WorkerPool(0)


class CountingLoop(asyncio.SelectorEventLoop):
    wake_ups = 0

    def call_soon_threadsafe(self, *args: object, **kwargs: object) -> asyncio.Handle:
        self.wake_ups += 1
        return super().call_soon_threadsafe(*args, **kwargs)  # type: ignore[arg-type]


def test_many_results_cost_the_loop_one_wake_up() -> None:
    pool = WorkerPool(2)
    loop = CountingLoop()
    gate, all_done = Event(), Event()
    left = list(range(99))

    def count(_future: object) -> None:
        if not left:
            all_done.set()
        else:
            left.pop()

    async def value(n: int) -> int:
        future = pool.run(lambda: n if gate.wait(WAIT) else -1)
        answer = asyncio.ensure_future(wait_for(future))
        await asyncio.sleep(0)
        future.add_done_callback(count)
        return await answer

    async def wait_for(future: LoopFuture[int]) -> int:
        return await future

    async def main() -> list[int]:
        dispatcher = LoopDispatcher()
        results = [asyncio.ensure_future(value(n)) for n in range(100)]
        for _ in range(3):
            await asyncio.sleep(0)
        gate.set()
        assert all_done.wait(WAIT)  # holds the loop, as a busy one would be
        answers = await asyncio.gather(*results)
        dispatcher.close()
        return answers

    answers = loop.run_until_complete(main())
    loop.close()
    pool.close()
    assert answers == list(range(100))
    assert loop.wake_ups == 1


def test_stop_all_waits_for_every_actor() -> None:
    pool = WorkerPool(2)
    refs = [pool.spawn(Echo) for _ in range(10)]
    assert list(pool.stop_all().get(timeout=WAIT)) == [True] * 10
    assert not any(ref.is_alive() for ref in refs)
    assert list(pool.stop_all().get(timeout=WAIT)) == []
    pool.close()


def test_close_answers_everything_that_waits() -> None:
    pool = WorkerPool(1)
    entered, gate = Event(), Event()

    def block() -> bool:
        entered.set()
        return gate.wait(WAIT)

    ref = pool.spawn(Echo)
    running = ref.ask(block, block=False)
    assert entered.wait(WAIT)
    behind = ref.ask("behind", block=False)
    call = pool.run(get_ident)
    pool.close(timeout=0)
    gate.set()
    assert running.get(timeout=WAIT) is True
    with pytest.raises(pykka.ActorDeadError):
        behind.get(timeout=WAIT)
    assert isinstance(call.get(timeout=WAIT), int)
    pool.close()
    assert not ref.is_alive()


def test_an_actor_that_ends_while_the_pool_closes_does_not_stop_the_closing() -> None:
    pool = WorkerPool(1)
    ref = pool.spawn(Echo)
    ref.stop(timeout=WAIT)
    pool.directory[ref] = None  # as the closing thread listed it just before
    pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        pool.run(int)


def test_a_closed_pool_refuses_work() -> None:
    pool = WorkerPool(1)
    pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        pool.run(int)
    with pytest.raises(RuntimeError, match="closed"):
        pool.spawn(Echo)


def test_work_that_slips_in_while_the_pool_closes_is_abandoned() -> None:
    pool = WorkerPool(1)
    pool.close()
    pool.closed = False  # as a thread saw it just before
    with pytest.raises(RuntimeError, match="closed"):
        pool.run(int).get(timeout=WAIT)
    assert not pool.spawn(Echo).is_alive()


def test_closing_twice_and_from_an_actor_of_the_pool_is_harmless() -> None:
    pool = WorkerPool(2)

    class Closer(PooledActor):
        def on_receive(self, message: object) -> str:
            self.pool.close()
            return "closed"

    assert pool.spawn(Closer).ask("x", timeout=WAIT) == "closed"
    pool.close()


async def test_closing_on_a_loop_does_not_wait() -> None:
    pool = WorkerPool(1)
    with pytest.raises(BlockingOnLoop):
        pool.close()
    pool.close(timeout=None)
    with pytest.raises(RuntimeError, match="closed"):
        pool.run(int)
