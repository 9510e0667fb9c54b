"""When a search is over, by rates that are made up."""

import pytest

from bench.load.search import enough
from bench.phases import Search


def steps_until_enough(rates, gain_min=0.05):
    return next(n for n in range(1, len(rates) + 1) if enough(rates[:n], gain_min) or n == len(rates))


@pytest.mark.parametrize(
    ("rates", "played"),
    [
        ([100, 200, 400, 780, 800, 805, 810, 900], 6),  # 800 and 805 are within 5 % of 780
        ([100, 200, 400, 800], 4),  # it always gained: all of them
        ([100, 100, 100, 100], 3),
        ([100, 90, 400, 390, 380, 370], 5),  # one step without a gain is bad luck
        ([100, 104, 109, 109, 109], 4),  # 4 % twice is more than 5 %: it goes on after the third
        ([0, 0, 0, 0], 3),
        ([100], 1),
    ],
)
def test_a_search_is_over_when_two_doublings_gained_little(rates, played):
    assert steps_until_enough(rates) == played


def test_no_step_is_not_enough():
    assert not enough([], 0.05)


@pytest.mark.parametrize(
    ("first", "most", "users"),
    [(1, 1, (1,)), (1, 8, (1, 2, 4, 8)), (3, 25, (3, 6, 12, 24)), (5, 9, (5,))],
)
def test_users_double_and_never_exceed_their_maximum(first, most, users):
    search = Search(name="capacity", duration_s=1, users_from=first, users_max=most)
    assert search.concurrency == users
    assert [step.name for step in search.steps] == list(map(str, users))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"users_from": 0}, "users_from and users_max must be 1 to 2048"),
        ({"users_from": 9, "users_max": 8}, "the first at most the second, got 9 and 8"),
        ({"gain_min": -0.1}, "gain_min must be 0 to 1, got -0.1"),
    ],
)
def test_what_cannot_be_searched_is_refused(wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        Search(name="capacity", duration_s=1, **wrong)
