from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiond.actors.core.errors import CorruptLog
from sessiond.actors.core.segment import Segment, after, frame, payloads, skip

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_is_what_rfc_6455_asks_of_a_server(size: int) -> None:
    framed = frame(b"x" * size)
    assert framed[0] == 0x81  # final, text
    if size < 126:
        assert framed[1] == size
    elif size < 65_536:
        assert framed[1] == 126
        assert int.from_bytes(framed[2:4], "big") == size
    else:
        assert framed[1] == 127
        assert int.from_bytes(framed[2:10], "big") == size
    assert list(payloads(framed)) == [b"x" * size]


@given(st.lists(st.binary(max_size=300)))
def test_what_was_framed_comes_back(parts: list[bytes]) -> None:
    assert list(payloads(b"".join(map(frame, parts)))) == parts


@given(st.lists(st.binary(max_size=200), min_size=1), st.data())
def test_skipping_leaves_the_rest(parts: list[bytes], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(parts) + 2))
    assert list(payloads(skip(b"".join(map(frame, parts)), count))) == parts[count:]


@pytest.mark.parametrize("seq", range(8))
def test_after_cuts_at_a_seq(seq: int) -> None:
    segment = Segment(3, 6, b"".join(frame(str(n).encode()) for n in range(3, 7)))
    assert [int(p) for p in payloads(after(segment, seq))] == [n for n in range(3, 7) if n > seq]


@pytest.mark.parametrize("size", SIZES)
def test_a_cut_off_segment_is_corrupt(size: int) -> None:
    whole = frame(b"a") + frame(b"x" * size)
    for end in {len(whole) - 1, 4, len(frame(b"a")) + 1} - {len(whole)}:
        if end in (0, 3):
            continue
        with pytest.raises(CorruptLog):
            list(payloads(whole[:end]))


def test_bytes_that_are_no_frame_are_corrupt() -> None:
    with pytest.raises(CorruptLog, match="no text frame at byte 3"):
        list(payloads(frame(b"a") + b'{"seq":1}'))
