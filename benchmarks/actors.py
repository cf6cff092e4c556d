"""What actors cost: on a loop (asyncio and uvloop), as Pykka threads, and as bare tasks with asyncio queues.

    python benchmarks/actors.py [--json]

Every figure is the median of several runs in one process, side by side. The machine decides the absolute
figures; compare columns, not machines. Threads get fewer rounds where they would take minutes; rates are per
second and fan-out is scaled to 10,000 children, which flatters them: their spawning slows down with number.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

import pykka
import uvloop

from sessiond.actors.dispatch.dispatcher import LoopDispatcher
from sessiond.actors.dispatch.loop_actor import LoopActor

Loop = Callable[[], asyncio.AbstractEventLoop]
LOOPS: dict[str, Loop] = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
CHILDREN = 10_000


def on(loop_factory: Loop, main: Callable[[LoopDispatcher], Awaitable[float]]) -> float:
    async def run() -> float:
        dispatcher = LoopDispatcher()
        try:
            return await main(dispatcher)
        finally:
            await dispatcher.aclose()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(run())


# -- A1 tell: one producer, one consumer, until the last message is handled


class Sink(LoopActor):
    def __init__(self, left: int, done: Callable[[], object]) -> None:
        self.left = left
        self.done = done

    def on_receive(self, message: object) -> None:
        self.left -= 1
        if not self.left:
            self.done()


class ThreadSink(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, left: int, done: Callable[[], object]) -> None:
        super().__init__()
        self.left = left
        self.done = done

    def on_receive(self, message: object) -> None:
        self.left -= 1
        if not self.left:
            self.done()


def tell_on_loop(loop: Loop, count: int = 200_000) -> float:
    async def main(dispatcher: LoopDispatcher) -> float:
        done = asyncio.Event()
        sink = dispatcher.spawn(Sink, count, done.set)
        start = time.perf_counter()
        for number in range(count):
            sink.tell(number)
            if number % 1000 == 0:
                await asyncio.sleep(0)
        await done.wait()
        return count / (time.perf_counter() - start)

    return on(loop, main)


def tell_threads(count: int = 50_000) -> float:
    done = Event()
    sink = ThreadSink.start(count, done.set)
    start = time.perf_counter()
    for number in range(count):
        sink.tell(number)
    done.wait()
    elapsed = time.perf_counter() - start
    sink.stop()
    return count / elapsed


def tell_queue(count: int = 200_000) -> float:
    async def main() -> float:
        queue: asyncio.Queue[int] = asyncio.Queue()

        async def consume() -> None:
            for _ in range(count):
                await queue.get()

        consumer = asyncio.create_task(consume())
        start = time.perf_counter()
        for number in range(count):
            queue.put_nowait(number)
            if number % 1000 == 0:
                await asyncio.sleep(0)
        await consumer
        return count / (time.perf_counter() - start)

    return asyncio.run(main())


# -- A2 ping-pong: two actors, one message between them


class Player(LoopActor):
    def on_receive(self, message: tuple[pykka.ActorRef[Any], int, Callable[[], object]]) -> None:
        peer, left, done = message
        if left:
            peer.tell((self.actor_ref, left - 1, done))
        else:
            done()


class ThreadPlayer(pykka.ThreadingActor):
    use_daemon_thread = True

    def on_receive(self, message: tuple[pykka.ActorRef[Any], int, Callable[[], object]]) -> None:
        peer, left, done = message
        if left:
            peer.tell((self.actor_ref, left - 1, done))
        else:
            done()


def ping_pong_on_loop(loop: Loop, rounds: int = 50_000) -> float:
    async def main(dispatcher: LoopDispatcher) -> float:
        done = asyncio.Event()
        first, second = dispatcher.spawn(Player), dispatcher.spawn(Player)
        start = time.perf_counter()
        first.tell((second, rounds * 2 - 1, done.set))
        await done.wait()
        return rounds / (time.perf_counter() - start)

    return on(loop, main)


def ping_pong_threads(rounds: int = 5_000) -> float:
    done = Event()
    first, second = ThreadPlayer.start(), ThreadPlayer.start()
    start = time.perf_counter()
    first.tell((second, rounds * 2 - 1, done.set))
    done.wait()
    elapsed = time.perf_counter() - start
    first.stop()
    second.stop()
    return rounds / elapsed


def ping_pong_queue(rounds: int = 20_000) -> float:
    async def main() -> float:
        there: asyncio.Queue[int] = asyncio.Queue()
        back: asyncio.Queue[int] = asyncio.Queue()

        async def return_all() -> None:
            for _ in range(rounds):
                back.put_nowait(await there.get())

        returning = asyncio.create_task(return_all())
        start = time.perf_counter()
        for number in range(rounds):
            there.put_nowait(number)
            await back.get()
        await returning
        return rounds / (time.perf_counter() - start)

    return asyncio.run(main())


# -- A3 spawn, one message, stop: each to its end before the next


class Echo(LoopActor):
    def on_receive(self, message: object) -> object:
        return message


class ThreadEcho(pykka.ThreadingActor):
    use_daemon_thread = True

    def on_receive(self, message: object) -> object:
        return message


class OneTask(LoopActor):
    def __init__(self, done: Callable[[], object]) -> None:
        self.done = done

    async def on_start(self) -> None:  # type: ignore[override]
        self.finish()
        self.done()


def spawn_stop_on_loop(loop: Loop, count: int = 10_000) -> float:
    async def main(dispatcher: LoopDispatcher) -> float:
        start = time.perf_counter()
        for _ in range(count):
            await dispatcher.spawn(Echo).stop(block=False)
        return count / (time.perf_counter() - start)

    return on(loop, main)


def one_task_on_loop(loop: Loop, count: int = 10_000) -> float:
    async def main(dispatcher: LoopDispatcher) -> float:
        left = [count]
        done = asyncio.Event()

        def ended() -> None:
            left[0] -= 1
            if not left[0]:
                done.set()

        start = time.perf_counter()
        for _ in range(count):
            dispatcher.spawn(OneTask, ended)
        await done.wait()
        return count / (time.perf_counter() - start)

    return on(loop, main)


def spawn_stop_threads(count: int = 500) -> float:
    start = time.perf_counter()
    for _ in range(count):
        ThreadEcho.start().stop()
    return count / (time.perf_counter() - start)


def spawn_stop_queue(count: int = 10_000) -> float:
    async def main() -> float:
        async def live(queue: asyncio.Queue[None]) -> None:
            await queue.get()

        start = time.perf_counter()
        for _ in range(count):
            queue: asyncio.Queue[None] = asyncio.Queue()
            task = asyncio.create_task(live(queue))
            queue.put_nowait(None)
            await task
        return count / (time.perf_counter() - start)

    return asyncio.run(main())


# -- A4 resident memory of an idle actor


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def memory_on_loop(loop: Loop, count: int = 100_000) -> float:
    async def main(dispatcher: LoopDispatcher) -> float:
        before = resident()
        refs = [dispatcher.spawn(Echo) for _ in range(count)]
        for ref in refs:
            ref.tell(None)  # each has had a message
        await refs[-1].ask(None, block=False)
        return (resident() - before) / count

    return on(loop, main)


def memory_threads(count: int = 500) -> float:
    before = resident()
    refs = [ThreadEcho.start() for _ in range(count)]
    for ref in refs:
        ref.ask(None)
    each = (resident() - before) / count
    for ref in refs:
        ref.stop()
    return each


def memory_queue(count: int = 20_000) -> float:
    async def main() -> float:
        async def live(queue: asyncio.Queue[None]) -> None:
            await queue.get()

        before = resident()
        queues: list[asyncio.Queue[None]] = [asyncio.Queue() for _ in range(count)]
        tasks = [asyncio.create_task(live(queue)) for queue in queues]
        await asyncio.sleep(0)
        each = (resident() - before) / count
        for queue in queues:
            queue.put_nowait(None)
        await asyncio.gather(*tasks)
        return each

    return asyncio.run(main())


# -- A5 a parent spawns its children, asks each, and has all their answers


class Collector(LoopActor):
    def __init__(self, children: int, done: Callable[[], object]) -> None:
        self.left = children
        self.done = done

    def on_receive(self, message: object) -> None:
        if message == "go":
            for number in range(self.left):
                self.spawn(Replier).tell((self.actor_ref, number))
            return
        self.left -= 1
        if not self.left:
            self.done()


class Replier(LoopActor):
    def on_receive(self, message: tuple[pykka.ActorRef[Any], int]) -> None:
        parent, number = message
        parent.tell(number)
        self.finish()


class ThreadReplier(pykka.ThreadingActor):
    use_daemon_thread = True

    def on_receive(self, message: tuple[pykka.ActorRef[Any], int]) -> None:
        parent, number = message
        parent.tell(number)
        self.stop()


def fan_out_on_loop(loop: Loop) -> float:
    async def main(dispatcher: LoopDispatcher) -> float:
        done = asyncio.Event()
        start = time.perf_counter()
        dispatcher.spawn(Collector, CHILDREN, done.set).tell("go")
        await done.wait()
        return time.perf_counter() - start

    return on(loop, main)


def fan_out_threads(children: int = 500) -> float:
    done = Event()
    start = time.perf_counter()
    parent = ThreadSink.start(children, done.set)
    for number in range(children):
        ThreadReplier.start().tell((parent, number))
    done.wait()
    elapsed = time.perf_counter() - start
    pykka.ActorRegistry.stop_all()
    return elapsed * CHILDREN / children


def fan_out_queue() -> float:
    async def main() -> float:
        answers: asyncio.Queue[int] = asyncio.Queue()

        async def reply(inbox: asyncio.Queue[int]) -> None:
            answers.put_nowait(await inbox.get())

        start = time.perf_counter()
        tasks = set()
        for number in range(CHILDREN):
            inbox: asyncio.Queue[int] = asyncio.Queue()
            tasks.add(asyncio.create_task(reply(inbox)))
            inbox.put_nowait(number)
        for _ in range(CHILDREN):
            await answers.get()
        return time.perf_counter() - start

    return asyncio.run(main())


# -- A6 a foreign thread asks while four actors on the loop are always busy: milliseconds, p99


class Busy(LoopActor):
    def on_receive(self, message: object) -> None:
        self.actor_ref.tell(message)


def wait_beside_busy_loop(loop: Loop, count: int = 200) -> float:
    """Time a wait of one millisecond of a thread that has nothing to do with the actors."""
    dispatcher = LoopDispatcher.in_thread(loop)
    for _ in range(4):
        dispatcher.spawn(Busy).tell("again")
    never = Event()
    latencies = []
    for _ in range(count):
        start = time.perf_counter()
        never.wait(0.001)
        latencies.append(time.perf_counter() - start)
    dispatcher.close()
    return quantile_ms(latencies, 0.99)


def quantile_ms(seconds: list[float], at: float) -> float:
    return sorted(seconds)[int(len(seconds) * at)] * 1e3


def outside_ask_on_loop(loop: Loop, at: float, count: int = 500) -> float:
    dispatcher = LoopDispatcher.in_thread(loop)
    for _ in range(4):
        dispatcher.spawn(Busy).tell("again")
    echo = dispatcher.spawn(Echo)
    latencies = []
    for number in range(count):
        start = time.perf_counter()
        echo.ask(number)
        latencies.append(time.perf_counter() - start)
    dispatcher.close()
    return quantile_ms(latencies, at)


def outside_ask_tasks(at: float, count: int = 50) -> float:
    """Ask four always-busy tasks' loop through ``run_coroutine_threadsafe``."""
    ready = Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def busy() -> None:
        while True:
            for _ in range(64):
                pass
            await asyncio.sleep(0)

    async def main(done: asyncio.Event) -> None:
        loops.append(asyncio.get_running_loop())
        tasks = [asyncio.create_task(busy()) for _ in range(4)]
        ready.set()
        await done.wait()
        for task in tasks:
            task.cancel()

    async def echo(value: int) -> int:
        return value

    done = asyncio.Event()
    thread = Thread(target=lambda: asyncio.run(main(done)))
    thread.start()
    ready.wait()
    latencies = []
    for number in range(count):
        start = time.perf_counter()
        asyncio.run_coroutine_threadsafe(echo(number), loops[0]).result()
        latencies.append(time.perf_counter() - start)
    loops[0].call_soon_threadsafe(done.set)
    thread.join()
    return quantile_ms(latencies, at)


