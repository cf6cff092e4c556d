"""permessage-deflate (RFC 7692) for frames that go to many: each is compressed once, whoever gets it.

That takes messages which don't refer to those before (`no_context_takeover`, both ways). They compress worse than with
a history, but a history costs each socket a window in each direction, and each watcher a compression of its own.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Final

from ..actors.core.segment import payloads

EXTENSION: Final = "permessage-deflate"
_AGREED: Final = f"{EXTENSION}; server_no_context_takeover; client_no_context_takeover"
_TAIL: Final = b"\0\0\xff\xff"
"""Ends what is flushed; it isn't sent (RFC 7692, section 7.2.1)."""
_COMPRESSED_TEXT: Final = 0xC1
_LEAST: Final = 96
"""Bytes of a message below which nothing is gained."""
_MOST_SHARED: Final = 65_536
"""Bytes of frames above which the result isn't kept for the next who wants it."""


class NotDeflated(ValueError):
    """It can't be decompressed."""


class TooMuchInflated(ValueError):
    """It is longer than it may be."""


def agree(offers: str) -> str | None:
    """Return the answer to the offers in a Sec-WebSocket-Extensions header, None if none can be taken."""
    for offer in offers.split(","):
        name, *given = (part.strip() for part in offer.split(";"))
        parameters = dict(part.partition("=")[::2] for part in given)
        if name.lower() != EXTENSION or len(parameters) != len(given):
            continue
        window = parameters.pop("server_max_window_bits", None)
        if window not in (None, "15", '"15"') or not all(map(_fits, parameters.items())):
            continue  # frames are shared, so their window can't be one client's own
        return _AGREED if window is None else f"{_AGREED}; server_max_window_bits=15"
    return None


def _fits(parameter: tuple[str, str]) -> bool:
    match parameter:
        case ("server_no_context_takeover" | "client_no_context_takeover", ""):
            return True
        case ("client_max_window_bits", bits):
            return not bits or (bits.strip('"').isdigit() and 8 <= int(bits.strip('"')) <= 15)
        case _:
            return False


def inflate(data: bytes, most: int) -> bytes:
    """Return a message that a client has compressed.

    Raises:
        NotDeflated, TooMuchInflated: it isn't compressed, or has more than `most` bytes.
    """
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = inflating.decompress(data + _TAIL, most + 1)
    except zlib.error as error:
        raise NotDeflated(str(error)) from None
    if len(found) > most:
        raise TooMuchInflated
    return found


def deflated(frames: bytes) -> bytes:
    """Return whole text frames with each of their messages compressed, where that makes it shorter."""
    return _shared(frames) if len(frames) <= _MOST_SHARED else _deflated(frames)


def _deflated(frames: bytes) -> bytes:
    return b"".join([_frame(payload) for payload in payloads(frames)])


_shared = lru_cache(64)(_deflated)


def _frame(payload: bytes) -> bytes:
    size, first, found = len(payload), 0x81, payload
    if size >= _LEAST:
        small = size <= 4_096  # a window and a table of the usual size take longer to make than this to compress
        deflating = zlib.compressobj(6, zlib.DEFLATED, -12 if small else -15, 5 if small else 8)
        shorter = deflating.compress(payload) + deflating.flush(zlib.Z_SYNC_FLUSH)
        shorter = shorter.removesuffix(_TAIL)
        if len(shorter) < size:
            first, found, size = _COMPRESSED_TEXT, shorter, len(shorter)
    if size < 126:
        return bytes((first, size)) + found
    if size < 65_536:
        return struct.pack("!BBH", first, 126, size) + found
    return struct.pack("!BBQ", first, 127, size) + found
