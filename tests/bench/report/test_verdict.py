from itertools import combinations

import pytest

from bench.report.verdict import TRIALS_MIN, Verdict, judge, listed, words
from bench.statistics import Estimate


def estimates(**intervals):
    return {name: Estimate((low + high) / 2, low, high, 5) for name, (low, high) in intervals.items()}


def test_one_that_overlaps_nobody_wins():
    found = judge(estimates(a=(100, 110), b=(80, 90), c=(85, 95)), higher_is_better=True)
    assert found == Verdict(("a",), ("b", "c"), False)
    assert found.winner == "a"
    assert words(found, "carries more", "carry more") == "a carries more than b and c."


def test_lower_may_be_better():
    assert judge(estimates(a=(10, 11), b=(8, 9)), higher_is_better=False).winner == "b"


def test_where_intervals_overlap_there_is_no_winner():
    found = judge(estimates(a=(100, 110), b=(105, 115)), higher_is_better=True)
    assert found.winner is None
    assert words(found, "carries more", "carry more") == "The intervals overlap: this run cannot rank them."


def test_intervals_that_touch_overlap():
    assert judge(estimates(a=(100, 110), b=(110, 120)), higher_is_better=True).winner is None


def test_two_may_be_ahead_of_a_third():
    found = judge(estimates(a=(100, 110), b=(105, 115), c=(50, 60)), higher_is_better=True)
    assert words(found, "carries more", "carry more") == (
        "a and b carry more than c, and cannot be ranked among themselves."
    )


def test_a_chain_of_overlaps_ranks_nobody():
    found = judge(estimates(a=(100, 110), b=(95, 101), c=(90, 96)), higher_is_better=True)
    assert found.winner is None
    assert found.behind == ()


@pytest.mark.parametrize("n", range(1, TRIALS_MIN))
def test_of_too_few_trials_nothing_can_be_said(n):
    found = judge({"a": Estimate(100, 100, 100, 5), "b": Estimate(50, 50, 50, n)}, higher_is_better=True)
    assert found.winner is None
    assert words(found, "carries more", "carry more") == "Fewer than 4 trials are too few to rank them."


def test_enough_trials_that_do_not_differ_rarely_name_a_winner():
    """Every way in which the ranks of 2 x n values can fall to two sides alike is as likely as any other."""
    ways = list(combinations(range(2 * TRIALS_MIN), TRIALS_MIN))
    apart = sum(max(one) < TRIALS_MIN or min(one) >= TRIALS_MIN for one in ways)
    assert apart / len(ways) < 0.05


def test_one_alone_has_nobody_to_beat():
    found = judge(estimates(a=(1, 2)), higher_is_better=True)
    assert found.winner is None
    assert words(found, "carries more", "carry more") == ""


def test_names_are_listed():
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
