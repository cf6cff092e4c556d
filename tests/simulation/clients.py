"""Those who use sessions from outside: callers who send commands, right or wrong or twice, and watchers.

What they were told is held against what is stored, at the moment when they are told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pykka import ActorDeadError

from sessiond.actors.core.errors import SessiondError
from sessiond.actors.core.segment import payloads
from sessiond.actors.streams import Subscription

if TYPE_CHECKING:
    from sessiond.actors.runtime import Runtime

    from .process import Process
    from .world import World

EVENT_OF: Final = {
    "pause": "execution:paused",
    "stop": "execution:completed",
    "cancel": "execution:completed",
}
UNKNOWN: Final = "internal"
"""The code of an error that no caller should ever see."""


class Caller:
    """Sends commands to processes and checks the answers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.random

    def create(self, session_id: str, process: Process) -> None:
        """Create a session there; said again, it is the same request."""
        world = self._world
        definition = world.definitions.get(session_id) or world.define(session_id)
        chance = world.requests.setdefault(session_id, self._request())
        process.spawn(self._create, process, process.runtime, session_id, definition, chance)

    def _request(self) -> dict[str, Any]:
        random = self._random
        deadline = random.choice([None, None, None, 1.0, 30.0])
        return {"input": {"n": random.randint(0, 9)}, "start": random.random() < 0.85, "deadline_s": deadline}

    async def _create(
        self, process: Process, runtime: Runtime, session_id: str, definition: Any, request: dict[str, Any]
    ) -> None:
        process.calls += 1
        try:
            created = await runtime.create(definition, session_id=session_id, **request)
        except SessiondError as error:
            self._refused(process, session_id, "create", error)
        else:
            self._answered(process, session_id, "create", created.seq)
        finally:
            process.calls -= 1

    def send(self, session_id: str, action: str, process: Process, fresh: bool = False) -> None:
        """Send a command to a session there; a `fresh` one is no repetition of any before."""
        process.spawn(self._send, process, process.runtime, session_id, action, fresh)

    async def _send(self, process: Process, runtime: Runtime, session_id: str, action: str, fresh: bool) -> None:
        world = self._world
        process.calls += 1
        session = runtime.session(session_id)
        named = action != "detail" and self._random.random() < 0.3
        if named:  # few names, so that many a command is told twice, there or elsewhere
            name = f"{action}-{self._random.randrange(3)}"
            named = not fresh
            session = session if fresh else session.once(name)
        resumes = process.resumes.setdefault(session_id, [0, 0])
        before = resumes[0] if not resumes[1] else -1
        world.note("send", process.number, session_id, action)
        if action == "resume":
            process.quiet.discard(session_id)
            resumes[0] += 1
            resumes[1] += 1
        try:
            if action == "detail":
                self._check_detail(process, session_id, await session.detail())
                return
            if action in ("start", "pause", "resume", "stop", "cancel"):
                reply = await getattr(session, action)()
            else:
                reply = await self._answer(session, session_id, action)
        except SessiondError as error:
            self._refused(process, session_id, action, error)
            return
        finally:
            process.calls -= 1
            if action == "resume":
                resumes[1] -= 1
        self._answered(process, session_id, action, reply.seq, getattr(reply, "changed", True), named)
        if action == "pause" and reply.status == "paused" and resumes[0] == before:
            process.quiet.add(session_id)

    async def _answer(self, session: Any, session_id: str, action: str) -> Any:
        """Answer a wait: most often one that is open, sometimes any node at all."""
        random, journal = self._random, self._world.journal(session_id)
        nodes = list(self._world.definitions[session_id]["nodes"])
        waiting = [n for n, node in journal.nodes.items() if node.wait] if journal else []
        node_id = random.choice(waiting) if waiting and random.random() < 0.8 else random.choice(nodes)
        match action:
            case "signal" if random.random() < 0.6:
                return await session.signal(random.choice("ab"), {"from": "caller"})
            case "signal":
                return await session.signal(payload=1, node_id=node_id)
            case "retry":
                return await session.retry_node(node_id)
            case "skip":
                return await session.skip_node(node_id, {"skipped": True})
            case "fill":
                return await session.resume_node(node_id, {"filled": True})
            case _:
                return await session.review(node_id, random.choice(["approve", "approve", "reject"]))

    def _answered(
        self, process: Process, session_id: str, action: str, seq: int, changed: bool = True, named: bool = False
    ) -> None:
        world = self._world
        world.note("answer", process.number, session_id, action, seq, changed)
        journal = world.journal(session_id)
        if journal is None or journal.seq < seq:
            world.broken(f"{action} of {session_id} is answered with {seq}, which isn't stored")
            return
        event = EVENT_OF.get(action)
        if changed and event is not None:
            if journal.events[seq - 1]["event"] != event:
                world.broken(f"{action} of {session_id} is answered with {seq}: {journal.events[seq - 1]['event']}")
            if journal.authors[seq - 1] != process.number and not named:
                world.broken(f"{action} of {session_id} is answered by a process that didn't store it")

    def _refused(self, process: Process, session_id: str, action: str, error: SessiondError) -> None:
        world = self._world
        world.note("refusal", process.number, session_id, action, error.code)
        if error.code == UNKNOWN:
            world.broken(f"{action} of {session_id} failed inside: {error}")

    def _check_detail(self, process: Process, session_id: str, detail: Any) -> None:
        """A detail is never ahead of the log, and of its last seq says what the log says."""
        world, journal = self._world, self._world.journal(session_id)
        world.note("detail", process.number, session_id, detail.seq, detail.status)
        if journal is None or detail.seq > journal.seq:
            world.broken(f"the detail of {session_id} says {detail.seq}, which isn't stored")
        elif detail.seq == journal.seq:
            shown = {n: (node.status, node.round, node.attempt) for n, node in detail.nodes.items()}
            known = {n: (node.status, node.round, node.attempt) for n, node in journal.nodes.items()}
            if shown != known or detail.status != journal.status:
                world.broken(f"the detail of {session_id} at {detail.seq} isn't what its log says")


