"""What a tenant's agents may use of language models, on a clock that the test turns."""

from __future__ import annotations

from sessiond.actors.core.token_bucket import MOST
from sessiond.actors.model_budget import ModelBudget


class Desk:
    """A budget of 60 tokens a minute, so one a second."""

    def __init__(self, per_minute: float | None = 60.0) -> None:
        self.now = 0.0
        self.budget = ModelBudget(per_minute, lambda: self.now)


def test_a_call_may_take_more_than_there_is_and_the_next_waits_until_that_is_made_up_for() -> None:
    desk = Desk()
    assert desk.budget.wait("s1@acme") == 0
    desk.budget.spend("s1@acme", 50, 10)
    assert desk.budget.wait("s1@acme") == 0, "a minute's worth may come at once"
    desk.budget.spend("s1@acme", 20, 5)
    assert desk.budget.wait("s1@acme") == 25
    desk.now = 24.0
    assert desk.budget.wait("s1@acme") == 1
    desk.now = 25.0
    assert desk.budget.wait("s1@acme") == 0


def test_all_sessions_of_a_tenant_share_and_no_other_tenant_does() -> None:
    desk = Desk()
    desk.budget.spend("s1@acme~map~0", 0, 70)
    assert desk.budget.wait("s2@acme") == 10
    for other in ("s1", "s1@zeta", "s1@zeta~map~0"):
        assert desk.budget.wait(other) == 0


def test_what_is_not_used_is_not_saved_for_longer_than_a_minute() -> None:
    desk = Desk()
    desk.budget.spend("s1", 0, 61)
    desk.now = 1e6
    desk.budget.spend("s1", 0, 61)
    assert desk.budget.wait("s1") == 1


def test_without_a_budget_nobody_waits_and_all_is_counted() -> None:
    desk = Desk(None)
    desk.budget.spend("s1", 10**9, 7)
    desk.budget.spend("s2", -5, -1)
    assert desk.budget.wait("s1") == 0
    assert (desk.budget.input_tokens, desk.budget.output_tokens) == (10**9, 7)


def test_what_an_endpoint_gives_back_does_not_count() -> None:
    desk = Desk()
    desk.budget.spend("s1", -1_000, 70)
    assert desk.budget.wait("s1") == 10


def test_however_many_tenants_there_are_those_in_debt_are_remembered() -> None:
    desk = Desk()
    desk.budget.spend("s1@acme", 0, 120)
    for number in range(2 * MOST):
        assert desk.budget.wait(f"s1@t{number}") == 0
    assert desk.budget.wait("s1@acme") == 60
