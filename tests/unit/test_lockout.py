"""The lock-out, on a clock of the test's own."""

from __future__ import annotations

import pytest

from sessiond.gateway import lockout
from sessiond.gateway.lockout import LockedOut, Lockout


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def locked(guard: Lockout, address: str) -> float:
    """Seconds that an address is told to wait; 0 if it may go on."""
    try:
        guard.check(address)
    except LockedOut as error:
        return error.retry_after
    return 0.0


def test_an_address_that_fails_too_often_is_shut_out_until_its_time_is_over() -> None:
    clock = Clock()
    guard = Lockout(3, clock)
    for _ in range(3):
        assert not locked(guard, "192.0.2.1")
        guard.failed("192.0.2.1")
    assert locked(guard, "192.0.2.1") == 20.0
    assert not locked(guard, "192.0.2.2")
    clock.now += 19.9
    assert locked(guard, "192.0.2.1") == pytest.approx(0.1)
    clock.now += 0.1
    assert not locked(guard, "192.0.2.1")
    guard.failed("192.0.2.1")
    assert locked(guard, "192.0.2.1") == pytest.approx(20.0)
    assert (guard.failures, guard.refusals) == (4, 3)


def test_who_has_been_quiet_is_forgotten() -> None:
    clock = Clock()
    guard = Lockout(3, clock)
    guard.failed("192.0.2.1")
    clock.now += 60
    assert not locked(guard, "192.0.2.1")
    assert len(guard) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "no address", False),
    ],
)
def test_an_ipv6_sender_has_a_network(one: str, other: str, same: bool) -> None:
    guard = Lockout(1, Clock())
    guard.failed(one)
    assert bool(locked(guard, other)) is same


def test_the_table_is_bounded_and_forgets_the_oldest() -> None:
    guard = Lockout(1, Clock())
    for number in range(lockout.MOST_ADDRESSES + 5):
        guard.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(guard) == lockout.MOST_ADDRESSES
    assert not locked(guard, "10.0.0.0")
    assert locked(guard, "10.0.0.5")


def test_it_may_be_turned_off() -> None:
    guard = Lockout(0, Clock())
    for _ in range(100):
        guard.failed("192.0.2.1")
    assert not locked(guard, "192.0.2.1")
    assert guard.failures == 100
