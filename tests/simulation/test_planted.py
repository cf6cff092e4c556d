"""A simulation that finds nothing proves nothing: each of these bugs must be found, and soon."""

from __future__ import annotations

from typing import Final

import pytest
from simulation.planted import PLANTED
from simulation.run import simulate

WITHIN: Final = 400
"""Seeds that may be needed."""
RARE: Final = {"a_late_attempt_completes_its_successor": 1_500}
"""What about one seed in a thousand finds, and from which seed on it is searched for."""


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, capsys: pytest.CaptureFixture[str]) -> None:
    with PLANTED[bug]():
        first = RARE.get(bug, 0)
        for seed in range(first, first + WITHIN):
            outcome = simulate(seed)
            if outcome.error:
                break
        else:
            pytest.fail(f"{bug}: not found within {WITHIN} seeds")
    assert not simulate(seed).error, "the seed finds something else"
    with capsys.disabled():
        print(f"\n{bug}: found by seed {seed} ({outcome.error})"[:200])
