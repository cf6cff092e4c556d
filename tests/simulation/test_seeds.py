"""Two thousand seeds: the whole runtime under faults, each promise checked at every step."""

from __future__ import annotations

from typing import Final

import pytest
from simulation.run import simulate

SEEDS: Final = 100
"""Seeds of one test."""


@pytest.mark.parametrize("first", range(0, 2_000, SEEDS))
def test_every_promise_is_kept(first: int) -> None:
    outcomes = [simulate(seed) for seed in range(first, first + SEEDS)]
    failed = [outcome.report() for outcome in outcomes if outcome.error]
    assert not failed, f"{len(failed)} of {SEEDS} seeds failed, the first one:\n{failed[0]}"
    assert sum(outcome.events for outcome in outcomes) > 10 * SEEDS, "something happens in them"
