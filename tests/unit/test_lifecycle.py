"""Every state and every command, against a table written down a second time, as the documentation has it."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from sessiond.actors.core.errors import CommandRefused
from sessiond.actors.core.lifecycle import ACTIONS, TABLE, TERMINAL, Status, Trigger, allowed, next_status

_: Status | None = None
EXPECTED: dict[Status, list[Status | None]] = {
    # from         start      pause     resume     stop      cancel       complete     error
    "pending":   ["running", _,        _,         _,        "cancelled", _,           _],
    "running":   ["running", "paused", _,         "failed", "cancelled", "completed", "failed"],
    "paused":    [_,         "paused", "running", "failed", "cancelled", _,           "failed"],
    "completed": [_,         _,        _,         _,        _,           _,           _],
    "failed":    [_,         _,        _,         _,        _,           _,           _],
    "cancelled": [_,         _,        _,         _,        "cancelled", _,           _],
}  # fmt: skip
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
STATUSES: tuple[Status, ...] = get_args(Status)


@pytest.mark.parametrize(("status", "trigger"), list(itertools.product(STATUSES, TRIGGERS)))
def test_each_trigger_in_each_state(status: Status, trigger: Trigger) -> None:
    expected = EXPECTED[status][TRIGGERS.index(trigger)]
    if expected is None:
        with pytest.raises(CommandRefused) as refused:
            next_status(status, trigger)
        assert refused.value.status == status
        assert refused.value.allowed == allowed(status)
    else:
        assert next_status(status, trigger) == expected


def test_the_table_covers_every_state() -> None:
    assert set(TABLE) == set(STATUSES)


@pytest.mark.parametrize("status", STATUSES)
def test_allowed_actions_are_those_that_change_something(status: Status) -> None:
    assert allowed(status) == tuple(a for a in ACTIONS if TABLE[status].get(a, status) != status)


def test_nothing_leaves_a_terminal_state() -> None:
    assert all(after == status for status in TERMINAL for after in TABLE[status].values())  # type: ignore[index]


def test_a_refusal_says_what_is_allowed() -> None:
    with pytest.raises(CommandRefused, match="can't pause a session that is pending; allowed: start, cancel"):
        next_status("pending", "pause")
    with pytest.raises(CommandRefused, match="allowed: nothing any more"):
        next_status("completed", "stop")
