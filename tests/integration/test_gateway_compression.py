"""permessage-deflate on real sockets: off unless it is turned on and offered; the same events either way."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import msgspec
import pytest
from support.frames import BINARY, CONTINUATION, PING, TEXT, FrameClient, close, frame
from support.served import Served

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
COMPRESSED = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served("--ws-compression", "--store", "memory://", cwd=tmp_path_factory.mktemp("compression")) as served:
        yield served


def squeezed(data: bytes) -> bytes:
    deflating = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflating.compress(data) + deflating.flush(zlib.Z_SYNC_FLUSH))[:-4]


def messages(client: FrameClient, event: str) -> tuple[list[bytes], int]:
    """The messages up to the first of an event, and how many of them were compressed."""
    found: list[bytes] = []
    compressed = 0
    while not found or event.encode() not in found[-1]:
        got = client.frame()
        assert got is not None
        reserved, opcode, payload = got
        assert opcode == TEXT
        if reserved == COMPRESSED:
            compressed += 1
            payload = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
        found.append(payload)
    return found, compressed


def test_events_are_the_same_compressed_or_not(server: Served) -> None:
    graph = {
        "workflow_id": "w",
        "start_node_id": "a",
        "nodes": {"a": {"type": "agent", "properties": {"provider": "demo", "prompt": "?", "demo": {"interval_s": 0}}}},
    }
    start = {"cmd": "start_session", "id": "1", "data": {"graph": graph, "session_id": "s1"}}
    with FrameClient(server.port, "/ws", OFFER) as commands:
        assert "permessage-deflate; server_no_context_takeover; client_no_context_takeover" in commands.head
        commands.send([frame(TEXT, squeezed(msgspec.json.encode(start)), reserved=COMPRESSED)])
        (answer,), _ = messages(commands, "reply_to")
        assert msgspec.json.decode(answer)["ok"], answer
    path = "/api/v1/sessions/s1/events"
    with FrameClient(server.port, path, OFFER) as one, FrameClient(server.port, path) as other:
        assert "Extensions" not in other.head
        plain, none = messages(other, "execution:completed")
        same, some = messages(one, "execution:completed")
    assert [message for message in same if b'"seq"' in message[:6]] == [
        message for message in plain if b'"seq"' in message[:6]
    ]
    assert none == 0
    assert some > 10


def test_it_is_off_unless_turned_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        Served("--store", "memory://", cwd=tmp_path_factory.mktemp("plain")) as plain,
        FrameClient(plain.port, "/ws", OFFER) as client,
    ):
        assert "Extensions" not in client.head
        client.send([frame(TEXT, squeezed(b"{}"), reserved=COMPRESSED)])
        assert [payload[:2] for _, payload in client.rest()] == [(1002).to_bytes(2, "big")]


WHOLE = squeezed(b'{"cmd":"ping"}' + b" " * 1_000)
WRONG = [
    pytest.param([frame(PING, b"", reserved=COMPRESSED)], 1002, id="control frames aren't compressed"),
    pytest.param([frame(TEXT, WHOLE, reserved=COMPRESSED | 2)], 1002, id="other bits stay reserved"),
    pytest.param(
        [frame(TEXT, WHOLE[:5], reserved=COMPRESSED, final=False), frame(CONTINUATION, WHOLE[5:], reserved=COMPRESSED)],
        1002,
        id="only the first frame says so",
    ),
    pytest.param([frame(BINARY, b"\xff\xff\xff", reserved=COMPRESSED)], 1007, id="garbage"),
    pytest.param([frame(TEXT, squeezed(b"\xff\xff"), reserved=COMPRESSED)], 1007, id="no UTF-8"),
    pytest.param([frame(TEXT, squeezed(bytes(50_000_000)), reserved=COMPRESSED)], 1009, id="a bomb"),
]


@pytest.mark.parametrize(("sent", "code"), WRONG)
def test_what_breaks_the_extension_fails_the_connection(server: Served, sent: list[bytes], code: int) -> None:
    with FrameClient(server.port, "/ws", OFFER) as client:
        client.send(sent)
        assert [payload[:2] for _, payload in client.rest()] == [code.to_bytes(2, "big")]


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_compressed_message_may_come_in_fragments_and_mixed_with_others(server: Served, size: int) -> None:
    parts = [WHOLE[at : at + size] for at in range(0, len(WHOLE), size)]
    sent = [
        frame(0 if n else TEXT, part, final=n == len(parts) - 1, reserved=0 if n else COMPRESSED)
        for n, part in enumerate(parts)
    ]
    with FrameClient(server.port, "/ws", OFFER) as client:
        client.send([*sent, frame(TEXT, b'{"cmd":"ping"}'), *sent])
        for _ in range(3):
            (answer,), _count = messages(client, "reply_to")
            assert msgspec.json.decode(answer)["ok"]
        client.send([close(1000)])
        assert client.rest()[-1][1] == (1000).to_bytes(2, "big")
