"""SessionActor: one session. Decides, commits, and releases the effects once they are stored.

Handlers never wait. A decision's effects (the reply, the publication, the attempts to start) ride on its
commit as a Release; commits of one session are pipelined and their releases come back in order. A release
runs on the loop between two handlers, so everything here is serial.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, cast

from .alarms import Alarms, timers
from .attempts import Attempts
from .context import NodeContext
from .core.decide import decide
from .core.decision import Decision, StartAttempt
from .core.detail import SessionDetail, describe
from .core.errors import Draining, NotFound, PositionConflict, SessiondError, SessionFailed, StoreError
from .core.events import Failure, pack
from .core.extent import NEW, LogExtent
from .core.lifecycle import Status
from .core.messages import (
    EXTERNAL,
    Advance,
    AnyCommand,
    Command,
    CompleteAttempt,
    Create,
    FailAttempt,
    Quiesce,
    RecordFacts,
    Recover,
)
from .core.ports import Commit
from .core.segment import Segment
from .core.state import SessionState
from .core.timestamps import stamp
from .core.workflow import Workflow
from .dispatch.future import Deferred
from .dispatch.loop_actor import LoopActor
from .dispatch.supervision import ChildFailed
from .environment import Environment
from .executor import AttemptEnded, NodeExecutor
from .queries import AwaitEnd, AwaitQuiet, AwaitStored, Begin, Describe, NoLongerAwaited, Passivate
from .release import Release, Releases
from .reports import Reports, TokensWaiting
from .upkeep import Upkeep
from .waiters import Waiters

logger = logging.getLogger("sessiond.session")

_NO_TIMERS: Final = (CompleteAttempt, RecordFacts)
"""Commands that leave the timers alone, unless the status changes or one is set."""
_TIMER_EVENTS: Final = frozenset({"timer:set", "human_interaction_required", "signal_awaited"})


class SessionActor(LoopActor):
    """Owns one session's state and handles its commands serially."""

    def __init__(
        self,
        environment: Environment,
        shard: int,
        workflow: Workflow,
        state: SessionState,
        idle: bool = False,
        extent: LogExtent = NEW,
        since: int = 0,
    ) -> None:
        self._env = environment
        self._shard = shard
        self._workflow = workflow
        self._state = state
        self._under_way = Releases()
        self._attempts: Attempts | None = None
        self._alarms: Alarms | None = None
        self._waiters: Waiters | None = None
        self._upkeep = Upkeep(environment.snapshot_bytes, idle, environment.log_limit, extent, since)
        self._lost: SessiondError | None = None
        self._rested = False

    @property
    def status(self) -> Status:
        """The session's status, as decided; it may not be durable yet."""
        return self._state.status

    # ---- messages

    def on_receive(self, message: Any) -> Any:
        """Handle one message; replies come when their effect is stored.

        Raises:
            NotFound: the message overtook the session's creation.
            StoreError, SessionFailed: the session is lost to this process, or fails over.
        """
        if isinstance(message, Passivate):
            return self._passivated()
        if not self._state.seq and type(message) not in (Begin, Create):
            raise NotFound("session", self._state.session_id)
        self._rested = False
        if isinstance(message, Command):
            return self._handle(cast(AnyCommand, message))
        match message:
            case Begin():
                return self._begin(message)
            case TokensWaiting():
                self._tokens_waiting(message.context)
            case AttemptEnded():
                self._attempt_ended(message.context)
            case Describe():
                return self._behind_commits(self._describe())
            case AwaitEnd():
                return self._await_end(message)
            case AwaitQuiet():
                return self._await_quiet(message)
            case NoLongerAwaited():
                if self._waiters is not None:
                    self._waiters.forget(message.question)
            case AwaitStored():
                return self._behind_commits(None)
            case ChildFailed():
                self._child_failed(message)
            case _:
                raise TypeError(f"a session can't handle {type(message).__name__}")
        return None

    def _begin(self, message: Begin) -> Any:
        if not self._state.seq:
            self._workflow = message.workflow
        return self._handle(message.create)

    def _handle(self, command: AnyCommand) -> Any:
        if isinstance(command, EXTERNAL):
            if self._lost is not None:
                raise self._lost
            if (trouble := self._env.committer.trouble) is not None:
                self._retire_if_unborn()
                raise trouble
        elif self._lost is not None:
            return None
        self._cut_tokens()
        decision = self._decide(command)
        if not decision.records:
            if isinstance(command, Recover):
                self._set_alarms()
            elif isinstance(command, (CompleteAttempt, FailAttempt)):
                whose = f"{command.node_id}, round {command.round}, attempt {command.attempt}"
                logger.info("session %s: a result came too late and is dropped: %s", self._state.session_id, whose)
            return None if decision.reply is None else self._under_way.answer(self, decision.reply)
        reply = None if decision.reply is None else Deferred[Any]()
        self._accept(decision, command, reply)
        return reply

    def _decide(self, command: AnyCommand) -> Decision:
        """Decide; a refusal, or a bug met by a caller's command, changes nothing and goes to the caller."""
        parked = self._attempts.parked if self._attempts else ()
        try:
            return decide(self._workflow, self._state, command, self._now(), self._alive(), parked)
        except SessiondError:
            self._retire_if_unborn()
            raise
        except Exception as error:
            if not isinstance(command, EXTERNAL):
                raise  # what nodes report must not be lost: the session is recovered from its log
            logger.exception("session %s can't handle %s", self._state.session_id, type(command).__name__)
            self._retire_if_unborn()
            raise SessiondError("the command failed inside; the server's log says where") from error

    def _retire_if_unborn(self) -> None:
        """Leave at once: another creation that waits in the mailbox would be accepted, and stopped behind that."""
        if not self._state.seq:
            self._env.retire(self._shard, self._state.session_id)
            self.finish()

    def _accept(self, decision: Decision, command: AnyCommand, reply: Deferred[Any] | None) -> None:
        """Make a decision the present state and commit it."""
        before, after, records = self._state.status, decision.state, decision.records
        if after.status == "paused" and not after.quiesced and not self._busy(after, decision.starts):
            quiet = decide(self._workflow, after, Quiesce(), self._now())
            after, records = quiet.state, records + quiet.records
        # First, for it may fail, and then nothing has happened.
        segment = Segment(records[0].seq, records[-1].seq, pack(records))
        self._state = after
        changed = after.status != before
        if changed and before == "pending" and after.status == "running":
            self._env.meters.started += 1
        if changed and self._attempts is not None and after.status == "paused":
            self._attempts.pause()
        events = {record.event for record in records}
        resting = after.at_rest and not decision.unfinished
        row = self._upkeep.row(after, changed or bool(decision.overtaken), events, resting)
        opens = before == "paused" and after.status == "running"
        release = Release(self, segment, reply, decision.reply, decision, opens)
        self._submit(Commit(after.session_id, segment, row), release)
        if changed or not isinstance(command, _NO_TIMERS) or not _TIMER_EVENTS.isdisjoint(events):
            self._set_alarms()

    def _submit(self, commit: Commit, release: Release) -> None:
        self._under_way.append(release)
        self._env.committer.submit(self._shard, commit, release)

    # ---- release

    def release(self, release: Release) -> None:
        """Carry out the effects of a stored decision; called by the persistence actor, in order."""
        segment = release.segment
        assert segment is not None
        self._under_way.take(release)
        self._env.hub.publish(self._state.session_id, segment)
        if self._lost is not None:
            self._fail_over_if_through()
            return
        release.answered()
        if release.opens and self._attempts is not None and not self._shut:
            self._attempts.resume()
        if release.decision is not None:
            self._carry_out(release.decision)
            if release.decision.unfinished:
                self._tell(Advance())
        self._under_way.give_answers()
        self._tell_if_quiet()
        if release.decision is not None and release.decision.state.terminal:
            self._end()
            return
        self._upkeep.grew(len(segment.data))
        if not self._under_way:
            self._cut_tokens()
            self._settle_down()

    def _carry_out(self, decision: Decision) -> None:
        for child_id, order in decision.orders:
            self._env.order(child_id, order)
        if decision.overtaken and self._attempts:
            self._attempts.kill(decision.overtaken)
        for start in decision.starts:
            self._start_attempt(start)

    def _settle_down(self) -> None:
        """With nothing under way any more: let go of what isn't needed, and shorten the next reading."""
        if self._under_way:
            return
        if self._attempts is not None and not self._attempts and not self._attempts.has_tokens:
            self._attempts = None
        self._keep_snapshot()

    def _keep_snapshot(self, *, leaving: bool = False) -> None:
        """Shorten the next reading, if that is worth it."""
        snapshot = self._upkeep.snapshot(self._state, leaving=leaving)
        if snapshot is not None:
            self._env.committer.keep(self._shard, snapshot)

    def lose(self, release: Release, error: StoreError) -> None:
        """The log is no longer ours: tell everybody who waits, and stop without another word to the store."""
        first = self._lost is None
        if first:
            logger.error("session %s is lost to this process: %s", self._state.session_id, error)
            if isinstance(error, PositionConflict):
                self._env.distrust(self._state.session_id, error)
            self._give_up(error)
        self._under_way.take(release)
        if first:
            self._retire()
        else:
            self._fail_over_if_through()

    def on_failure(self, *_: Any) -> None:
        """A bug in a handler: what wasn't committed never happened; the supervisor reads the log again."""
        if self._lost is None:
            self._give_up(SessionFailed("the session failed inside and is being recovered from its log"))
            self._fail_over_if_through()

    def on_stop(self) -> None:
        """Interrupt what still runs: it goes on at the next start."""
        if self._lost is None:
            self._give_up(Draining("the runtime was closed before the session ended"))

    def _give_up(self, error: SessiondError) -> None:
        """From here on nothing is decided any more; whoever waits gets `error`."""
        self._lost = error
        self._under_way.refuse(error)
        if self._waiters:
            self._waiters.refuse(error)
        if self._alarms:
            self._alarms.clear()
        if self._attempts:
            self._attempts.tell_end()  # a thread can't be killed: if it stands at the gate, it would for ever
            self._attempts.kill()

    def _fail_over_if_through(self) -> None:
        """Hand over to the supervisor as soon as no commit is under way."""
        if isinstance(self._lost, SessionFailed) and not self._under_way.committing:
            self._env.fail_over(self._shard, self._state.session_id)

    def _end(self) -> None:
        """The session has ended: stop what runs, now or after the grace period, and leave memory."""
        self._env.meters.ended[self._state.status] += 1
        if self._alarms:
            self._alarms.clear()
        if self._waiters:
            self._waiters.has_ended(self._describe)
        if not self._attempts:
            self._retire()
            return
        self._attempts.tell_end()
        if self._state.status == "cancelled":
            asyncio.get_running_loop().call_later(self._env.grace_s, self._attempts.kill)
        else:
            self._attempts.kill()

    def _retire(self) -> None:
        self._env.retire(self._shard, self._state.session_id)
        self.stop()

    def _passivated(self) -> bool:
        """Leave memory if nothing happened since this was asked before, and nothing here needs it."""
        if not self._rested or self._attempts or self._waiters or self._under_way or len(self.mailbox):
            self._rested = True
            return False
        if self._lost is not None or self._env.soon(self._state.wakes_at()):
            return False
        self._keep_snapshot(leaving=True)
        self._retire()
        return True

    # ---- attempts

    def _alive(self, starting: list[StartAttempt] | None = None) -> list[str]:
        """Nodes with an executor, or one about to start."""
        alive = list(self._attempts.alive) if self._attempts else []
        alive += self._under_way.starting()
        return alive + [start.node_id for start in starting or ()]

    def _in_flight(self, starting: list[StartAttempt] | None = None) -> list[str]:
        """Nodes with an executor that isn't parked, or one about to start."""
        parked = self._attempts.parked if self._attempts else ()
        return [node_id for node_id in self._alive(starting) if node_id not in parked]

    def _busy(self, state: SessionState, starting: list[StartAttempt] | None = None) -> bool:
        """Whether any node still works."""
        return any(state.node(node_id).status == "running" for node_id in self._in_flight(starting))

    @property
    def _shut(self) -> bool:
        """Whether attempts park: from the decision on a pause until the resume that is the last one is stored."""
        return self._state.status != "running" or self._under_way.opening

    def _start_attempt(self, start: StartAttempt) -> None:
        present = self._state.node(start.node_id)
        if present.status != "running" or (present.round, present.attempt) != (start.round, start.attempt):
            return  # stopped, or overtaken, while its commit was under way
        if self._attempts is None:
            env, me = self._env, self.actor_ref
            reports = Reports(me, self.mailbox.__len__, env.committer, self._park)
            spawn = lambda node, context: self.spawn(NodeExecutor, node, context, me)  # noqa: E731
            self._attempts = Attempts(reports, env.registry, env.resources, spawn, self._shut)
        self._attempts.start(self._workflow, self._state, start.node_id)

    def _attempt_ended(self, context: NodeContext) -> None:
        if self._attempts is not None:
            self._attempts.ended(context)
            if not self._attempts and not self._attempts.has_tokens and not self._under_way:
                self._attempts = None  # else what is under way may start the next
        self._quiesce_if_quiet()
        if self._state.terminal and not self._attempts and not self._under_way:
            self._retire()

    def _child_failed(self, message: ChildFailed) -> None:
        context = self._attempts.of_executor(message.ref) if self._attempts else None
        if context is not None:
            failure = Failure("exception", f"the executor died: {message.error!r}")
            self._handle(FailAttempt(context.node_id, context.round, context.attempt, failure))
            self._attempt_ended(context)

    def _quiesce_if_quiet(self) -> None:
        state = self._state
        if state.status == "paused" and not state.quiesced and not self._busy(state):
            self._handle(Quiesce())

    def _park(self, context: NodeContext, parked: bool) -> None:
        """An attempt stands at the gate, or goes on."""
        if self._attempts is not None:
            self._attempts.park(context, parked)
            self._quiesce_if_quiet()

    def _tokens_waiting(self, context: NodeContext) -> None:
        if self._attempts is not None:
            self._attempts.tokens_waiting(context)
            if not self._under_way:
                self._cut_tokens()

    def _cut_tokens(self) -> None:
        """Make one segment of all chunks that wait."""
        if not self._attempts or not self._attempts.has_tokens or self._lost is not None:
            return
        segment = self._attempts.cut(self._state, self._now())
        if segment is not None:
            self._state.seq = segment.last_seq
            self._submit(Commit(self._state.session_id, segment), Release(self, segment))

    # ---- the rest

    def _behind_commits(self, answer: Any) -> Any:
        """Return the answer, or a promise of it behind the commits under way; of a lost session, none would come."""
        if self._lost is not None:
            raise self._lost
        return self._under_way.answer(self, answer)

    def _await_end(self, question: AwaitEnd) -> Any:
        if self._state.terminal and self._lost is None:
            return self._under_way.answer(self, self._describe())
        return self._made_waiters().ended(question)

    def _await_quiet(self, question: AwaitQuiet) -> Any:
        promise = self._made_waiters().quiet(question)
        self._tell_if_quiet()
        return promise

    def _made_waiters(self) -> Waiters:
        if self._lost is not None:
            raise self._lost
        if self._waiters is None:
            self._waiters = Waiters()
        return self._waiters

    def _tell_if_quiet(self) -> None:
        waiters, state = self._waiters, self._state
        if waiters is not None and (state.quiesced or state.terminal) and not self._under_way:
            waiters.is_quiet()

    def _set_alarms(self) -> None:
        if self._alarms is None:
            if next(timers(self._state), None) is None:
                return  # most sessions never have a timer
            self._alarms = Alarms(self._tell)
        self._alarms.set(self._state, self._env.clock.now())

    def _tell(self, message: Any) -> None:
        if self.actor_ref.is_alive():
            self.actor_ref.tell(message)

    def _describe(self) -> SessionDetail:
        return describe(self._workflow, self._state, self._in_flight())

    def _now(self) -> str:
        return stamp(self._env.clock.now())
