"""The client against real servers: addresses pinned and checked, redirects, sizes, times."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from support.web import CERTIFICATE, Web, raw_server, web

from sessiond import HttpPolicy, NodeError
from sessiond.actors.http_client import HttpClient, Request, Resolved, Response

LOOPBACK = HttpPolicy(private=("127.0.0.1/32", "127.0.0.3/32"))


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as made:
        yield made


class Names:
    """A resolver whose answers are given, one after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[Resolved]:
        self.asked.append(host)
        return [(socket.AF_INET, (address, port)) for address in self.answers.pop(0)]


async def get(url: str, client: HttpClient | None = None, headers: dict[str, str] | None = None) -> Response:
    return await (client or HttpClient(LOOPBACK)).fetch(Request("GET", url, headers or {}))


async def refused(url: str, client: HttpClient | None = None, headers: dict[str, str] | None = None) -> str:
    with pytest.raises(NodeError) as caught:
        await get(url, client, headers)
    return caught.value.node_code


async def test_a_request_arrives_as_it_was_meant(site: Web) -> None:
    response = await HttpClient(LOOPBACK).fetch(Request("PUT", f"{site.url}/echo?a=1&b", {"x-own": "yes"}, b"body"))
    assert response.status == 200
    seen = msgspec.json.decode(response.body)
    assert (seen["method"], seen["uri"], seen["body"]) == ("PUT", "/echo?a=1&b", "body")
    assert seen["headers"] == {
        "host": f"127.0.0.1:{site.port}",
        "connection": "close",
        "content-length": "4",
        "x-own": "yes",
    }
    assert (await HttpClient(LOOPBACK).fetch(Request("HEAD", f"{site.url}/echo", {}))).body == b""
    assert (await get(f"{site.url}/status?code=204")).status == 204


async def test_the_address_that_was_checked_is_the_one_that_is_called(site: Web) -> None:
    names = Names(["127.0.0.3"], ["127.0.0.2"])
    client = HttpClient(LOOPBACK, names)
    response = await get(f"http://rebinding.test:{site.port}/echo", client)
    assert msgspec.json.decode(response.body)["headers"]["host"] == f"rebinding.test:{site.port}"
    assert names.asked == ["rebinding.test"]
    assert await refused(f"http://rebinding.test:{site.port}/echo", client) == "http_refused"
    assert len(site.requests) == 1


async def test_a_name_with_several_addresses(site: Web, unused_port: int) -> None:
    mixed = HttpClient(LOOPBACK, Names(["127.0.0.1", "127.0.0.2"]))
    assert await refused(f"http://mixed.test:{site.port}/echo", mixed) == "http_refused"
    assert site.requests == []
    async with raw_server(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as url:  # on 127.0.0.1 alone
        port = url.rpartition(":")[2]
        second = HttpClient(LOOPBACK, Names(["127.0.0.3", "127.0.0.1"]))
        assert (await get(f"http://several.test:{port}/", second)).body == b"ok"
    none = HttpClient(LOOPBACK, Names(["127.0.0.3", "127.0.0.1"]))
    assert await refused(f"http://several.test:{unused_port}/", none) == "http_failed"
    assert await refused("http://nothing.test/", HttpClient(LOOPBACK, Names([]))) == "http_failed"


async def test_tls_proves_the_name_not_the_address() -> None:
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    async with web(tls=True) as site:
        names = Names(["127.0.0.3"], ["127.0.0.3"], ["127.0.0.3"])
        right = await get(f"https://pinned.test:{site.port}/echo", HttpClient(LOOPBACK, names, trusting))
        assert right.status == 200
        other = f"https://other.test:{site.port}/echo"
        assert await refused(other, HttpClient(LOOPBACK, names, trusting)) == "http_failed"
        assert await refused(f"https://pinned.test:{site.port}/echo", HttpClient(LOOPBACK, names)) == "http_failed"
        assert len(site.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1.1.1", "2130706434", "0x7f000002", "0.0.0.0", "[::1]", "[::]"])
async def test_private_addresses_are_refused_however_they_are_written(site: Web, host: str) -> None:
    assert await refused(f"http://{host}:{site.port}/echo") == "http_refused"
    assert site.requests == []


async def test_a_local_name_is_refused_by_its_address(site: Web) -> None:
    assert await refused(f"http://localhost:{site.port}/echo", HttpClient(HttpPolicy())) == "http_refused"
    listed = HttpPolicy(hosts=("example.org",), private=LOOPBACK.private)
    assert await refused(f"{site.url}/echo", HttpClient(listed)) == "http_refused"


@pytest.mark.parametrize("target", ["http://127.0.0.2:{}/echo", "http://[::1]:{}/", "http://169.254.169.254/latest"])
async def test_a_redirect_to_a_private_address_is_refused(site: Web, target: str) -> None:
    assert await refused(f"{site.url}/to?url={target.format(site.port)}") == "http_refused"
    assert len(site.requests) == 1


async def test_redirects_are_followed_within_bounds(site: Web) -> None:
    response = await get(f"{site.url}/to?url=/echo")
    assert msgspec.json.decode(response.body)["uri"] == "/echo"
    assert await refused(f"{site.url}/round") == "http_redirects"
    assert len(site.requests) == 2 + 1 + LOOPBACK.max_redirects
    assert await refused(f"{site.url}/to?url=file:///etc/passwd") == "http_request"
    none = HttpPolicy(private=LOOPBACK.private, max_redirects=0)
    assert await refused(f"{site.url}/to?url=/echo", HttpClient(none)) == "http_redirects"


@pytest.mark.parametrize(
    ("status", "method", "body"), [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "x")]
)
async def test_a_redirected_post(site: Web, status: int, method: str, body: str) -> None:
    request = Request("POST", f"{site.url}/to?url=/echo&code={status}", {"content-type": "text/plain"}, b"x")
    seen = msgspec.json.decode((await HttpClient(LOOPBACK).fetch(request)).body)
    assert (seen["method"], seen["body"]) == (method, body)
    assert ("content-type" in seen["headers"]) is (method == "POST")


async def test_secrets_stay_with_their_origin(site: Web) -> None:
    secrets = {"authorization": "Bearer x", "cookie": "a=b", "x-plain": "1"}
    here = msgspec.json.decode((await get(f"{site.url}/to?url=/echo", headers=secrets)).body)["headers"]
    assert secrets.items() <= here.items()
    other = f"http://127.0.0.3:{site.port}/echo"
    there = msgspec.json.decode((await get(f"{site.url}/to?url={other}", headers=secrets)).body)["headers"]
    assert there["x-plain"] == "1"
    assert not {"authorization", "cookie"} & there.keys()


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://example.org/", {}),
        ("//example.org/", {}),
        ("http://", {}),
        ("http://user:secret@example.org/", {}),
        ("http://example.org:99999/", {}),
        ("http://[::1/", {}),
        ("http://example.org/a b", {}),
        ("http://example.org/\r\nX: y", {}),
        ("http://exämple.org/", {}),
        ("http://example.org/", {"host": "other"}),
        ("http://example.org/", {"transfer-encoding": "chunked"}),
        ("http://example.org/", {"x": "a\r\nb: c"}),
        ("http://example.org/", {"x y": "a"}),
        ("http://example.org/", {"x": "\u2603"}),
    ],
)
async def test_what_can_not_be_sent_is_refused_unsent(url: str, headers: dict[str, str]) -> None:
    names = Names()
    assert await refused(url, HttpClient(LOOPBACK, names), headers) == "http_request"
    assert names.asked == []


