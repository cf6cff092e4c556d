"""The `http` node in a real runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.graphs import graph, registry
from support.web import Web, web

from sessiond import HttpPolicy, NodeError, Options, Runtime, SessionEnded
from sessiond.actors.nodes.http import decode

LOOPBACK = Options(http=HttpPolicy(private=("127.0.0.1/32",)))


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as made:
        yield made


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    async with Runtime.open("memory://", registry=registry(), options=LOOPBACK) as opened:
        yield opened


async def call(runtime: Runtime, url: str, input: Any = None, **properties: Any) -> Any:
    definition = graph({"s": {"type": "http", "properties": {"url": url, **properties}}})
    session = await runtime.start(definition, input=input, session_id="call")
    try:
        return await session.result()
    finally:
        await runtime.delete(session.id)


async def code_of(work: Any) -> str:
    with pytest.raises(SessionEnded) as ended:
        await work
    return ended.value.node_code


async def test_it_is_off_by_default(site: Web) -> None:
    async with Runtime.open("memory://", registry=registry()) as runtime:
        assert await code_of(call(runtime, f"{site.url}/echo")) == "http_disabled"
    assert site.requests == []


async def test_when_on_it_reaches_no_private_address_by_default(site: Web) -> None:
    async with Runtime.open("memory://", registry=registry(), options=Options(http=HttpPolicy())) as runtime:
        assert await code_of(call(runtime, f"{site.url}/echo")) == "http_refused"
    assert site.requests == []


async def test_json_goes_there_and_comes_back(runtime: Runtime, site: Web) -> None:
    output = await call(
        runtime, f"{site.url}/${{input.path}}", {"path": "echo", "n": 3}, method="POST", body={"n": "${input.n}"}
    )
    assert output["status"] == 200
    assert output["headers"]["content-type"] == "application/json; charset=UTF-8"
    assert output["body"]["body"] == '{"n":3}'
    sent = output["body"]["headers"]
    assert (sent["content-type"], sent["idempotency-key"]) == ("application/json", "call/s/1")


async def test_text_is_sent_as_it_is_and_own_headers_win(runtime: Runtime, site: Web) -> None:
    headers = {"Content-Type": "text/csv", "X-Own": "yes", "Idempotency-Key": "mine"}
    sent = (await call(runtime, f"{site.url}/echo", method="PUT", body="a,b", headers=headers))["body"]
    assert sent["body"] == "a,b"
    assert {"content-type": "text/csv", "x-own": "yes", "idempotency-key": "mine"}.items() <= sent["headers"].items()
    assert "idempotency-key" not in (await call(runtime, f"{site.url}/echo"))["body"]["headers"]


async def test_a_status_that_was_not_expected_fails_the_node(runtime: Runtime, site: Web) -> None:
    assert await code_of(call(runtime, f"{site.url}/status?code=500")) == "http_status"
    assert (await call(runtime, f"{site.url}/status?code=404", expect=[200, 404]))["body"] == "so be it"
    assert await code_of(call(runtime, f"{site.url}/echo", expect=[404])) == "http_status"
    assert (await call(runtime, f"{site.url}/status?code=204"))["body"] is None


async def test_a_redirect_to_a_private_address_is_refused(runtime: Runtime, site: Web) -> None:
    assert await code_of(call(runtime, f"{site.url}/to?url=http://127.0.0.2:{site.port}/echo")) == "http_refused"


@pytest.mark.parametrize(
    ("body", "kind", "decoded"),
    [
        (b'{"a":1}', "application/json", {"a": 1}),
        (b'{"a":1}', "application/problem+json; charset=utf-8", {"a": 1}),
        (b"tea \xe2\x98\x95", "text/plain", "tea \u2615"),
        (b"\xe4", 'text/plain; charset="latin-1"', "\u00e4"),
        (b"\x89PNG", "image/png", {"base64": "iVBORw=="}),
        (b"data", "", {"base64": "ZGF0YQ=="}),
        (b"", "application/json", None),
    ],
)
def test_bodies_are_decoded_by_their_type(body: bytes, kind: str, decoded: Any) -> None:
    assert decode(body, kind) == decoded


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff", "text/plain"),
        (b"a", "text/plain; charset=none-such"),
        (b"NaN", "a/b+json"),
    ],
)
def test_a_body_that_is_not_what_it_says_fails(body: bytes, kind: str) -> None:
    with pytest.raises(NodeError) as caught:
        decode(body, kind)
    assert caught.value.node_code == "http_body"
