"""Rates, on a clock that the test turns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sessiond.actors.core.token_bucket import Buckets, TokenBucket

GAPS = st.floats(0, 3)


@given(st.lists(GAPS, max_size=200), st.floats(0.5, 20), st.floats(1, 20))
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(gaps: list[float], rate: float, burst: float) -> None:
    bucket, now, taken = TokenBucket(rate, burst), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now) == 0.0
        assert taken <= burst + rate * now + 1e-6


def test_a_bucket_says_when_to_come_back_and_keeps_its_word() -> None:
    bucket = TokenBucket(2.0, 1.0)
    assert bucket.take(0.0) == 0.0
    assert bucket.take(0.0) == 0.5
    assert bucket.take(0.25) == 0.25
    assert bucket.take(0.5) == 0.0


@given(st.lists(st.tuples(GAPS, st.floats(0, 50)), max_size=100), st.floats(0.5, 20), st.floats(1, 20))
def test_who_waits_for_debts_to_be_made_up_for_spends_no_more_than_the_rate(
    calls: list[tuple[float, float]], rate: float, burst: float
) -> None:
    bucket, now, spent = TokenBucket(rate, burst), 0.0, 0.0
    for gap, amount in calls:
        now += gap
        now += bucket.wait(now, need=0.0)
        assert spent <= burst + rate * now + 1e-6
        bucket.spend(amount, now)
        spent += amount


def test_a_debt_is_made_up_for_at_the_rate() -> None:
    bucket = TokenBucket(2.0, 10.0)
    bucket.spend(16.0, 0.0)
    assert bucket.left(0.0) == -6.0
    assert bucket.wait(0.0, need=0.0) == 3.0
    assert bucket.wait(1.0, need=0.0) == 2.0
    assert bucket.wait(3.0, need=0.0) == 0.0
    assert not bucket.full(7.9)
    assert bucket.full(8.0)


def test_of_many_names_the_quiet_are_forgotten() -> None:
    buckets = Buckets(1.0, 10.0, most=100)
    for number in range(100):
        buckets.of(f"n{number}", 0.0).spend(number + 20.0, 0.0)
    for number in range(1_000):
        assert len(buckets) <= 100
        buckets.of(f"quiet{number}", 0.0)
    kept = [number for number in range(100) if buckets.of(f"n{number}", 0.0).left(0.0) < 0]
    assert kept == list(range(10, 100)), "those deepest in debt stay"
