import asyncio
from threading import Thread

import pytest

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.future import LoopFuture
from sessiond.actors.dispatch.waiting import BlockingOnLoop, LoopWaiter, ThreadWaiter, loop_threads, refuse_to_block


def test_a_thread_without_a_loop_may_block() -> None:
    refuse_to_block()


async def test_a_thread_that_runs_a_loop_may_not() -> None:
    with pytest.raises(BlockingOnLoop, match="use await"):
        refuse_to_block()


async def test_a_blocking_get_on_the_loop_raises_at_once_but_a_done_one_answers() -> None:
    pending: LoopFuture[int] = LoopFuture()
    with pytest.raises(BlockingOnLoop):
        pending.get()
    with pytest.raises(BlockingOnLoop):
        pending.map(str).get(timeout=1)
    pending.set(1)
    assert pending.get() == 1
    assert pending.map(str).get() == "1"


def test_a_dispatchers_thread_may_not_block_while_its_loop_stands_still() -> None:
    loop = asyncio.new_event_loop()

    async def bind() -> LoopDispatcher:
        return LoopDispatcher()

    dispatcher = loop.run_until_complete(bind())
    with pytest.raises(BlockingOnLoop):
        LoopFuture().get(timeout=1)
    dispatcher.close()
    loop.close()
    refuse_to_block()


def test_the_thread_of_a_closed_dispatcher_is_forgotten() -> None:
    dispatcher = LoopDispatcher.in_thread()
    thread = dispatcher.thread_id
    assert thread is not None
    assert loop_threads[thread] is dispatcher
    dispatcher.close()
    assert loop_threads.get(thread) is not dispatcher


def test_a_call_for_a_waiter_whose_loop_is_closed_harms_nobody() -> None:
    loop = asyncio.new_event_loop()
    waiter = LoopWaiter(loop)
    loop.close()
    thread = Thread(target=waiter, args=(None,))
    thread.start()
    thread.join()
    assert not waiter.waiter.done()


def test_a_call_on_another_thread_reaches_a_loop_without_a_dispatcher() -> None:
    loop = asyncio.new_event_loop()
    waiter = LoopWaiter(loop)
    thread = Thread(target=waiter, args=(None,))
    thread.start()
    thread.join()
    loop.run_until_complete(asyncio.wait_for(waiter.waiter, 5))
    loop.close()


def test_a_thread_waits_to_be_called_and_gives_up_in_time() -> None:
    assert not ThreadWaiter().wait(0.001)
    waiter = ThreadWaiter()
    waiter(None)
    assert waiter.wait(None)
