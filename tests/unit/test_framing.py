"""What streams read off framed events without decoding each."""

from __future__ import annotations

import msgspec

from sessiond.actors.core.events import Record, pack
from sessiond.actors.core.segment import payloads
from sessiond.gateway.framing import holds_end, live_frame


def record(seq: int, event: str, data: object = None) -> Record:
    return Record(seq, "s", event, "2026-01-01T00:00:00.000000Z", data)


def test_the_end_is_found_where_it_is_the_last_event() -> None:
    assert holds_end(pack([record(1, "token_stream"), record(2, "execution:completed", {"status": "failed"})]))
    assert not holds_end(pack([record(1, "token_stream")]))
    assert not holds_end(b"")


def test_user_data_that_looks_like_the_end_is_not_the_end() -> None:
    quoted = '{"event":"execution:completed"}'
    assert not holds_end(pack([record(1, "token_stream", {"chunk": quoted})]))
    assert not holds_end(pack([record(1, "node_state_change", {"output": {"event": "execution:completed"}})]))


def test_the_notice_is_one_frame_without_a_seq() -> None:
    (payload,) = payloads(live_frame("s", 7))
    assert msgspec.json.decode(payload) == {"session_id": "s", "event": "stream:live", "data": {"seq": 7}}
