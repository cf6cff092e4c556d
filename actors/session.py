"""SessionActor: one session. Decides, commits, and releases the effects once they are stored.

Handlers never wait. A decision's effects (the reply, the publication, the attempts to start) ride on its
commit as a Release; commits of one session are pipelined and their releases come back in order. A release runs
on the loop between two handlers, so everything here is serial.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, Final, cast

import msgspec
from pykka import ActorRef

from .context import NodeContext
from .decide import Decision, StartAttempt, decide
from .detail import SessionDetail, describe
from .environment import Environment
from .errors import Draining, SessiondError, SessionFailed, StoreError
from .events import Fact, Failure, pack
from .executor import RUN, AttemptEnded, NodeExecutor
from .future import Deferred
from .gate import Gate
from .loop_actor import LoopActor
from .mailbox import Control, Kill
from .messages import (
    Abort,
    AnswerWait,
    AnyCommand,
    Cancel,
    Command,
    CompleteAttempt,
    Create,
    FailAttempt,
    FireTimer,
    Pause,
    Quiesce,
    RecordFacts,
    Recover,
    Resume,
    Start,
    Stop,
)
from .ports import Commit, Snapshot
from .scope import NodeScope
from .segment import Segment
from .state import SessionState, freeze
from .supervision import ChildFailed
from .timestamps import epoch, stamp
from .workflow import Workflow

logger = logging.getLogger("sessiond.session")

SNAPSHOT_BYTES: Final = 1_048_576
"""Bytes of log, at least, after which a snapshot is worth its own; and twice the snapshot before."""
_EXTERNAL: Final = (Create, Start, Pause, Resume, Stop, Cancel, AnswerWait)


class Describe(Control):
    """Asks for the session's detail, as far as it is durable."""

    __slots__ = ()


class AwaitEnd(Control):
    """Asks for the session's detail once it has ended."""

    __slots__ = ()


class TokensWaiting:
    """An attempt has chunks that no segment holds yet."""

    __slots__ = ("context",)

    def __init__(self, context: NodeContext) -> None:
        self.context = context


class Release(msgspec.Struct, gc=False):
    """The effects of one decision; a Ticket of its commit."""

    session: SessionActor
    segment: Segment | None
    starts: list[StartAttempt]
    reply: Deferred[Any] | None
    answer: Any
    ends: bool = False

    def settled(self, error: StoreError | None) -> None:
        """The commit is stored (`error` is None), or never will be."""
        self.session.released(self, error)