Case = tuple[str, str, float, Callable[[Loop], float], Callable[[], float] | None, Callable[[], float] | None]

CASES: list[Case] = [
    ("A4 idle actor", "bytes", 700, memory_on_loop, memory_threads, memory_queue),
    ("A1 tell", "1/s", 500_000, tell_on_loop, tell_threads, tell_queue),
    ("A2 ping-pong", "1/s", 200_000, ping_pong_on_loop, ping_pong_threads, ping_pong_queue),
    ("A3 spawn + stop", "1/s", 40_000, spawn_stop_on_loop, spawn_stop_threads, spawn_stop_queue),
    ("A3 life of one task", "1/s", 40_000, one_task_on_loop, None, spawn_stop_queue),
    ("A5 fan-out to 10k", "s", 0.3, fan_out_on_loop, fan_out_threads, fan_out_queue),
    (
        "A6 outside ask p50",
        "ms",
        10,
        lambda loop: outside_ask_on_loop(loop, 0.5),
        None,
        lambda: outside_ask_tasks(0.5),
    ),
    (
        "A6 outside ask p99",
        "ms",
        10,
        lambda loop: outside_ask_on_loop(loop, 0.99),
        None,
        lambda: outside_ask_tasks(0.99),
    ),
    ("A6 wait of 1 ms p99", "ms", 10, wait_beside_busy_loop, None, None),
]


