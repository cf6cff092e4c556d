"""Who takes too little of what waits for it, by figures alone."""

from __future__ import annotations

import pytest

from sessiond.gateway.patience import LEAST_RATE, LOOKS, Pace

MINUTE = 60.0
MUCH = 10_000_000


def given_up(rate: float, bite: int = 1, waiting: int = MUCH, seconds: float = 3_600.0) -> float | None:
    """When a peer that takes so many bytes a second, a bite at a time, is given up; None for never."""
    pace, now = Pace(MINUTE, 0.0, 0, waiting), 0.0
    while now < seconds:
        now += MINUTE / LOOKS
        taken = int(rate * now) // bite * bite
        if pace.look(now, taken, max(0, waiting - taken)) is False:
            return now
    return None


@pytest.mark.parametrize("rate", [0, 1 / 60, 1, 100, LEAST_RATE - 5])
def test_who_takes_too_little_is_given_up_after_a_minute(rate: float) -> None:
    assert given_up(rate) == MINUTE


@pytest.mark.parametrize("rate", [LEAST_RATE, 1_024, 1_000_000])
@pytest.mark.parametrize("bite", [1, 8_192])
def test_a_slow_line_may_take_as_long_as_it_needs(rate: int, bite: int) -> None:
    assert given_up(max(rate, bite // 16), bite) is None


def test_who_stops_amid_an_answer_is_given_up_a_minute_later() -> None:
    pace = Pace(MINUTE, 0.0, 0, MUCH)
    assert pace.look(15.0, 100_000, MUCH) is True
    assert [pace.look(now, 100_001, MUCH) for now in (30.0, 45.0, 60.0, 75.0)] == [None, None, None, False]


def test_of_little_that_waits_all_has_to_be_taken() -> None:
    assert given_up(3.0, waiting=100) is None
    assert given_up(1.0, waiting=100) == MINUTE


def test_those_with_little_patience_ask_for_little_at_a_time() -> None:
    pace = Pace(1.0, 0.0, 0, MUCH)
    assert pace.look(1.0, LEAST_RATE, MUCH) is True
    assert pace.look(2.0, 2 * LEAST_RATE - 1, MUCH) is False
