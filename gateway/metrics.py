"""`/metrics`: what the process does, in base units. A session's id is never a label: there are too many."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from ..actors.core.lifecycle import TABLE, TERMINAL
from ..actors.placement import next_message, standing
from ..actors.runtime import Runtime
from ..actors.version import VERSION
from .call import Call, Gateway, Reply
from .exposition import MEDIA_TYPE, Exposition
from .http_meters import Requests
from .mailbox_ages import MailboxAges

_AT_ONCE: Final = 2_000
"""Sessions that are looked at before others get their turn."""


async def metrics(call: Call) -> Reply:
    """Tell what the process does, as Prometheus reads it."""
    page = Exposition()
    page.gauge("info", "Which version runs.", [({"version": VERSION}, 1)])
    await _sessions(page, call.runtime, call.gateway.ages)
    _writer(page, call.runtime)
    _streams(page, call.gateway)
    _process(page, call.runtime)
    _http(page, call.gateway.requests)
    return Reply(page.text().encode(), headers={"Content-Type": MEDIA_TYPE})


async def _sessions(page: Exposition, runtime: Runtime, ages: MailboxAges) -> None:
    statuses: Counter[str] = Counter()
    waiting = deepest = 0
    oldest = 0.0
    ages.begin()
    refs = [ref for shard in runtime.placement.shards for ref in shard.sessions.values()]
    for start in range(0, len(refs), _AT_ONCE):
        for ref in refs[start : start + _AT_ONCE]:
            if (found := standing(ref)) is not None:
                status, messages = found
                statuses[status] += 1
                waiting += messages
                deepest = max(deepest, messages)
                if (head := next_message(ref)) is not None:
                    oldest = max(oldest, ages.see(ref.actor_urn, head))
        await asyncio.sleep(0)  # a hundred thousand sessions take a while
    ages.end()
    page.gauge("sessions", "Sessions in memory.", [({"status": status}, statuses[status]) for status in TABLE])
    page.gauge("mailbox_messages", "Messages that wait in the mailboxes of all sessions.", waiting)
    page.gauge("mailbox_messages_max", "Messages that wait in the fullest mailbox of a session.", deepest)
    what = "How long the next message of a session has waited, as far as this page's readings tell; the longest."
    page.gauge("mailbox_oldest_seconds", what, oldest)
    meters = runtime.meters
    page.counter("sessions_started", "Sessions that began to run.", meters.started)
    ended = [({"status": status}, float(meters.ended[status])) for status in sorted(TERMINAL)]
    page.counter("sessions_ended", "Sessions that ended.", ended)
    gone = "Sessions that left memory because nothing happened in them."
    page.counter("sessions_passivated", gone, runtime.presence.passivated)
    if meters.recovery_s is not None:
        page.gauge("recovery_seconds", "How long it took to bring back what was at work.", meters.recovery_s)


def _writer(page: Exposition, runtime: Runtime) -> None:
    writer = runtime.writer
    page.histogram("commit_seconds", "From sending off a group of commits to its being stored.", writer.meters.seconds)
    page.histogram("commit_group_commits", "Commits that were stored together.", writer.meters.commits)
    page.counter("store_errors", "Commits refused for good, and times the store went away.", writer.meters.errors)
    page.gauge("store_up", "Whether commits get through.", int(writer.trouble is None))


def _streams(page: Exposition, gateway: Gateway) -> None:
    hub = gateway.runtime.hub
    page.counter("events", "Events that were stored and published.", hub.meters.events)
    page.counter("event_bytes", "Bytes of these events.", hub.meters.bytes)
    page.counter("log_reads", "Pages of the log that were read for subscriptions.", hub.meters.log_reads)
    page.counter("auth_failures", "Wrong credentials.", gateway.auth.lockout.failures)
    page.counter("auth_lockouts", "Requests refused because of those before them.", gateway.auth.lockout.refusals)
    page.gauge("streams", "WebSockets, event streams and waiting requests that are open.", len(gateway.streams))
    states: Counter[str] = Counter()
    lag = 0
    for subscription in hub.subscriptions():
        states["log" if subscription.behind else "live"] += 1
        lag = max(lag, subscription.lag)
    states["all"] = hub.taps
    found = [({"served_from": state}, float(states[state])) for state in ("live", "log", "all")]
    page.gauge("subscriptions", "Who follows sessions: live, from the log, or all of them at once.", found)
    page.gauge("subscription_lag_events_max", "Events that the slowest follower of a session has before it.", lag)


def _process(page: Exposition, runtime: Runtime) -> None:
    page.gauge("loop_lag_seconds", "By how much the event loop was late.", runtime.watchdog.lag_s)
    page.gauge("abandoned_threads", "Threads that work for attempts that were ended.", runtime.resources.abandoned)
    models = runtime.resources.models
    used = [({"kind": "input"}, float(models.input_tokens)), ({"kind": "output"}, float(models.output_tokens))]
    page.counter("model_tokens", "Tokens of language models that agents used.", used)
    page.gauge("agents_waiting", "Agents that wait for their tenant's model budget.", models.waiting)


def _http(page: Exposition, requests: Requests) -> None:
    answered = [
        ({"method": method, "route": route, "status": str(status)}, float(count))
        for (method, route, status), count in sorted(requests.answered.items())
    ]
    page.counter("http_requests", "Requests that were answered.", answered)
    seconds = [
        ({"method": method, "route": route}, histogram)
        for (method, route), histogram in sorted(requests.seconds.items())
    ]
    page.histogram("http_request_seconds", "From the end of a request's headers to its answer.", seconds)
