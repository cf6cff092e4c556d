"""Token buffers: what an attempt emitted and no segment holds yet.

Chunks gather while a commit of their session is in flight; one segment then takes them all. The
envelope of a token event is the same but for seq, time and chunk, so it is assembled from parts.
"""

from __future__ import annotations

from typing import Final

import msgspec

from .core.json import as_text
from .core.segment import frame

MAX_BUFFER: Final = 65_536
"""Bytes on the wire, roughly, that may wait in one attempt's buffer before `emit` has to wait."""

_FIXED: Final = 45
"""Bytes of a token event's frame header, seq, timestamp and punctuation."""

_encode = msgspec.json.Encoder().encode


class TokenBuffer:
    """Chunks of one attempt, in order.

    Attributes:
        size: bytes on the wire that it will come to, envelopes included: most of a token is its envelope.
        announced: whether the session knows that there is something.
    """

    __slots__ = ("_chunks", "_envelope", "_middle", "_thinking", "announced", "size")

    def __init__(self, session_id: str, node_id: str, agent_id: str) -> None:
        self._chunks: list[tuple[str, bool]] = []
        self.size = 0
        self.announced = False
        session = _encode(session_id)
        head = b',"session_id":' + session + b',"event":"token_stream","timestamp":"'
        self._middle = head, b'","data":{"agent_id":' + _encode(agent_id) + b',"chunk":'
        tail = b',"node_id":' + _encode(node_id) + b"}"
        self._thinking = b"}" + tail, b',"is_thinking":true}' + tail
        self._envelope = len(head) + len(self._middle[1]) + len(tail) + _FIXED

    def add(self, chunk: str, thinking: bool) -> None:
        """Append one chunk."""
        self._chunks.append((chunk, thinking))
        self.size += len(chunk) + self._envelope

    @property
    def full(self) -> bool:
        """Whether `emit` should wait."""
        return self.size >= MAX_BUFFER

    def clear(self) -> None:
        """Forget all chunks."""
        self._chunks = []
        self.size = 0

    def cut(self, seq: int, now: str) -> tuple[int, list[bytes]]:
        """Take all chunks as framed events that follow `seq`; return the last seq and the frames."""
        before, between = self._middle
        head = before + now.encode() + between
        tails = self._thinking
        frames = []
        for chunk, thinking in self._chunks:
            seq += 1
            try:
                text = _encode(chunk)
            except UnicodeEncodeError:  # half a surrogate pair, where a model's text was cut in two
                text = _encode(as_text(chunk))
            frames.append(frame(b'{"seq":%d%b%b%b' % (seq, head, text, tails[thinking])))
        self.clear()
        return seq, frames
