"""What the metrics say of what happened, and that they stay few."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from support.graphs import chain, graph
from support.redis_server import RedisServer
from support.site import HELD, Site, site_on

from sessiond.actors.dispatch.control import Suspend, Unsuspend


async def read(site: Site) -> dict[str, float]:
    response = await site.fetch("GET", "/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(response.body.decode()):
        assert family.documentation
        for sample in family.samples:
            labels = "".join(f" {sample.labels[name]}" for name in sorted(sample.labels))
            found[sample.name.removeprefix("sessiond_") + labels] = sample.value
    return found


async def test_sessions_are_counted_from_start_to_end(site: Site) -> None:
    await site.runtime.recovered
    for number in range(3):
        await site.client.execute(HELD, session_id=f"s{number}")
        await site.started.get()
    await site.client.execute(HELD, session_id="pending", start=False)
    await site.client.control("s0", "pause")
    found = await read(site)
    assert (found["sessions running"], found["sessions paused"], found["sessions pending"]) == (2, 1, 1)
    assert found["sessions_started_total"] == 3
    assert found["recovery_seconds"] >= 0
    await site.client.control("s1", "stop")
    await site.client.control("s2", "cancel")
    found = await read(site)
    assert (found["sessions_ended_total failed"], found["sessions_ended_total cancelled"]) == (1, 1)
    assert found["sessions_ended_total completed"] == 0


async def test_sessions_that_leave_memory_are_counted(site: Site) -> None:
    await site.client.execute(HELD, session_id="idle", start=False)
    assert (await read(site))["sessions_passivated_total"] == 0
    await site.runtime.presence.passivate()
    await site.runtime.presence.passivate()
    found = await read(site)
    assert (found["sessions pending"], found["sessions_passivated_total"]) == (0, 1)


async def test_events_commits_and_requests_are_counted(site: Site) -> None:
    before = await read(site)
    started = await site.client.execute(chain(10))
    seen = [record async for record in site.client.watch(started.session_id)]
    found = await read(site)
    assert found["events_total"] - before["events_total"] == len(seen)
    assert found["event_bytes_total"] > 50 * len(seen)
    assert found["commit_group_commits_sum"] == found["commit_group_commits_bucket +Inf"] >= 10
    assert found["commit_seconds_count"] == found["commit_group_commits_count"]
    assert found["store_up"] == 1
    assert found["log_reads_total"] >= 1
    assert found["http_requests_total POST /api/v1/workflows/execute 202"] == 1
    assert found["http_request_seconds_count POST /api/v1/workflows/execute"] == 1
    assert found["http_requests_total GET /metrics 200"] == 1
    assert found["loop_lag_seconds"] >= 0
    assert found["abandoned_threads"] == 0


async def test_followers_are_counted(lone_site: Site) -> None:
    await lone_site.client.execute(HELD, session_id="s1", start=False)
    socket = await lone_site.socket("/api/v1/sessions/s1/events")
    await socket.until("stream:live")
    found = await read(lone_site)
    assert (found["streams"], found["subscriptions live"], found["subscriptions log"]) == (1, 1, 0)
    assert found["subscription_lag_events_max"] == 0
    await socket.close()


async def test_however_many_sessions_and_paths_there_are_the_metrics_stay_few(lone_site: Site) -> None:
    await read(lone_site)
    lines = len(await read(lone_site))
    for number in range(20):
        await lone_site.client.execute(HELD, session_id=f"s{number}", start=False)
        await lone_site.client.detail(f"s{number}")
        await lone_site.fetch("GET", f"/nowhere/{number}")
    found = await read(lone_site)
    assert not any("s19" in name or "nowhere" in name for name in found)
    assert found["http_requests_total other other 404"] == 20
    assert len(found) < lines + 60


async def test_a_store_that_goes_away_shows(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path, appendonly="yes", appendfsync="always")
    redis.start()
    async with site_on(f"{redis.url}?shards=1") as site:
        await site.client.execute(HELD, session_id="s1")
        await site.started.get()
        redis.kill()
        waiting = asyncio.ensure_future(site.client.control("s1", "pause"))
        while (await read(site))["store_up"]:
            pass
        assert (await read(site))["store_errors_total"] >= 1
        redis.start()
        assert (await waiting).status == "paused"
        while not (await read(site))["store_up"]:
            pass


async def test_a_session_that_is_stuck_shows_by_the_age_of_its_next_message(lone_site: Site) -> None:
    await lone_site.client.execute(HELD, session_id="s1")
    await lone_site.started.get()
    assert (await read(lone_site))["mailbox_oldest_seconds"] == 0
    (ref,) = [ref for shard in lone_site.runtime.placement.shards for ref in shard.sessions.values()]
    ref.tell(Suspend())
    lone_site.go.set()  # the node ends, and its result waits in the mailbox
    while not (await read(lone_site))["mailbox_oldest_seconds"]:
        pass
    assert (await lone_site.client.detail("s1")).status == "running"
    ref.tell(Unsuspend())
    assert [record async for record in lone_site.client.watch("s1")][-1].event == "execution:completed"
    assert (await read(lone_site))["mailbox_oldest_seconds"] == 0


async def test_tokens_of_models_and_agents_that_wait_for_them_are_counted() -> None:
    demo = {"interval_s": 0, "tokens": 70}
    agent = graph({"a": {"type": "agent", "properties": {"prompt": "one two", "demo": demo}}})
    async with site_on("memory://", model_tokens_per_minute=60) as site:
        assert (await read(site))["agents_waiting"] == 0
        for name in ("s1", "s2"):
            await site.client.execute(agent, session_id=name)
            async for record in site.client.watch(name):
                if record.event in ("execution:completed", "progress"):
                    break
        found = await read(site)
        assert (found["model_tokens_total input"], found["model_tokens_total output"]) == (2, 70)
        assert found["agents_waiting"] == 1
        await site.client.control("s2", "stop")
