import pytest

from sessiond.actors.dispatch.loop_actor import LoopActor
from sessiond.actors.dispatch.mailbox import Control
from sessiond.actors.dispatch.supervision import ChildFailed, RestartBudget


def test_a_budget_allows_so_many_restarts_in_its_period() -> None:
    budget = RestartBudget(2, 10.0)
    assert [budget.spend(now) for now in (0.0, 1.0, 2.0, 9.9)] == [True, True, False, False]


def test_a_budget_recovers_as_restarts_grow_old() -> None:
    budget = RestartBudget(2, 10.0)
    assert [budget.spend(now) for now in (0.0, 6.0, 10.0, 15.0, 16.0)] == [True, True, True, False, True]


def test_a_budget_that_is_as_good_as_new_says_so() -> None:
    budget = RestartBudget(2, 10.0)
    assert budget.untouched(0.0)
    budget.spend(0.0)
    budget.spend(5.0)
    assert [budget.untouched(now) for now in (5.0, 14.9, 15.0)] == [False, False, True]


@pytest.mark.parametrize(("restarts", "period"), [(0, 1.0), (1, 0.0)])
def test_a_budget_without_restarts_or_period_is_refused(restarts: int, period: float) -> None:
    with pytest.raises(ValueError, match="restarts and a period"):
        RestartBudget(restarts, period)


async def test_child_failed_is_control_and_matches_by_position() -> None:
    ref = LoopActor.start()
    failed = ChildFailed(ref, ValueError("x"))
    match failed:
        case ChildFailed(child, error):
            assert child is ref
            assert str(error) == "x"
    assert isinstance(failed, Control)
    assert repr(failed) == f"ChildFailed({ref}, ValueError('x'))"
    await ref.stop(block=False)
