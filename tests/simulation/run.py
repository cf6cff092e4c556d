"""One seed from beginning to end: trouble first, then calm, in which everything must come to its end."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final
from unittest.mock import patch

from sessiond.actors.core import decision
from sessiond.actors.core.errors import NotWaiting
from sessiond.actors.core.extent import NO_LIMIT
from sessiond.actors.runtime import Runtime

from .clients import Caller, Watcher
from .ending import check_end
from .journal import Broken
from .process import Process
from .world import Listener, World

STEPS: Final = 250_000
"""Callbacks after which something turns in circles; a hundred thousand have been seen in a long story."""
ANSWER_S: Final = 30.0
"""Seconds after which nothing is under way any more on a runtime that was closed."""
ACTIONS: Final = (
    ("pause",) * 4 + ("resume",) * 4 + ("detail",) * 3 + ("signal",) * 4 + ("review",) * 4
    + ("start", "stop", "cancel", "retry", "retry", "skip", "fill")
)  # fmt: skip


class Outcome:
    """What became of a seed.

    Attributes:
        error: the promise that was broken, None if all were kept.
        digest: of the whole trace.
        events: how many were stored.
    """

    def __init__(self, world: World, error: BaseException | None) -> None:
        self.seed = world.seed
        self.error = error
        self.digest = world.digest
        self.tail = world.tail
        self.kinds = sorted(world.faults.kinds)
        self.events = sum(journal.seq for journal in world.shared.journals.values())
        self.steps = world.scheduler.steps
        self.seconds = world.scheduler.now

    def report(self) -> str:
        """What a person needs to find the cause."""
        tail = "\n  ".join(self.tail)
        return (
            f"seed {self.seed} ({', '.join(self.kinds) or 'no faults'}): {self.error}\n  {tail}\n"
            f"replay: python -m tests.simulation {self.seed}"
        )


class Scenario:
    """What happens to one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.caller = Caller(world)
        self.watchers: list[Watcher] = []

    def play(self) -> None:
        """Run it all.

        Raises:
            Broken: a promise was broken.
        """
        self._schedule()
        self._run()
        self._calm()
        self._finish()
        check_end(self.world, self.watchers)
        self._close()

    # ---- trouble

    def _schedule(self) -> None:
        world, random = self.world, self.world.random
        later = world.scheduler.later
        world.start()
        span = random.choice([0.5, 5.0, 40.0])
        for number in range(random.randint(1, 3)):
            session_id = f"s{number}"
            world.define(session_id)
            at = 0.3 + random.random() * span / 4
            for _ in range(random.choice([1, 1, 1, 2])):
                later(at, partial(self._on_some, partial(self.caller.create, session_id)))
                at += random.random() * span / 8
            for _ in range(random.choice([10, 40] if "poison" in world.faults.kinds else [0, 2, 5, 10])):
                action = random.choice(ACTIONS)
                when = 0.3 + random.random() * span
                for _ in range(random.choice([1, 1, 1, 2])):
                    later(when, partial(self._on_some, partial(self.caller.send, session_id, action)))
            for _ in range(random.choice([0, 1, 2])):
                self._schedule_watcher(session_id, span)
        kinds = world.faults.kinds
        for kind, act in (("crash", self._crash), ("split", self._split), ("restart", self._restart)):
            if kind in kinds:
                for _ in range(random.randint(1, 2)):
                    later(0.2 + random.random() * span, act)
        for at in range(40):
            later(span * at / 20, self._start_if_none)

    def _schedule_watcher(self, session_id: str, span: float) -> None:
        world, random = self.world, self.world.random
        watcher = Watcher(world, session_id)
        self.watchers.append(watcher)
        for _ in range(random.randint(1, 4)):
            world.scheduler.later(0.3 + random.random() * span, partial(self._on_some, watcher.connect))
            if random.random() < 0.5:
                world.scheduler.later(0.3 + random.random() * span, watcher.disconnect)

    def _open(self) -> list[Process]:
        return [process for process in self.world.processes if process.alive and process.runtime is not None]

    def _on_some(self, act: Callable[[Process], None]) -> None:
        """Do something on a process that is open: most often the newest, which owns the store."""
        found = self._open()
        if found:
            process = found[-1] if self.world.random.random() < 0.8 else self.world.random.choice(found)
            act(process)

    def _crash(self) -> None:
        if self._open() and not self.world.faults.healed:
            self.world.random.choice(self._open()).crash("of itself")

    def _split(self) -> None:
        if self.world.processes and not self.world.faults.healed:
            self.world.start()

    def _restart(self) -> None:
        """Close a process in order; another one is started sooner or later."""
        found = self._open()
        if found and not self.world.faults.healed:
            self._shut(self.world.random.choice(found))

    def _shut(self, process: Process) -> None:
        runtime, process.runtime = process.runtime, None
        assert runtime is not None
        process.spawn(self._close_one, process, runtime)

    async def _close_one(self, process: Process, runtime: Runtime) -> None:
        await runtime.close()
        self.world.note("closed", process.number)
        await asyncio.sleep(ANSWER_S)
        if process.calls:
            self.world.broken(f"{process.calls} calls of process {process.number} are never answered")
        process.orderly = True
        process.crash("closed")

    def _start_if_none(self) -> None:
        if not self.world.processes:
            self.world.start()

    # ---- calm

    def _run(self) -> None:
        world = self.world
        world.last_noted = world.scheduler.now
        if not world.scheduler.run(STEPS, lambda: world.error is not None or world.at_rest):
            raise Broken("turns in circles")
        if world.error is not None:
            raise world.error

    def _calm(self) -> None:
        """No more faults; who doesn't own the store goes away, and somebody is there who does."""
        world = self.world
        world.faults.heal()
        shards = range(world.shared.memory.shards)
        for process in list(world.processes):
            owner = process.runtime is not None and all(world.shared.owners.get(n) == process.number for n in shards)
            if not owner:
                process.crash("isn't the owner")
        if world.processes and world.random.random() < 0.2:
            world.processes[0].crash("once more")
        if not world.processes:
            world.start()
        self._run()
        (self.process,) = self._open()
        if world.log_limit is not NO_LIMIT:  # somebody comes after it all
            self.watchers += [Watcher(world, session_id) for session_id in world.shared.journals]
        for watcher in self.watchers:
            if watcher.connected is not self.process:
                watcher.connect(self.process)
        self._run()

    def _finish(self) -> None:
        """Bring every session to its end, as people would who have the time."""
        world = self.world
        for _ in range(60):
            self._check_alive()
            left = [journal for journal in world.shared.journals.values() if not journal.ended]
            if not left:
                return
            before = sum(journal.seq for journal in left)
            for journal in left:
                self._help(journal.session_id)
            self._run()
            if sum(journal.seq for journal in left) == before:
                break
        stuck = {j.session_id: (j.status, {n: m.status for n, m in j.nodes.items()}) for j in left}
        raise Broken(f"sessions don't end: {stuck}")

    def _check_alive(self) -> None:
        """With nothing left to happen, whoever isn't paused waits for a person."""
        for journal in self.world.shared.journals.values():
            waits = [n for n, node in journal.nodes.items() if node.status == "suspended" and not node.timed]
            if journal.status == "running" and not waits and not self._has_children(journal.session_id):
                nodes = {n: node.status for n, node in journal.nodes.items()}
                raise Broken(f"session {journal.session_id} runs, but nothing happens any more: {nodes}")

    def _has_children(self, session_id: str) -> bool:
        """Whether a child session hasn't ended: its parent waits for it."""
        journals = self.world.shared.journals.values()
        return any(j.session_id.startswith(f"{session_id}~") and not j.ended for j in journals)

    def _help(self, session_id: str) -> None:
        journal = self.world.shared.journals[session_id]
        if journal.status == "pending":
            self.caller.send(session_id, "start", self.process, fresh=True)
        elif journal.status == "paused":
            self.caller.send(session_id, "resume", self.process, fresh=True)
        else:
            for node_id, node in journal.nodes.items():
                if node.wait is not None:
                    self.process.spawn(self._fill, session_id, node_id)

    async def _fill(self, session_id: str, node_id: str) -> None:
        assert self.process.runtime is not None
        spec = self.world.definitions[session_id]["nodes"][node_id]
        output = {"to": spec["next_ids"][0]} if spec["type"] == "switch" else 1
        with suppress(NotWaiting):  # another answer was given first
            await self.process.runtime.session(session_id).resume_node(node_id, output)

    # ---- the end

    def _close(self) -> None:
        """Nothing may be left of a runtime that was closed."""
        world, process = self.world, self.process
        runtime = process.runtime
        assert runtime is not None
        for watcher in self.watchers:
            watcher.disconnect()
        task: list[asyncio.Task[None]] = []
        process.loop.call_soon(lambda: task.append(process.loop.create_task(runtime.close())))
        self._run()
        if not task or not task[0].done():
            raise Broken("the runtime doesn't close")
        task[0].result()
        process.orderly = True
        left = [str(ref) for ref in runtime.dispatcher.directory]
        if left or process.loop.unfinished or process.loop.ready or process.loop.waiting_timers:
            raise Broken(f"left after the end: {left} {process.loop.unfinished} {process.loop.waiting_timers}")
        if any(runtime.hub.watched(session_id) for session_id in world.definitions):
            raise Broken("a subscription is left after the end")


def simulate(seed: int) -> Outcome:
    """Run one seed."""
    world = World(seed)
    listener = Listener(world)
    logger = logging.getLogger("sessiond")
    logger.addHandler(listener)
    propagated, logger.propagate = logger.propagate, False
    collecting = gc.isenabled()
    gc.disable()  # what is dropped is dropped at the same moment each time
    error: BaseException | None = None
    try:
        with patch.object(decision, "MOST_RECORDS", world.most_records):
            Scenario(world).play()
        troubles = [
            trouble
            for process in (*world.processes, *world.dead)
            for trouble in (*process.loop.troubles, *(process.loop.unheard if process.orderly else ()))
        ]
        if listener.heard or troubles:
            raise Broken(f"unexpected: {listener.heard[:2]} {troubles[:2]}")
    except Exception as met:  # noqa: BLE001 - whatever it is, the seed has failed
        error = met
    finally:
        listener.deaf = True
        for process in (*world.processes, *world.dead):
            process.bury()
        logger.removeHandler(listener)
        logger.propagate = propagated
        if collecting:
            gc.enable()
    return Outcome(world, error)
