"""A port that speaks TLS: what it answers, and those who can't, or won't, finish a handshake with it."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
import struct
from typing import Any

import pytest
from support.certificates import Authority
from support.graphs import chain
from support.site import HELD, Site, problem, site_on

from sessiond.actors.core.errors import InvalidInput
from sessiond.gateway.files import InvalidFile

HSTS = "Strict-Transport-Security"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes a close a reset."""


def where(site: Site) -> tuple[str, int]:
    return "127.0.0.1", int(site.url.rpartition(":")[2])


async def raw(site: Site, data: bytes = b"") -> bytes:
    """Send bytes without TLS, and return what comes back until the server closes."""
    reader, writer = await asyncio.open_connection(*where(site))
    writer.write(data)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_session_runs_over_https(secure: Site) -> None:
    assert secure.url.startswith("https://127.0.0.1:")
    started = await secure.client.execute(chain(2))
    events = [record.event async for record in secure.client.watch(started.session_id)]
    assert events[-1] == "execution:completed"


async def test_every_answer_over_tls_tells_browsers_to_stay_with_it(secure: Site, lone_site: Site) -> None:
    await secure.client.execute(HELD, session_id="s1", start=False)
    for path in ("/livez", "/api/v1/sessions/s1", "/", "/docs"):
        assert (await secure.fetch("GET", path)).headers[HSTS] == "max-age=31536000"
    assert problem(await secure.fetch("GET", "/nowhere"), 404)
    assert HSTS in (await secure.fetch("GET", "/nowhere")).headers
    assert HSTS in (await secure.fetch("POST", "/livez", headers={"Origin": "https://evil.example"})).headers
    assert HSTS not in (await lone_site.fetch("GET", "/livez")).headers
    assert HSTS not in (await lone_site.fetch("GET", "/livez", headers={"X-Forwarded-Proto": "https"})).headers


async def test_with_tls_no_page_that_came_without_it_opens_a_socket(secure: Site) -> None:
    with pytest.raises(ConnectionRefusedError):
        await secure.socket("/ws", f"Origin: {secure.url.replace('https', 'http')}\r\n")
    socket = await secure.socket("/ws", f"Origin: {secure.url}\r\n")
    await socket.close()


async def test_an_answer_that_closes_says_that_it_is_whole(secure: Site) -> None:
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    def ask() -> bytes:
        assert secure.trusted is not None
        plain = socket.create_connection(where(secure), timeout=10)
        with secure.trusted.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as peer:
            peer.sendall(request)
            answer = bytearray()
            while data := peer.recv(4096):  # raises SSLEOFError where the end isn't told
                answer += data
            return bytes(answer)

    assert (await asyncio.to_thread(ask)).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(4096), b"\x16\x03\x01\0\5\2\0\0\1x"]
)
async def test_who_speaks_no_tls_is_closed_and_fills_no_log(
    secure: Site, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    caplog.set_level("INFO")
    for _ in range(20):
        assert b"HTTP" not in await raw(secure, data)  # at most an alert
    assert caplog.messages == []
    assert (await secure.fetch("GET", "/livez")).code == 200


async def test_who_breaks_off_tls_is_closed_and_fills_no_log(secure: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def spoil() -> bytes:
        assert secure.trusted is not None
        plain = socket.create_connection(where(secure), timeout=10)
        with secure.trusted.wrap_socket(plain, server_hostname="localhost") as peer:
            socket.socket.send(peer, b"no record at all")
            try:
                return peer.recv(4096)
            except ssl.SSLError:  # an alert
                return b""

    assert await asyncio.to_thread(spoil) == b""
    assert caplog.messages == []


async def test_who_leaves_before_the_handshake_is_nobodys_trouble(
    secure: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tornado")
    for _ in range(20):
        gone = socket.create_connection(where(secure))  # the kernel's doing: the server has no turn before the reset
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        gone.close()
    assert (await secure.fetch("GET", "/livez")).code == 200
    assert [record for record in caplog.records if record.name.startswith("tornado")] == []


@pytest.mark.parametrize("data", [b"", b"\x16\x03\x01\x02\x00\x01"])
async def test_a_handshake_that_is_not_finished_in_time_is_closed(authority: Authority, data: bytes) -> None:
    async with site_on("memory://", ca=authority.ca, idle_s=0.2, **authority.settings) as site:
        assert await raw(site, data) == b""


async def test_handshakes_that_trickle_hold_nobody_up(secure: Site) -> None:
    slow = [await asyncio.open_connection(*where(secure)) for _ in range(50)]
    for _, writer in slow:
        writer.write(b"\x16\x03\x01")
    assert (await secure.fetch("GET", "/livez")).code == 200
    for _, writer in slow:
        writer.close()
        await writer.wait_closed()


async def test_versions_before_1_2_are_refused(secure: Site) -> None:
    assert secure.trusted is not None
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        secure.trusted.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        secure.trusted.maximum_version = ssl.TLSVersion.TLSv1_1
    secure.trusted.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        await secure.connect()


async def test_those_who_are_shed_are_closed_without_a_word(authority: Authority) -> None:
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * lowest + 40, before[1]))  # half of it is for connections
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    try:
        async with site_on("memory://", spare_files=1_000_000, **authority.settings) as site:
            assert await raw(site) == b""
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for number in taken:
            os.close(number)


@pytest.mark.parametrize("absent", ["tls_cert", "tls_key"])
async def test_a_server_with_half_of_it_does_not_start(authority: Authority, absent: str) -> None:
    settings: dict[str, Any] = {**authority.settings, absent: None}
    with pytest.raises(InvalidInput, match=absent):
        async with site_on("memory://", **settings):
            pass


async def test_a_server_whose_files_cannot_be_used_does_not_start(authority: Authority) -> None:
    authority.key.write_text("hello")
    with pytest.raises(InvalidFile, match="isn't a private key in PEM"):
        async with site_on("memory://", **authority.settings):
            pass
