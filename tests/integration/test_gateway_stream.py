"""A session's events over a WebSocket."""

from __future__ import annotations

import asyncio

import pytest
from support.graphs import chain
from support.site import HELD, TALK, Site, seqs, site_on


def events(session_id: str, query: str = "") -> str:
    return f"/api/v1/sessions/{session_id}/events{query}"


async def test_a_late_watcher_sees_everything_and_then_what_is_live(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    socket = await site.socket(events("s1"))
    stored = await socket.until("stream:live")
    assert seqs(stored) == list(range(1, len(stored)))
    assert stored[-1] == {"session_id": "s1", "event": "stream:live", "data": {"seq": len(stored) - 1}}
    site.go.set()
    live = await socket.until("execution:completed")
    assert seqs(stored) + seqs(live) == list(range(1, live[-1]["seq"] + 1))
    await socket.close()


async def test_after_skips_what_the_client_has(site: Site) -> None:
    started = await site.client.execute(chain(3))
    total = len([record async for record in site.client.watch(started.session_id)])
    socket = await site.socket(events(started.session_id, f"?after={total - 2}"))
    assert seqs(await socket.until("stream:live")) == [total - 1, total]
    await socket.close()


async def test_tokens_stream_while_commands_go_past_them(site: Site) -> None:
    await site.client.execute(TALK, session_id="s1")
    await site.started.get()
    socket = await site.socket(events("s1"))
    seen = await socket.until("token_stream")
    await site.client.control("s1", "pause")
    seen += await socket.until("execution:paused")
    await site.client.control("s1", "resume")
    seen += await socket.until("execution:resumed")
    seen += await socket.until("token_stream")
    await site.client.control("s1", "stop")
    seen += await socket.until("execution:completed")
    assert seqs(seen) == list(range(1, len(seqs(seen)) + 1))
    await socket.close()


async def test_the_socket_stays_open_after_the_end_unless_asked_to_close(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    staying = await site.socket(events("s1"))
    leaving = await site.socket(events("s1", "?close=1"))
    await staying.until("stream:live")
    site.go.set()
    await leaving.until("execution:completed")
    assert await leaving.close_code() == 1000
    await staying.until("execution:completed")
    await staying.send(9, b"still there?")
    assert await staying.frame() == (10, b"still there?")
    await staying.close()


async def test_close_is_kept_where_the_client_has_the_end_already(site: Site) -> None:
    started = await site.client.execute(chain(1))
    total = len([record async for record in site.client.watch(started.session_id)])
    for after in (0, total):
        socket = await site.socket(events(started.session_id, f"?close=1&after={after}"))
        assert await socket.close_code() == 1000


@pytest.mark.parametrize(
    ("path", "code"),
    [(events("none"), 4404), (events("s1", "?after=-1"), 1008), (events("s1", "?after=x"), 1008)],
)
async def test_refusals_are_close_codes_after_an_accepted_upgrade(site: Site, path: str, code: int) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    socket = await site.socket(path)
    assert await socket.close_code() == code


async def test_a_message_from_the_client_is_against_the_rules(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    socket = await site.socket(events("s1"))
    await socket.until("stream:live")
    await socket.send(1, b"pause!")
    assert await socket.close_code() == 1008


async def test_a_foreign_origin_is_kept_out_unless_named() -> None:
    async with site_on("memory://", allowed_origins=("https://console.example",)) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        friend = await site.socket(events("s1"), "Origin: https://console.example\r\n")
        await friend.close()
        with pytest.raises(ConnectionRefusedError, match="403"):
            await site.socket(events("s1"), "Origin: https://evil.example\r\n")


async def test_control_frames_never_land_inside_an_event(site: Site) -> None:
    await site.client.execute(TALK, session_id="s1")
    socket = await site.socket(events("s1"))
    pongs, seen = 0, 0
    for number in range(200):
        await socket.send(9, b"%d" % number)
    while pongs == 0 or seen < 5_000:  # a frame that is cut in two fails to parse
        opcode, payload = await socket.frame()
        pongs += opcode == 10
        seen += opcode == 1
        assert opcode == 10 or payload.startswith(b'{"')
    site.go.set()
    await socket.close()


async def test_a_peer_that_shows_no_sign_of_life_is_let_go() -> None:
    async with site_on("memory://", ping_s=0.05, stall_s=0.2) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        socket = await site.socket(events("s1"))
        assert await socket.close_code() == 4408


async def test_a_peer_that_answers_pings_stays() -> None:
    async with site_on("memory://", ping_s=0.05, stall_s=0.2) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        socket = await site.socket(events("s1"))
        await socket.until("stream:live")
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < began + 0.5:
            opcode, payload = await socket.frame()
            assert opcode == 9
            await socket.send(10, payload)
        await socket.close()


async def test_too_many_streams_are_turned_away() -> None:
    async with site_on("memory://", max_streams=1) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        first = await site.socket(events("s1"))
        await first.until("stream:live")
        second = await site.socket(events("s1"))
        assert await second.close_code() == 1013
        await first.close()


async def test_a_drain_says_goodbye(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1", start=False)
    socket = await site.socket(events("s1"))
    await socket.until("stream:live")
    draining = asyncio.ensure_future(site.server.drain())
    assert await socket.close_code() == 1001
    await draining


async def test_a_closed_socket_leaves_nothing_behind(site: Site) -> None:
    await site.client.execute(HELD, session_id="s1")
    await site.started.get()
    socket = await site.socket(events("s1"))
    await socket.until("stream:live")
    assert site.runtime.hub.watched("s1")
    await socket.send(8, (1000).to_bytes(2, "big"))
    assert await socket.close_code() == 1000
    while site.runtime.hub.watched("s1"):
        await asyncio.sleep(0)
    assert not site.server.gateway.streams