class SessionActor(LoopActor):
    """Owns one session's state and handles its commands serially."""

    def __init__(self, environment: Environment, shard: int, workflow: Workflow, state: SessionState) -> None:
        super().__init__()
        self._env = environment
        self._shard = shard
        self._workflow = workflow
        self._state = state
        self._unsettled: deque[Release] | None = None
        self._running: dict[str, tuple[NodeContext, ActorRef[NodeExecutor]]] | None = None
        self._starting = 0
        self._parked: set[str] | None = None
        self._tails: list[NodeContext] | None = None
        self._gate = _OPEN
        self._timers: dict[str, asyncio.TimerHandle] | None = None
        self._since_snapshot = 0
        self._snapshot_after = SNAPSHOT_BYTES
        self._enders: list[Deferred[SessionDetail]] | None = None
        self._lost: SessiondError | None = None
        if state.status == "paused":
            self._shut_gate()

    # ---- messages

    def on_receive(self, message: Any) -> Any:
        """Handle one message; replies come when their effect is stored."""
        if isinstance(message, Command):
            return self._handle(cast(AnyCommand, message))
        match message:
            case TokensWaiting():
                self._tokens_waiting(message.context)
            case AttemptEnded():
                self._ended(message.context)
            case Describe():
                return self._answer_later(self._describe())
            case AwaitEnd():
                return self._await_end()
            case ChildFailed():
                self._child_failed(message)
            case _:
                raise TypeError(f"a session can't handle {type(message).__name__}")
        return None

    def _handle(self, command: AnyCommand) -> Any:
        if self._lost is not None:
            raise self._lost
        if (trouble := self._env.committer.trouble) is not None and isinstance(command, _EXTERNAL):
            raise trouble
        self._cut_tokens()
        decision = decide(self._workflow, self._state, command, self._now(), self._alive(), self._parked or ())
        if not decision.records:
            if isinstance(command, Recover):
                self._arm_timers()
            return self._answer_later(decision.reply) if decision.reply is not None else None
        reply = None if decision.reply is None else Deferred[Any]()
        self._accept(decision, command, reply)
        return reply

    def _accept(self, decision: Decision, command: AnyCommand, reply: Deferred[Any] | None) -> None:
        before, after = self._state, decision.state
        self._state = after
        records = decision.records
        if after.status == "paused" and not after.quiesced and not self._busy(after, decision.starts):
            quiet = decide(self._workflow, after, Quiesce(), self._now())
            records = records + quiet.records
            self._state = after = quiet.state
        if after.status != before.status:
            self._change_gate()
        self._starting += len(decision.starts)
        segment = Segment(records[0].seq, records[-1].seq, pack(records))
        touched = after.status != before.status or isinstance(command, (Create, AnswerWait, FireTimer))
        touched = touched or any(record.event == "human_interaction_required" for record in records)
        commit = Commit(after.session_id, segment, after.row() if touched else None)
        release = Release(self, segment, decision.starts, reply, decision.reply, after.terminal)
        self._submit(commit, release)
        if (
            not isinstance(command, (CompleteAttempt, RecordFacts))
            or after.status != before.status
            or any(record.event == "timer:set" for record in records)
        ):
            self._arm_timers()

    def _submit(self, commit: Commit, release: Release) -> None:
        if self._unsettled is None:
            self._unsettled = deque()
        self._unsettled.append(release)
        self._env.committer.submit(self._shard, commit, release)

    def _answer_later(self, answer: Any) -> Any:
        """Answer at once, or behind the commits under way: what is not durable isn't told."""
        if not self._unsettled:
            return answer
        reply = Deferred[Any]()
        self._unsettled.append(Release(self, None, [], reply, answer))
        return reply

    # ---- release

    def released(self, release: Release, error: StoreError | None) -> None:
        """Carry out the effects of a stored decision; called by the persistence actor, in order."""
        queue, segment = self._unsettled, release.segment
        if error is not None:
            self._lose(error)
            return
        assert queue, "a release comes while nothing is under way"
        assert segment is not None
        assert queue[0] is release, "releases come in the order of their commits"
        queue.popleft()
        self._env.hub.publish(self._state.session_id, segment)
        if self._lost is not None:
            self._fail_over()
            return
        if release.reply is not None:
            release.reply.set(release.answer)
        self._starting -= len(release.starts)
        for start in release.starts:
            self._start_attempt(start)
        self._since_snapshot += len(segment.data)
        while queue and queue[0].segment is None:
            waiting = queue.popleft()
            if waiting.reply is not None:
                waiting.reply.set(waiting.answer)
        if not queue:
            self._unsettled = None
        if release.ends:
            self._end_attempts()
        elif self._tails and not queue:
            self._cut_tokens()
        if self._since_snapshot >= self._snapshot_after and not self._unsettled and not release.ends:
            self._take_snapshot()

    def _take_snapshot(self) -> None:
        """Shorten the next reading; all snapshots together stay below half of the log."""
        snapshot = Snapshot(self._state.session_id, self._state.seq, freeze(self._state))
        self._since_snapshot = 0
        self._snapshot_after = max(SNAPSHOT_BYTES, 2 * len(snapshot.data))
        self._env.committer.keep(self._shard, snapshot)

    def _lose(self, error: StoreError) -> None:
        """The log is no longer ours: tell everybody who waits, and stop without another word to the store."""
        if self._lost is not None:
            return
        self._lost = error
        logger.error("session %s is lost to this process: %s", self._state.session_id, error)
        queue, self._unsettled = self._unsettled or deque(), None
        for release in queue:
            if release.reply is not None:
                release.reply.set_exception(error)
        self._refuse_enders(error)
        self._disarm_timers()
        self._kill_attempts()
        self._retire()

    def _retire(self) -> None:
        self._env.retire(self._shard, self._state.session_id)
        self.stop()

    # ---- attempts

    def _alive(self, starting: list[StartAttempt] | None = None) -> list[str]:
        """Nodes with an executor, or one about to start."""
        alive = list(self._running or ())
        for release in self._unsettled or ():
            alive += [start.node_id for start in release.starts]
        return alive + [start.node_id for start in starting or ()]

    def _in_flight(self, starting: list[StartAttempt] | None = None) -> list[str]:
        """Nodes with an executor that isn't parked, or one about to start."""
        parked = self._parked or ()
        return [node_id for node_id in self._alive(starting) if node_id not in parked]

    def _busy(self, state: SessionState, starting: list[StartAttempt] | None = None) -> bool:
        """Whether any node still works."""
        return any(state.node(node_id).status == "running" for node_id in self._in_flight(starting))

    def _start_attempt(self, start: StartAttempt) -> None:
        node = self._workflow.nodes[start.node_id]
        present = self._state.node(start.node_id)
        if present.status != "running" or (present.round, present.attempt) != (start.round, start.attempt):
            return  # stopped, or overtaken, while its commit was under way
        if self._gate is _OPEN:
            self._gate = Gate()
        context = NodeContext(
            session_id=self._state.session_id,
            node=node,
            attempt=start.attempt,
            scope=NodeScope(self._workflow, self._state, node),
            host=self,
            gate=self._gate,
            registry=self._env.registry,
        )
        executor = self.spawn(NodeExecutor, node, context, self.actor_ref)
        if self._running is None:
            self._running = {}
        self._running[start.node_id] = context, executor
        executor.tell(RUN)

    def _ended(self, context: NodeContext) -> None:
        running = self._running
        if running and (found := running.get(context.node_id)) and found[0] is context:
            del running[context.node_id]
            if not running:
                self._running = None
        if self._parked:
            self._parked.discard(context.node_id)
        context.made_room()
        self._quiesce_if_quiet()
        if self._state.terminal and not self._running and not self._unsettled:
            self._retire()

    def _child_failed(self, message: ChildFailed) -> None:
        for node_id, (context, executor) in list((self._running or {}).items()):
            if executor.actor_urn == message.ref.actor_urn:
                failure = Failure("exception", f"the executor died: {message.error!r}")
                self._handle(FailAttempt(node_id, context.round, context.attempt, failure))
                self._ended(context)

    def _end_attempts(self) -> None:
        """The session has ended: stop what runs, now or after the grace period, and leave memory."""
        self._disarm_timers()
        for ender in self._enders or ():
            ender.set(self._describe())
        self._enders = None
        self._gate.open()
        if not self._running:
            self._retire()
            return
        for context, _ in self._running.values():
            context.cancelled = True
            context.buffer.clear()
            context.made_room()
        if self._state.status == "cancelled":
            asyncio.get_running_loop().call_later(self._env.grace_s, self._kill_attempts)
        else:
            self._kill_attempts()

    def _kill_attempts(self) -> None:
        for context, executor in list((self._running or {}).values()):
            context.cancelled = True
            if executor.is_alive():
                executor.tell(Kill())

    # ---- pausing

    def _change_gate(self) -> None:
        if self._state.status == "paused":
            self._shut_gate()
        elif self._state.status == "running":
            self._gate.open()

    def _shut_gate(self) -> None:
        if self._gate is _OPEN:
            self._gate = Gate()
        self._gate.close()

    def parked(self, context: NodeContext, parked: bool) -> None:
        """An attempt stands at the gate, or goes on."""
        if self._parked is None:
            self._parked = set()
        if not parked:
            self._parked.discard(context.node_id)
            return
        self._parked.add(context.node_id)
        self._quiesce_if_quiet()

    def _quiesce_if_quiet(self) -> None:
        state = self._state
        if state.status == "paused" and not state.quiesced and not self._busy(state):
            self.actor_ref.tell(Quiesce())

    # ---- tokens and facts

    def tokens_waiting(self, context: NodeContext) -> None:
        """An attempt has chunks; its first since the buffer was taken."""
        if self.actor_ref.is_alive():
            self.actor_ref.tell(TokensWaiting(context))

    def facts(self, context: NodeContext, facts: tuple[Fact, ...]) -> None:
        """An attempt reports facts."""
        if self.actor_ref.is_alive():
            self.actor_ref.tell(RecordFacts(context.node_id, context.round, context.attempt, facts))

    async def run_blocking(self, call: Any) -> Any:
        """Run `call` on the bounded thread pool."""
        return await asyncio.get_running_loop().run_in_executor(self._env.threads, call)

    def _tokens_waiting(self, context: NodeContext) -> None:
        if self._tails is None:
            self._tails = []
        self._tails.append(context)
        if not self._unsettled:
            self._cut_tokens()

    def _cut_tokens(self) -> None:
        """Make one segment of all chunks that wait."""
        tails, self._tails = self._tails, None
        if not tails or self._lost is not None:
            return
        state = self._state
        now, seq, frames = self._now(), state.seq, []
        for context in tails:
            buffer = context.buffer
            buffer.announced = False
            present = state.node(context.node_id)
            if present.status == "running" and (present.round, present.attempt) == (
                context.round,
                context.attempt,
            ):
                seq, cut = buffer.cut(seq, now)
                frames += cut
            else:
                buffer.clear()
            context.made_room()
        if frames:
            segment = Segment(state.seq + 1, seq, b"".join(frames))
            state.seq = seq
            self._submit(Commit(state.session_id, segment), Release(self, segment, [], None, None))

    # ---- timers

    def _arm_timers(self) -> None:
        """Set the loop's timers to what the state says."""
        self._disarm_timers()
        state = self._state
        if state.status != "running":
            return
        now, loop = self._env.clock.now(), asyncio.get_running_loop()
        timers: dict[str, asyncio.TimerHandle] = {}
        for node_id, node in state.nodes.items():
            if node.timer is not None and node.timer.since is not None:
                wait = node.timer.since + node.timer.left - now
                timers[node_id] = loop.call_later(max(0.0, wait), self._tell, FireTimer(node_id, node.round))
        if state.deadline_s is not None and state.started_at is not None:
            wait = epoch(state.started_at) + state.deadline_s - now
            late = Failure("deadline", f"the session didn't end within its {state.deadline_s} s")
            timers[""] = loop.call_later(max(0.0, wait), self._tell, Abort(late))
        self._timers = timers or None

    def _disarm_timers(self) -> None:
        for timer in (self._timers or {}).values():
            timer.cancel()
        self._timers = None

    def _tell(self, message: Command) -> None:
        if self.actor_ref.is_alive():
            self.actor_ref.tell(message)

    # ---- looking

    def _await_end(self) -> Any:
        if self._lost is not None:
            raise self._lost
        if self._state.terminal:
            return self._answer_later(self._describe())
        if self._enders is None:
            self._enders = []
        ender = Deferred[SessionDetail]()
        self._enders.append(ender)
        return ender

    def _refuse_enders(self, error: SessiondError) -> None:
        for ender in self._enders or ():
            ender.set_exception(error)
        self._enders = None

    def _describe(self) -> SessionDetail:
        return describe(self._workflow, self._state, self._in_flight())

    def _now(self) -> str:
        return stamp(self._env.clock.now())

    def on_stop(self) -> None:
        """Interrupt what still runs: it goes on at the next start."""
        self._refuse_enders(Draining("the runtime was closed before the session ended"))
        self._disarm_timers()
        self._kill_attempts()

    def on_failure(self, *_: Any) -> None:
        """A bug in a handler: what wasn't committed never happened; the supervisor reads the log again."""
        self._lost = SessionFailed("the session failed inside and is being recovered from its log")
        self._disarm_timers()
        self._kill_attempts()
        for release in self._unsettled or ():
            if release.reply is not None:
                release.reply.set_exception(self._lost)
        self._refuse_enders(self._lost)
        self._fail_over()

    def _fail_over(self) -> None:
        """Hand over to the supervisor as soon as no commit is under way."""
        if not any(release.segment for release in self._unsettled or ()):
            self._env.fail_over(self._shard, self._state.session_id)


_OPEN: Final = Gate()
"""Shared by sessions that never paused and run nothing; never shut."""
