"""Replay one seed, or look for one that fails.

python -m tests.simulation SEED             replay it, with its trace
python -m tests.simulation --seconds 600    fresh seeds for so long
"""

from __future__ import annotations

import argparse
import sys
import time
from random import SystemRandom

from .run import simulate


def main() -> int:
    """Run as the command line says; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--count", type=int)
    given = parser.parse_args()
    if given.seed is not None and given.count is None:
        outcome = simulate(given.seed)
        print(outcome.report() if outcome.error else f"seed {given.seed}: kept every promise")
        if not outcome.error:
            print(
                f"{outcome.events} events, {outcome.steps} callbacks, {outcome.seconds:.1f} s, trace {outcome.digest}"
            )
        return 1 if outcome.error else 0
    return _soak(given.seed, given.count, given.seconds)


def _soak(first: int | None, count: int | None, seconds: float) -> int:
    seed = SystemRandom().randrange(10**9) if first is None else first
    began, failed, runs, events = time.monotonic(), 0, 0, 0
    while runs < count if count is not None else time.monotonic() - began < seconds:
        outcome = simulate(seed + runs)
        runs += 1
        events += outcome.events
        if outcome.error:
            failed += 1
            print(outcome.report(), flush=True)
    took = time.monotonic() - began
    print(f"{runs} seeds from {seed}, {failed} failed, {events} events, {took / runs * 1000:.1f} ms each")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
