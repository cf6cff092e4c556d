"""What one socket follows, when it is read slowly."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest
from support.graphs import chain
from support.held_store import HeldStore
from support.site import HELD, TALK, Site, site_on

from sessiond.actors.core.segment import payloads
from sessiond.gateway.fan_in import FanIn
from sessiond.gateway.principal import ANONYMOUS


class Reader:
    """Takes frames, one write at a time, when it is told to.

    Attributes:
        seqs: of what it has taken.
        has: is set while a write waits for it.
        reads: lets it read.
    """

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.has = asyncio.Event()
        self.reads = asyncio.Event()

    async def put(self, frames: bytes) -> None:
        self.has.set()
        await self.reads.wait()
        found = [msgspec.json.decode(payload) for payload in payloads(frames)]
        self.seqs += [event["seq"] for event in found if "seq" in event]


async def published(site: Site, events: int) -> None:
    """Wait until so many more were published."""
    until = site.runtime.hub.meters.events + events
    while site.runtime.hub.meters.events < until:
        await asyncio.sleep(0)


async def test_nothing_comes_twice_once_a_session_is_followed_by_itself(lone_site: Site) -> None:
    await lone_site.client.execute(TALK, session_id="s1")
    await lone_site.started.get()
    reader, failures = Reader(), list[Exception]()
    fan = FanIn(lone_site.server.gateway, ANONYMOUS, reader.put, failures.append)
    fan.follow_all()
    await reader.has.wait()
    await published(lone_site, 10)  # which the tap holds, while its reader doesn't read
    subscribing = asyncio.ensure_future(fan.subscribe("s1", 0))
    await published(lone_site, 10)
    reader.reads.set()
    await subscribing
    before = len(reader.seqs)
    lone_site.go.set()
    while len(fan) > 1:  # until its terminal event was sent
        await asyncio.sleep(0)
    assert reader.seqs[before:] == list(range(1, len(reader.seqs) - before + 1))
    assert not failures
    fan.close()


async def test_nothing_comes_of_one_that_was_let_go_of_while_its_log_was_read() -> None:
    store, reader, failures = HeldStore(), Reader(), list[Exception]()
    reader.reads.set()
    async with site_on(store) as site:
        await (await site.runtime.start(chain(1), session_id="s1")).wait()
        fan = FanIn(site.server.gateway, ANONYMOUS, reader.put, failures.append)
        store.reads.shut()
        await fan.subscribe("s1", 0)
        await store.reads.met()
        assert fan.unsubscribe("s1") == 0
        await fan.subscribe("s1", 2)
        store.reads.open()
        while len(fan):  # until its terminal event was sent
            await asyncio.sleep(0)
        assert reader.seqs == list(range(3, reader.seqs[-1] + 1))
        assert not failures


@pytest.mark.parametrize("meanwhile", [False, True], ids=["then", "meanwhile"])
async def test_nothing_is_followed_and_counted_for_a_socket_that_has_closed(lone_site: Site, meanwhile: bool) -> None:
    gateway, reader, failures = lone_site.server.gateway, Reader(), list[Exception]()
    await lone_site.client.execute(HELD, session_id="s1")
    fan = FanIn(gateway, ANONYMOUS, reader.put, failures.append)
    fan.follow_all()
    subscribing = asyncio.ensure_future(fan.subscribe("s1", 0))
    if meanwhile:
        await asyncio.sleep(0)  # it looks for the session
    else:
        await subscribing
    fan.close()
    await asyncio.wait([subscribing])
    assert gateway.subscriptions.of(ANONYMOUS.tenant) == 0
    assert not gateway.runtime.hub.watched("s1")
    assert not gateway.runtime.hub.taps
    assert not failures


async def test_a_reader_that_is_cut_off_amid_a_write_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with site_on("memory://") as site:
            await site.client.execute(TALK, session_id="s1")
            socket = await site.socket("/ws")
            await socket.send(1, b'{"cmd": "subscribe", "data": {"session_id": "*"}}')
            while not site.runtime.hub.taps:
                await asyncio.sleep(0)
            while site.runtime.hub.taps:  # until it is too slow
                await asyncio.sleep(0)
            site.go.set()
            assert await socket.close_code() == 4408
    assert not [entry for entry in caplog.records if entry.exc_info]