def answer(data: bytes) -> Any:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return talk


class Endless:
    """Sends for ever what it is given, and knows when nobody listens any more."""

    def __init__(self, head: bytes, piece: bytes) -> None:
        self.head, self.piece = head, piece
        self.sent = 0
        self.over = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self.head)
            while not reader.at_eof():
                writer.write(self.piece)
                await writer.drain()
                self.sent += len(self.piece)
                if not self.piece:
                    await reader.read()
        finally:
            self.over.set()


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n", b"x" * 10_000),
    ],
    ids=["until close", "chunked", "announced"],
)
async def test_a_body_beyond_its_bound_ends_the_exchange(head: bytes, piece: bytes) -> None:
    endless = Endless(head, piece)
    async with raw_server(endless) as url:
        client = HttpClient(HttpPolicy(private=LOOPBACK.private, max_body=50_000))
        assert await refused(url, client) == "http_too_large"
        await endless.over.wait()


async def test_a_body_at_its_bound_is_fine() -> None:
    data = b"x" * 50_000
    async with raw_server(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + data)) as url:
        client = HttpClient(HttpPolicy(private=LOOPBACK.private, max_body=50_000))
        assert (await get(url, client)).body == data


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], ids=["silent", "slow body"])
async def test_a_slow_server_is_given_up_and_let_go(head: bytes) -> None:
    slow = Endless(head, b"")
    async with raw_server(slow) as url:
        client = HttpClient(HttpPolicy(private=LOOPBACK.private, timeout_s=0.1))
        assert await refused(url, client) == "timeout"
        await slow.over.wait()


async def test_a_cancelled_request_lets_its_server_go() -> None:
    slow = Endless(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"")
    begun = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await slow(reader, writer)

    async with raw_server(talk) as url:
        task = asyncio.ensure_future(get(url))
        await begun.wait()
        task.cancel()
        await slow.over.wait()
        assert task.cancelled() or not task.done()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_or_breaks_off_is_a_failure(data: bytes) -> None:
    async with raw_server(answer(data)) as url:
        assert await refused(url) == "http_failed"


async def test_a_failing_name_is_a_failure() -> None:
    async def unknown(host: str, port: int) -> list[Resolved]:
        raise socket.gaierror(-2, "Name or service not known")

    assert await refused("http://nobody.test/", HttpClient(LOOPBACK, unknown)) == "http_failed"


async def test_an_error_does_not_show_the_query(site: Web) -> None:
    async with raw_server(answer(b"")) as url:
        with pytest.raises(NodeError) as caught:
            await get(f"{url}/path?token=secret")
    assert "/path" in str(caught.value)
    assert "secret" not in str(caught.value)