def measure(repeats: int) -> list[dict[str, Any]]:
    rows = []
    for name, unit, target, on_loop, threads, queue in CASES:
        runs = 1 if unit == "bytes" else repeats
        columns: dict[str, list[float]] = {}
        for _ in range(runs):  # columns alternate, so that a noisy minute hits all of them
            for loop_name, factory in LOOPS.items():
                columns.setdefault(loop_name, []).append(on_loop(factory))
            if threads is not None:
                columns.setdefault("pykka threads", []).append(threads())
            if queue is not None:
                columns.setdefault("tasks, queues", []).append(queue())
        rows.append(
            {"case": name, "unit": unit, "target": target}
            | {column: median(values) for column, values in columns.items()}
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each figure, of which the median counts")
    options = parser.parse_args()
    logging.getLogger("pykka").setLevel(logging.CRITICAL)
    rows = measure(options.repeats)
    if options.json:
        json.dump(rows, sys.stdout, indent=2)
        print()
        return
    columns = [*LOOPS, "pykka threads", "tasks, queues"]
    print(f"{'':22}{'target':>12}" + "".join(f"{column:>16}" for column in columns))
    for row in rows:
        digits = 0 if row["target"] > 100 else 2
        cells = (f"{row[column]:,.{digits}f}" if column in row else "-" for column in columns)
        figures = "".join(f"{cell:>16}" for cell in cells)
        print(f"{row['case']:22}{row['target']:>12,}{figures}  {row['unit']}")


if __name__ == "__main__":
    main()
