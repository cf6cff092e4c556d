"""Bugs to be found: each breaks one promise in one place of the product, as somebody might by mistake."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest.mock import patch

import msgspec

from sessiond.actors import recovery
from sessiond.actors.attempts import Attempts
from sessiond.actors.core import decide
from sessiond.actors.core import state as state_module
from sessiond.actors.core.decision import Draft, StartAttempt
from sessiond.actors.core.detail import describe
from sessiond.actors.core.extent import LogExtent
from sessiond.actors.core.messages import Recover
from sessiond.actors.core.ports import Snapshot
from sessiond.actors.core.segment import Segment
from sessiond.actors.release import Release, Releases
from sessiond.actors.restore import Restorer
from sessiond.actors.session import SessionActor
from sessiond.actors.streams import Subscription
from sessiond.actors.upkeep import Upkeep
from sessiond.persistence import memory
from sessiond.persistence.group import Group
from sessiond.persistence.memory import MemoryStore
from sessiond.persistence.writer import PersistenceActor

Plant = Callable[[], AbstractContextManager[Any]]
PLANTED: Final[dict[str, Plant]] = {}


def planted(plant: Plant) -> Plant:
    """Register a bug under its function's name."""
    PLANTED[plant.__name__] = plant
    return plant


def in_place_of(owner: Any, name: str, make: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """Replace a function by what `make` makes of it."""
    return patch.object(owner, name, make(getattr(owner, name)))


@planted
def a_fenced_owner_may_write() -> AbstractContextManager[Any]:
    def make(commit: Any) -> Any:
        return lambda store, batch: commit(store, msgspec.structs.replace(batch, token=store._owners[batch.shard]))

    return in_place_of(MemoryStore, "_commit", make)


@planted
def events_are_published_before_they_are_stored() -> AbstractContextManager[Any]:
    def make(submit: Any) -> Any:
        def early(session: Any, commit: Any, release: Release) -> None:
            session._env.hub.publish(commit.session_id, commit.segment)
            submit(session, commit, release)

        return early

    return in_place_of(SessionActor, "_submit", make)


@planted
def a_command_is_answered_before_it_is_stored() -> AbstractContextManager[Any]:
    def make(submit: Any) -> Any:
        def early(session: Any, commit: Any, release: Release) -> None:
            submit(session, commit, release)
            release.answered()
            release.reply = None

        return early

    return in_place_of(SessionActor, "_submit", make)


@planted
def nodes_start_before_that_is_stored() -> AbstractContextManager[Any]:
    def make(submit: Any) -> Any:
        def early(session: Any, commit: Any, release: Release) -> None:
            decision = release.decision
            starts: list[StartAttempt] = []
            if decision is not None:
                starts, decision.starts = decision.starts, []
            submit(session, commit, release)
            for start in starts:
                session._start_attempt(start)

        return early

    return in_place_of(SessionActor, "_submit", make)


@planted
def a_seq_is_used_twice() -> AbstractContextManager[Any]:
    def make(cut: Any) -> Any:
        def forgetful(session: Any) -> None:
            before = session._state.seq
            cut(session)
            session._state.seq = before

        return forgetful

    return in_place_of(SessionActor, "_cut_tokens", make)


@planted
def recovery_runs_a_completed_node_again() -> AbstractContextManager[Any]:
    def make(recover: Any) -> Any:
        def eager(draft: Draft) -> None:
            recover(draft)
            if draft.state.status == "running":
                draft.restart(
                    n for n in draft.state.in_status("completed") if draft.workflow.nodes[n].spec.type == "work"
                )

        return eager

    return in_place_of(decide, "_recover", make)


@planted
def an_event_is_dropped_where_stored_and_live_ones_meet() -> AbstractContextManager[Any]:
    def make(caught_up: Any) -> Any:
        def hasty(subscription: Any, exhausted: bool) -> bool:
            caught_up(subscription, exhausted)
            subscription._forget()
            return True

        return hasty

    return in_place_of(Subscription, "_caught_up", make)


@planted
def only_the_first_page_of_a_log_is_replayed() -> AbstractContextManager[Any]:
    def make(caught_up: Any) -> Any:
        return lambda subscription, exhausted: caught_up(subscription, True)

    return in_place_of(Subscription, "_caught_up", make)


@planted
def a_late_attempt_completes_its_successor() -> AbstractContextManager[Any]:
    def make(_: Any) -> Any:
        return lambda draft, node_id, round_, attempt: draft.state.node(node_id).status == "running"

    return in_place_of(Draft, "is_current", make)


@planted
def nodes_start_while_the_session_is_paused() -> AbstractContextManager[Any]:
    def make(advance: Any) -> Any:
        def eager(draft: Draft, candidates: Any) -> None:
            paused = draft.state.status == "paused"
            if paused:
                draft.state.status = "running"
            advance(draft, candidates)
            if paused and not draft.state.terminal:
                draft.state.status = "paused"

        return eager

    return in_place_of(Draft, "advance", make)


@planted
def the_gate_opens_before_the_resume_is_stored() -> AbstractContextManager[Any]:
    def make(accept: Any) -> Any:
        def eager(session: Any, decision: Any, command: Any, reply: Any) -> None:
            accept(session, decision, command, reply)
            if session._attempts and session._state.status != "paused":
                session._attempts.resume()

        return eager

    return in_place_of(SessionActor, "_accept", make)


@planted
def a_commit_is_lost_when_the_store_is_back() -> AbstractContextManager[Any]:
    def make(attempt: Any) -> Any:
        def forgetful(group: Any, store: Any) -> Any:
            trouble = attempt(group, store)
            if trouble is not None:
                group._todo = group._todo[1:]
            return trouble

        return forgetful

    return in_place_of(Group, "attempt", make)


@planted
def a_refused_commit_counts_as_stored() -> AbstractContextManager[Any]:
    return in_place_of(Group, "error_of", lambda _: lambda group, append: None)


@planted
def commits_are_released_out_of_order() -> AbstractContextManager[Any]:
    def make(settle: Any) -> Any:
        def backwards(writer: Any) -> None:
            writer._under_way[0].appends = list(reversed(writer._under_way[0].appends))
            settle(writer)

        return backwards

    return in_place_of(PersistenceActor, "_settle", make)


@planted
def answers_behind_a_commit_are_forgotten() -> AbstractContextManager[Any]:
    def make(_: Any) -> Any:
        def forgetful(releases: Any) -> None:
            while releases._queue and releases._queue[0].segment is None:
                releases._queue.popleft()
            if not releases._queue:
                releases._queue = None

        return forgetful

    return in_place_of(Releases, "give_answers", make)


@planted
def timers_are_forgotten_after_a_recovery() -> AbstractContextManager[Any]:
    def make(handle: Any) -> Any:
        def forgetful(session: Any, command: Any) -> Any:
            result = handle(session, command)
            if isinstance(command, Recover) and session._alarms:
                session._alarms.clear()
            return result

        return forgetful

    return in_place_of(SessionActor, "_handle", make)


@planted
def a_decision_that_broke_off_is_not_gone_on_with() -> AbstractContextManager[Any]:
    def make(carry_out: Any) -> Any:
        def forgetful(session: Any, decided: Any) -> None:
            decided.unfinished = False
            carry_out(session, decided)

        return forgetful

    return in_place_of(SessionActor, "_carry_out", make)


@planted
def a_snapshot_is_ahead_of_the_seq_that_it_names() -> AbstractContextManager[Any]:
    def make(snapshot: Any) -> Any:
        def hasty(upkeep: Any, state: Any, *, leaving: bool = False) -> Snapshot | None:
            kept: Snapshot | None = snapshot(upkeep, state, leaving=leaving)
            return msgspec.structs.replace(kept, seq=kept.seq - 1) if kept is not None else None

        return hasty

    return in_place_of(Upkeep, "snapshot", make)


@planted
def names_of_commands_are_forgotten_with_the_process() -> AbstractContextManager[Any]:
    return in_place_of(state_module, "remember", lambda _: lambda state, command_id: None)


@planted
def a_log_is_trimmed_beyond_its_snapshot() -> AbstractContextManager[Any]:
    def make(commit: Any) -> Any:
        def greedy(store: Any, batch: Any) -> Any:
            answer = commit(store, batch)
            for snapshot in batch.snapshots if answer is None else ():
                if snapshot.trim:
                    log = store._logs[snapshot.session_id]
                    del log[: sum(segment.last_seq <= snapshot.seq + 1 for segment in log)]
            return answer

        return greedy

    return in_place_of(MemoryStore, "_commit", make)


@planted
def a_trimmed_front_is_passed_over_in_silence() -> AbstractContextManager[Any]:
    return patch.object(memory, "check_read", lambda *_: None)


@planted
def a_reset_shows_the_present_instead_of_its_snapshot() -> AbstractContextManager[Any]:
    def make(base: Any) -> Any:
        async def hasty(restorer: Any, session_id: str) -> Any:
            snapshot = await base(restorer, session_id)
            restored = await restorer.restore(session_id)
            if snapshot is None or restored is None:
                return None
            return msgspec.structs.replace(describe(restored.workflow, restored.state, ()), seq=snapshot.seq)

        return hasty

    return in_place_of(Restorer, "base", make)


@planted
def a_reset_repeats_what_is_still_kept() -> AbstractContextManager[Any]:
    def make(go_on: Any) -> Any:
        def back(subscription: Any, reset: Any) -> Any:
            chunk = go_on(subscription, reset)
            subscription.cursor -= 1
            return chunk

        return back

    return in_place_of(Subscription, "_go_on_from", make)


@planted
def children_are_trimmed_away() -> AbstractContextManager[Any]:
    def make(snapped: Any) -> Any:
        return lambda extent, *about: snapped(msgspec.structs.replace(extent, whole=False), *about)

    return in_place_of(LogExtent, "snapped", make)


@planted
def tokens_of_a_lost_attempt_are_stored() -> AbstractContextManager[Any]:
    def make(_: Any) -> Any:
        def careless(attempts: Any, state: Any, now: str) -> Any:
            tails, attempts._tails = attempts._tails, []
            seq, frames = state.seq, []
            for context in tails:
                context.buffer.announced = False
                seq, taken = context.buffer.cut(seq, now)
                frames += taken
                context.made_room()
            return Segment(state.seq + 1, seq, b"".join(frames)) if frames else None

        return careless

    return in_place_of(Attempts, "cut", make)


@planted
def recovery_gives_up_while_the_store_is_away() -> AbstractContextManager[Any]:
    async def once(call: Callable[[], Awaitable[Any]]) -> Any:
        return await call()

    return patch.multiple(recovery, until_available=once)
