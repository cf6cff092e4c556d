"""Tickets: single use, short, bounded."""

from __future__ import annotations

import pytest

from sessiond.actors.core.errors import NotFound
from sessiond.gateway.principal import Principal
from sessiond.gateway.problems import TooManyRequests, Unauthenticated
from sessiond.gateway.tickets import LIFE_S, MOST, Tickets

ANN = Principal("ann", "acme", ("viewer",), "proof")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tickets(clock: Clock) -> Tickets:
    return Tickets(clock)


def test_a_ticket_is_good_once(tickets: Tickets) -> None:
    text, _ = tickets.issue(ANN, None)
    assert tickets.redeem(text, "s1") == ANN
    with pytest.raises(Unauthenticated):
        tickets.redeem(text, "s1")


def test_a_ticket_lasts_half_a_minute_at_most(tickets: Tickets, clock: Clock) -> None:
    text, ends = tickets.issue(ANN, None)
    other, _ = tickets.issue(ANN, None)
    assert ends == clock.now + LIFE_S <= clock.now + 30
    clock.now += LIFE_S - 0.001
    tickets.redeem(text, None)
    clock.now += 0.001
    with pytest.raises(Unauthenticated):
        tickets.redeem(other, None)


def test_a_ticket_never_outlives_its_holders_leave(tickets: Tickets, clock: Clock) -> None:
    text, ends = tickets.issue(Principal("b", "acme", ("viewer",), "p", clock.now + 5), None)
    assert ends == clock.now + 5
    clock.now += 5
    with pytest.raises(Unauthenticated):
        tickets.redeem(text, None)


def test_a_ticket_for_one_session_opens_no_other_and_is_used_up_by_trying(tickets: Tickets) -> None:
    for wrong in ("s2", None):
        text, _ = tickets.issue(ANN, "s1@acme")
        with pytest.raises(Unauthenticated):
            tickets.redeem(text, wrong)
        with pytest.raises(Unauthenticated):
            tickets.redeem(text, "s1")
    for said in ("s1", "s1@acme"):
        assert tickets.redeem(tickets.issue(ANN, "s1@acme")[0], said) == ANN
    with pytest.raises(NotFound):
        tickets.redeem(tickets.issue(ANN, "s1@acme")[0], "s1@zeta")


def test_one_tenant_can_hold_so_many_and_leaves_the_others_theirs(tickets: Tickets, clock: Clock) -> None:
    held = [tickets.issue(ANN, None)[0] for _ in range(MOST)]
    with pytest.raises(TooManyRequests):
        tickets.issue(ANN, None)
    tickets.issue(Principal("z", "zeta", ("viewer",), "p"), None)
    tickets.redeem(held[-1], None)
    tickets.issue(ANN, None)
    clock.now += LIFE_S
    tickets.issue(ANN, None)
    assert len(tickets) == 1


def test_no_ticket_can_be_guessed_from_another(tickets: Tickets) -> None:
    texts = {tickets.issue(ANN, None)[0] for _ in range(100)}
    assert len(texts) == 100
    assert all(len(text) == 64 for text in texts)
    for wrong in ("", "0" * 64, "\ud800", next(iter(texts)).upper() + "x"):
        with pytest.raises(Unauthenticated):
            tickets.redeem(wrong, None)
