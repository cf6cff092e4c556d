"""permessage-deflate: what is agreed on, and that what is compressed for all is what was meant."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiond.actors.core.segment import frame
from sessiond.gateway.deflate import NotDeflated, TooMuchInflated, agree, deflated, inflate

AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ("permessage-deflate", AGREED),
        ("permessage-deflate; client_max_window_bits", AGREED),
        ("Permessage-Deflate; client_max_window_bits=10", AGREED),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", AGREED),
        ("permessage-deflate; server_max_window_bits=15", f"{AGREED}; server_max_window_bits=15"),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", AGREED),
        ("x-webkit-deflate-frame, permessage-deflate", AGREED),
        ("permessage-deflate; server_max_window_bits=10", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; client_max_window_bits=16", None),
        ("permessage-deflate; client_max_window_bits=many", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
        ("permessage-deflate; unheard_of", None),
        ("permessage-bzip2", None),
        ("", None),
    ],
)
def test_the_first_offer_that_can_be_taken_is(offers: str, answer: str | None) -> None:
    assert agree(offers) == answer


def messages(frames: bytes) -> list[bytes]:
    """What a client makes of frames."""
    found, at = [], 0
    while at < len(frames):
        first, size, at = frames[at], frames[at + 1], at + 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            size, at = int.from_bytes(frames[at : at + wide], "big"), at + wide
        payload, at = frames[at : at + size], at + size
        assert first in (0x81, 0xC1)
        if first == 0xC1:
            payload = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
        found.append(payload)
    return found


@given(st.lists(st.binary(max_size=300).map(lambda part: part * 20)))
def test_what_is_compressed_is_what_was_meant_and_never_longer(payloads: list[bytes]) -> None:
    frames = b"".join(map(frame, payloads))
    found = deflated(frames)
    assert messages(found) == payloads
    assert len(found) <= len(frames)


def test_what_goes_to_many_is_compressed_once() -> None:
    frames = frame(b"all the same " * 100)
    assert deflated(frames) is deflated(bytes(bytearray(frames)))


def test_large_frames_are_compressed_too() -> None:
    payload = b"0123456789" * 20_000
    assert messages(deflated(frame(payload))) == [payload]


def squeezed(data: bytes) -> bytes:
    deflating = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflating.compress(data) + deflating.flush(zlib.Z_SYNC_FLUSH))[:-4]


@given(st.binary())
def test_what_a_client_compressed_is_read(data: bytes) -> None:
    assert inflate(squeezed(data), len(data)) == data


def test_a_bomb_is_not_inflated() -> None:
    bomb = squeezed(bytes(100_000_000))
    assert len(bomb) < 200_000
    with pytest.raises(TooMuchInflated):
        inflate(bomb, 65_536)


@given(st.binary(min_size=1))
def test_garbage_is_refused_or_read_and_nothing_else(data: bytes) -> None:
    try:
        assert len(inflate(data, 1_000)) <= 1_000
    except (NotDeflated, TooMuchInflated):
        return