class Watcher:
    """Follows one session, over however many connections; remembers the last seq that it saw.

    Attributes:
        seen: the last seq it has, without a gap, or as the snapshot of a reset.
        connected: the process it follows the session on, None while it is away.
    """

    def __init__(self, world: World, session_id: str) -> None:
        self._world = world
        self.session_id = session_id
        self.seen = 0
        self.connected: Process | None = None
        self._subscription: Subscription | None = None
        self._connections = 0

    def connect(self, process: Process) -> None:
        """Follow the session there, from where it was left."""
        self.disconnect()
        self.connected = process
        self._connections += 1
        process.spawn(self._follow, process, process.runtime, self._connections)

    def disconnect(self) -> None:
        """Go away."""
        self.connected = None
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    async def _follow(self, process: Process, runtime: Runtime, connection: int) -> None:
        if self.connected is not process or connection != self._connections:
            return
        world = self._world
        bound = world.random.choice([0, 500, 262_144])
        subscription = runtime.hub.subscribe(self.session_id, self.seen, bound=bound)
        self._subscription = subscription
        world.note("follow", process.number, self.session_id, self.seen)
        try:
            while (chunk := await subscription.pull()) is not None:
                if process.alive and self._subscription is subscription:
                    if chunk.reset is not None:
                        world.check_reset(self.session_id, self.seen, chunk.reset)
                        self.seen = chunk.reset.first_seq - 1
                    self._take(chunk.data)
        except SessiondError as error:
            world.note("unfollow", process.number, self.session_id, error.code)
            if self._subscription is subscription:
                self.disconnect()
        except ActorDeadError:
            world.broken(f"a watcher of {self.session_id} met a dead actor")
        finally:
            subscription.close()

    def _take(self, data: bytes) -> None:
        """Every event must be the next one, and be stored as it was sent."""
        world = self._world
        journal = world.journal(self.session_id)
        for payload in payloads(data):
            if journal is None or self.seen >= journal.seq or journal.frames[self.seen] != payload:
                world.broken(f"a watcher of {self.session_id} got {payload[:60]!r} after seq {self.seen}")
            self.seen += 1
        world.note("seen", self.session_id, self.seen)
