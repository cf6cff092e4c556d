from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiond.actors.core.timestamps import epoch, stamp


@given(st.integers(0, 4_000_000_000), st.integers(0, 999_999))
def test_a_stamp_is_rfc_3339_with_microseconds_and_comes_back(second: int, micros: int) -> None:
    text = stamp(second + micros / 1_000_000)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    assert epoch(text) == pytest.approx(second + micros / 1_000_000, abs=2e-6)


def test_a_known_moment() -> None:
    assert stamp(1_000_000_000.25) == "2001-09-09T01:46:40.250000Z"


def test_stamps_sort_like_their_times() -> None:
    times = [1.0, 1.5, 2.0, 59.999999, 60.0, 86_400.0]
    assert sorted(map(stamp, times)) == list(map(stamp, times))


def test_what_is_no_timestamp() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        epoch("yesterday")
