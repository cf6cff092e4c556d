"""Event streams over TLS: across a renewal of the certificate, with readers that don't read, and to a proper end."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from support.certificates import Authority
from support.graphs import graph
from support.process import server_process
from support.site import HELD, TALK, RawSocket, Site, seqs, site_on

from sessiond.gateway.client import Client
from sessiond.gateway.tls import trusting

NODES = """
from sessiond import node

@node("flood")
async def flood(context):
    for number in range(3_000):
        await context.emit("x" * 10_000)
"""
FLOOD = graph({"a": {"type": "flood"}})
EVENTS = "/api/v1/sessions/s1/events"
MIB = 1_048_576


@pytest.fixture
async def secure(authority: Authority) -> AsyncIterator[Site]:
    async with site_on("memory://", ca=authority.ca, auth_check_s=0.02, **authority.settings) as made:
        yield made


async def shown(url: str, trusted: ssl.SSLContext | None) -> int:
    """The serial number of the certificate that a new connection gets to see."""
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), ssl=trusted)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return x509.load_der_x509_certificate(der).serial_number


async def test_a_renewed_certificate_is_for_new_connections_and_a_watcher_goes_on(
    secure: Site, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    await secure.client.execute(HELD, session_id="s1")
    await secure.started.get()
    watched = secure.client.watch("s1")
    seen = [await anext(watched)]
    (stream,) = secure.server.gateway.streams
    serial = authority.issue()
    while await shown(secure.url, secure.trusted) != serial:  # noticed by itself
        pass
    authority.cert.write_text("half of a certi")
    while "the certificate stays as it was" not in caplog.text:
        await asyncio.sleep(0)
    assert await shown(secure.url, secure.trusted) == serial
    assert secure.server.gateway.streams.keys() == {stream}
    secure.go.set()
    seen += [record async for record in watched]
    assert [record.seq for record in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].event == "execution:completed"


async def test_a_sighup_has_the_certificate_read_again(tmp_path: Path, authority: Authority) -> None:
    trusted = trusting(authority.ca)
    settings = {**authority.settings, "auth_check_s": "3600"}
    async with server_process(tmp_path, **settings) as server, Client(server.url, ca=authority.ca) as client:
        graph_of_a_wait = graph({"w": {"type": "signal", "properties": {"name": "go"}}})
        await client.execute(graph_of_a_wait, session_id="s1")
        watched = client.watch("s1")
        first = await anext(watched)
        serial = authority.issue()
        assert await shown(server.url, trusted) != serial
        server.signal(signal.SIGHUP)
        while await shown(server.url, trusted) != serial:
            pass
        await client.signal("s1", {"now": True}, name="go")
        rest = [record async for record in watched]
        assert (first.seq, rest[-1].event) == (1, "execution:completed")


async def test_control_frames_never_land_inside_an_event_over_tls(secure: Site) -> None:
    await secure.client.execute(TALK, session_id="s1")
    watcher = await secure.socket(EVENTS)
    pongs, seen = 0, 0
    for number in range(200):
        await watcher.send(9, b"%d" % number)
    while pongs < 200 or seen < 5_000:  # a frame that is cut in two fails to parse
        opcode, payload = await watcher.frame()
        pongs += opcode == 10
        seen += opcode == 1
        assert opcode == 10 or payload.startswith(b'{"')
    secure.go.set()
    await watcher.send(8, (1000).to_bytes(2, "big"))
    assert await watcher.close_code() == 1000


async def test_a_silent_peer_is_let_go_over_tls(authority: Authority) -> None:
    async with site_on("memory://", ca=authority.ca, ping_s=0.05, stall_s=0.2, **authority.settings) as site:
        await site.client.execute(HELD, session_id="s1", start=False)
        assert await (await site.socket(EVENTS)).close_code() == 4408


async def test_server_sent_events_over_tls_go_from_the_first_to_the_last(secure: Site) -> None:
    await secure.client.execute(HELD, session_id="s1")
    await secure.started.get()
    reader, writer = await secure.connect()
    writer.write(f"GET {EVENTS} HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"Content-Type: text/event-stream" in head
    assert b"Strict-Transport-Security: " in head
    await reader.readuntil(b"stream:live")
    secure.go.set()
    rest = await reader.read()
    assert b'"event":"execution:completed"' in rest
    writer.close()
    await writer.wait_closed()


async def test_a_reader_over_tls_that_does_not_read_costs_a_bounded_amount_and_misses_nothing(
    tmp_path: Path, authority: Authority
) -> None:
    trusted = trusting(authority.ca)
    async with (
        server_process(tmp_path, NODES, **authority.settings) as server,
        Client(server.url, ca=authority.ca) as client,
    ):
        peaks = []
        for session_id in ("warm", "s1"):
            await client.execute(FLOOD, session_id=session_id, start=False)
            path = f"/api/v1/sessions/{session_id}/events?close=1"
            slow = await RawSocket.connect(server.url, path, "", trusted)
            fast = slow if session_id == "warm" else await RawSocket.connect(server.url, path, "", trusted)
            await client.control(session_id, "start")
            await to_the_end(fast)
            peaks.append(server.memory("VmHWM"))
        assert peaks[1] - peaks[0] < 16 * MIB
        messages = await to_the_end(slow)
        assert seqs(messages) == list(range(1, len(seqs(messages)) + 1))
        assert sum(message["event"] == "token_stream" for message in messages) == 3_000


async def to_the_end(watcher: RawSocket) -> list[dict[str, Any]]:
    """All messages up to the terminal event, with which the server closes."""
    messages = await watcher.until("execution:completed")
    assert await watcher.close_code() == 1000
    return messages
