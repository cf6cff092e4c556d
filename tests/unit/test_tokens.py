from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sessiond.actors.core.events import Record, TokenStream
from sessiond.actors.core.segment import payloads
from sessiond.actors.tokens import MAX_BUFFER, TokenBuffer

NOW = "2026-01-01T00:00:00.000000Z"
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(st.tuples(TEXT, st.booleans()), max_size=20), TEXT, TEXT, TEXT)
def test_what_is_cut_equals_what_the_encoder_would_write(
    chunks: list[tuple[str, bool]], session: str, node: str, agent: str
) -> None:
    buffer = TokenBuffer(session, node, agent)
    for chunk, thinking in chunks:
        buffer.add(chunk, thinking)
    last, frames = buffer.cut(7, NOW)
    assert last == 7 + len(chunks)
    written = [
        msgspec.json.encode(Record(8 + n, session, "token_stream", NOW, TokenStream(agent, chunk, thinking), node))
        for n, (chunk, thinking) in enumerate(chunks)
    ]
    assert list(payloads(b"".join(frames))) == written


def test_a_cut_empties_the_buffer() -> None:
    buffer = TokenBuffer("s", "n", "a")
    buffer.add("word", False)
    buffer.cut(0, NOW)
    assert buffer.size == 0
    assert buffer.cut(1, NOW) == (1, [])


def test_the_bound_holds_for_bytes_on_the_wire_however_short_the_chunks() -> None:
    buffer = TokenBuffer("s" * 36, "node", "agent")
    while not buffer.full:
        buffer.add("x", False)
    _, frames = buffer.cut(10**6, NOW)
    assert MAX_BUFFER * 0.9 < sum(map(len, frames)) < MAX_BUFFER * 1.1
