"""The budget for sending again."""

from common.retries import RetryBudget
from common.settings import Retries


def spent(budget):
    """How many resends it pays for now."""
    count = 0
    while budget.spend():
        count += 1
    return count


def test_a_fresh_budget_pays_for_a_burst():
    assert spent(RetryBudget(Retries(burst=3, ratio=0.1))) == 3


def test_resends_are_paid_for_by_first_attempts():
    budget = RetryBudget(Retries(burst=3, ratio=0.25))
    spent(budget)
    for _ in range(8):
        budget.earn()
    assert spent(budget) == 2


def test_a_budget_holds_no_more_than_its_burst():
    budget = RetryBudget(Retries(burst=3, ratio=1.0))
    for _ in range(100):
        budget.earn()
    assert spent(budget) == 3


def test_no_burst_means_no_resend_ever():
    budget = RetryBudget(Retries(burst=0, ratio=1.0))
    budget.earn()
    assert spent(budget) == 0
