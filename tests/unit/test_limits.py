"""Rates and tallies of tenants, on a clock that the test turns."""

from __future__ import annotations

import pytest

from sessiond.actors.core.token_bucket import MOST
from sessiond.gateway.limits import CommandRate, Tally
from sessiond.gateway.problems import TooManyRequests, TooManyStreams


def test_one_tenants_haste_is_not_anothers() -> None:
    now = [0.0]
    rate = CommandRate(1.0, lambda: now[0])
    for _ in range(2):
        rate.take("acme")
    with pytest.raises(TooManyRequests) as refused:
        rate.take("acme")
    assert refused.value.retry_after == 1.0
    rate.take("zeta")
    now[0] = 1.0
    rate.take("acme")


def test_no_limit_is_none() -> None:
    rate = CommandRate(0, lambda: 0.0)
    for _ in range(1_000):
        rate.take("acme")


def test_a_busy_tenant_is_not_forgotten_however_many_come() -> None:
    now = [0.0]
    rate = CommandRate(1.0, lambda: now[0])
    for number in range(MOST - 1):
        rate.take(f"t{number}")
    now[0] = 100.0
    for _ in range(2):
        rate.take("acme")
    rate.take("one more, at which the quiet are forgotten")
    with pytest.raises(TooManyRequests):
        rate.take("acme")


def test_a_tally_counts_in_and_out() -> None:
    tally = Tally("streams", 2)
    tally.enter("acme")
    tally.enter("acme")
    tally.enter("zeta")
    with pytest.raises(TooManyStreams, match="2 streams"):
        tally.enter("acme")
    tally.leave("acme")
    tally.enter("acme")
    assert (tally.of("acme"), tally.of("zeta"), tally.of("nobody")) == (2, 1, 0)
