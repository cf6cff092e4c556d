import asyncio
import queue
from collections.abc import Callable
from operator import add
from threading import Event, Thread
from typing import Any

import pykka
import pytest

from sessiond.actors.dispatch.future import Deferred, LoopFuture, gather


def done(value: object) -> LoopFuture[object]:
    future: LoopFuture[object] = LoopFuture()
    future.set(value)
    return future


def test_a_set_value_can_be_got_many_times() -> None:
    future = done("answer")
    assert (future.get(), future.get(timeout=0)) == ("answer", "answer")
    assert future.done()


def test_the_first_outcome_of_a_set_wins_and_the_second_setter_learns_it() -> None:
    future = done(1)
    with pytest.raises(queue.Full):
        future.set(2)
    with pytest.raises(queue.Full):
        future.set_exception(ValueError("late"))
    with pytest.raises(queue.Full):
        future.set_get_hook(lambda timeout: 3)
    assert future.get() == 1


def test_resolve_and_reject_after_the_outcome_change_nothing() -> None:
    future = done(1)
    future.resolve(2)
    future.reject(ValueError())
    assert future.get() == 1


def test_an_exception_can_be_given_as_an_instance() -> None:
    future: LoopFuture[None] = LoopFuture()
    future.set_exception(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        future.get()


def test_an_exception_can_be_taken_from_the_one_being_handled() -> None:
    future: LoopFuture[None] = LoopFuture()
    try:
        raise KeyError("here")
    except KeyError:
        future.set_exception()
    with pytest.raises(KeyError, match="here"):
        future.get()


def test_an_exc_info_with_a_type_only_is_instantiated() -> None:
    future: LoopFuture[None] = LoopFuture()
    future.set_exception((ValueError, None, None))
    with pytest.raises(ValueError):  # noqa: PT011  # the bare instance has no text
        future.get()


def test_raising_it_again_and_again_does_not_grow_the_traceback() -> None:
    future: LoopFuture[None] = LoopFuture()
    future.set_exception(ValueError())

    def depth() -> int:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            future.get()
        return len(caught.traceback)

    assert depth() == depth()


def test_get_times_out() -> None:
    with pytest.raises(pykka.Timeout):
        LoopFuture().get(timeout=0.001)


def test_a_thread_waits_until_another_sets_the_value() -> None:
    future: LoopFuture[int] = LoopFuture()
    waiting = Event()

    def set_when_asked() -> None:
        waiting.wait(5)
        future.set(7)

    thread = Thread(target=set_when_asked)
    thread.start()
    waiting.set()
    assert future.get(timeout=5) == 7
    thread.join()


def test_callbacks_run_once_in_the_order_they_were_added() -> None:
    future: LoopFuture[int] = LoopFuture()
    seen: list[tuple[str, int]] = []
    future.add_done_callback(lambda f: seen.append(("first", f.get())))
    future.add_done_callback(lambda f: seen.append(("second", f.get())))
    future.set(1)
    future.add_done_callback(lambda f: seen.append(("late", f.get())))
    assert seen == [("first", 1), ("second", 1), ("late", 1)]


def test_a_removed_callback_does_not_run() -> None:
    future: LoopFuture[int] = LoopFuture()
    seen: list[object] = []
    future.add_done_callback(seen.append)
    future.remove_done_callback(seen.append)
    future.set(1)
    assert seen == []


def test_a_callback_that_raises_is_logged_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    future: LoopFuture[int] = LoopFuture()
    seen: list[object] = []
    future.add_done_callback(lambda f: 1 / 0)
    future.add_done_callback(seen.append)
    future.set(1)
    assert seen == [future]
    assert "ZeroDivisionError" in caplog.text


def test_many_threads_that_add_callbacks_while_it_is_set_lose_none() -> None:
    for _ in range(200):
        future: LoopFuture[int] = LoopFuture()
        seen: list[object] = []
        go = Event()

        def add(future: LoopFuture[int] = future, seen: list[object] = seen, go: Event = go) -> None:
            go.wait(5)
            for _ in range(5):
                future.add_done_callback(seen.append)

        threads = [Thread(target=add) for _ in range(3)]
        for thread in threads:
            thread.start()
        go.set()
        future.set(1)
        for thread in threads:
            thread.join()
        assert len(seen) == 15


async def test_awaiting_does_not_block_the_loop() -> None:
    future: LoopFuture[str] = LoopFuture()
    awaiting = asyncio.ensure_future(_await(future))
    await asyncio.sleep(0)
    assert not awaiting.done()
    future.set("now")
    assert await awaiting == "now"


async def _await(future: LoopFuture[Any]) -> Any:
    return await future


async def test_many_tasks_can_await_one_future_and_one_of_them_be_cancelled() -> None:
    future: LoopFuture[str] = LoopFuture()
    tasks = [asyncio.ensure_future(_await(future)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    assert tasks[1].cancelled()
    future.set("x")
    assert [await tasks[0], await tasks[2]] == ["x", "x"]


async def test_a_cancelled_await_leaves_nothing_behind_in_the_future() -> None:
    future: LoopFuture[str] = LoopFuture()
    task = asyncio.ensure_future(_await(future))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert not future._callbacks


async def test_awaiting_a_value_that_another_thread_sets() -> None:
    future: LoopFuture[int] = LoopFuture()
    thread = Thread(target=future.set, args=(3,))
    asyncio.get_running_loop().call_soon(thread.start)
    assert await future == 3
    thread.join()


async def test_awaiting_an_exception_raises_it() -> None:
    future: LoopFuture[int] = LoopFuture()
    future.set_exception(LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        await future


def test_derived_futures_compute_what_pykkas_do() -> None:
    numbers: LoopFuture[list[int]] = LoopFuture()
    derived = (
        numbers.map(len),
        numbers.filter(lambda n: n > 1),
        numbers.reduce(add),
        numbers.reduce(add, 10),
        numbers.join(done("x"), done("y")),
    )
    numbers.set([1, 2, 3])
    values: list[object] = [f.get() for f in derived]
    assert values == [3, [2, 3], 6, 16, [[1, 2, 3], "x", "y"]]


def test_a_derived_future_runs_its_function_once() -> None:
    calls: list[int] = []

    def note(n: Any) -> Any:
        calls.append(n)
        return n

    mapped = done(2).map(note)
    assert (mapped.get(), mapped.get(), calls) == (2, 2, [2])


async def test_every_derived_future_can_be_awaited_before_its_parent_is_done() -> None:
    numbers: LoopFuture[list[int]] = LoopFuture()
    other: LoopFuture[str] = LoopFuture()

    async def all_of_them() -> list[object]:
        return list(
            await asyncio.gather(
                _await(numbers.map(len).map(str)),
                _await(numbers.filter(lambda n: n > 1)),
                _await(numbers.reduce(add)),
                _await(numbers.join(other).map(lambda pair: list(pair)[1])),
            )
        )

    task = asyncio.ensure_future(all_of_them())
    await asyncio.sleep(0)
    numbers.set([1, 2, 3])
    await asyncio.sleep(0)
    assert not task.done()
    other.set("o")
    assert await task == ["3", [2, 3], 6, "o"]


def test_gathering_nothing_is_done_and_gathering_more_keeps_the_order() -> None:
    nothing: list[LoopFuture[int]] = []
    assert gather(nothing).get() == []
    first: LoopFuture[int] = LoopFuture()
    second: LoopFuture[int] = LoopFuture()
    second.set(2)
    both = gather([first, second])
    assert not both.done()
    first.set(1)
    assert both.get() == [1, 2]


async def test_a_failed_parent_fails_what_derives_from_it() -> None:
    number: LoopFuture[int] = LoopFuture()
    mapped = number.map(lambda n: n + 1)
    number.set_exception(ValueError("parent"))
    with pytest.raises(ValueError, match="parent"):
        await mapped


async def test_a_join_with_a_future_of_a_thread_is_awaited_without_blocking_the_loop() -> None:
    foreign: pykka.ThreadingFuture[str] = pykka.ThreadingFuture()
    mine: LoopFuture[str] = LoopFuture()
    task = asyncio.ensure_future(_await(mine.join(foreign)))
    await asyncio.sleep(0)
    mine.set("m")
    asyncio.get_running_loop().call_soon(foreign.set, "f")
    assert await task == ["m", "f"]


async def test_a_get_hook_of_the_users_is_called_off_the_loop() -> None:
    future: LoopFuture[str] = LoopFuture()
    release = Event()
    future.set_get_hook(lambda timeout: "hooked" if release.wait(5) else "late")
    asyncio.get_running_loop().call_soon(release.set)
    assert await future == "hooked"


def test_done_callbacks_of_a_derived_future_run_when_all_parents_are_done() -> None:
    first: LoopFuture[int] = LoopFuture()
    second: LoopFuture[int] = LoopFuture()
    seen: list[object] = []
    both = first.join(second)
    both.add_done_callback(lambda f: seen.append(f.get()))
    first.set(1)
    assert not both.done()
    assert seen == []
    second.set(2)
    assert both.done()
    assert seen == [[1, 2]]


def test_a_hook_that_nobody_resolves_takes_no_callbacks() -> None:
    future: LoopFuture[int] = LoopFuture()
    future.set_get_hook(lambda timeout: 1)
    with pytest.raises(TypeError, match="on demand"):
        future.add_done_callback(print)


def test_a_waiting_thread_computes_a_hook_that_is_set_meanwhile() -> None:
    future: LoopFuture[str] = LoopFuture()
    answers: list[str] = []
    thread = Thread(target=lambda: answers.append(future.get(timeout=5)))
    thread.start()
    while not future._callbacks:  # until it waits
        pass
    future.set_get_hook(lambda timeout: "computed")
    thread.join()
    assert answers == ["computed"]


def test_the_name_of_a_future_tells_its_outcome() -> None:
    failed: LoopFuture[int] = LoopFuture()
    failed.set_exception(ValueError())
    assert [repr(f) for f in (LoopFuture(), done(1), failed)] == [
        "<LoopFuture pending>",
        "<LoopFuture done>",
        "<LoopFuture failed>",
    ]


@pytest.mark.parametrize("linked_first", [True, False])
def test_a_deferred_answers_whether_it_is_linked_or_set_first(linked_first: bool) -> None:
    deferred: Deferred[str] = Deferred()
    reply: LoopFuture[str] = LoopFuture()
    steps: list[Callable[[], None]] = [lambda: deferred.answer_to(reply), lambda: deferred.set("later")]
    for step in steps if linked_first else reversed(steps):
        step()
    assert reply.get() == "later"


@pytest.mark.parametrize("linked_first", [True, False])
def test_a_deferred_can_answer_with_an_exception(linked_first: bool) -> None:
    deferred: Deferred[str] = Deferred()
    reply: LoopFuture[str] = LoopFuture()
    steps: list[Callable[[], None]] = [
        lambda: deferred.answer_to(reply),
        lambda: deferred.set_exception(KeyError("no")),
    ]
    for step in steps if linked_first else reversed(steps):
        step()
    with pytest.raises(KeyError, match="no"):
        reply.get()


def test_a_deferred_is_set_once_even_without_an_asker() -> None:
    deferred: Deferred[int] = Deferred()
    deferred.set(1)
    with pytest.raises(queue.Full):
        deferred.set(2)
    with pytest.raises(queue.Full):
        deferred.set_exception(ValueError())
