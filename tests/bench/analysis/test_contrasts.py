"""Comparisons of a topology with itself name a winner in at most 5 of 100, and a planted slowdown is found."""

import numpy as np
import pytest

from bench.analysis.contrasts import CAPACITY, P99, contrasts, figure, ranking
from bench.paired import PAIRS_MIN

FIGURES = (CAPACITY, *(figure(P99, load) for load in ("0.3", "0.5", "0.8")))
SPREADS = (0.02, 0.03, 0.05, 0.10)
"""Of trials of one schedule, by figure: as on two cores."""
SCHEDULES = 0.12
"""What the luck of a schedule does to all topologies alike."""
COMPARISONS = 200


def compared(random, slowdown=1.0, pairs=PAIRS_MIN):
    """Two sides, the second slower by so much in every figure, pair by pair on one schedule."""
    figures = {}
    for name, spread in zip(FIGURES, SPREADS, strict=True):
        shared = np.exp(random.normal(0, SCHEDULES, pairs))
        one, other = (shared * np.exp(random.normal(0, spread, pairs)) for _ in range(2))
        slower = other / slowdown if name == CAPACITY else other * slowdown
        figures[name] = {"a": dict(enumerate(one)), "b": dict(enumerate(slower))}
    return contrasts(figures)


def test_a_comparison_with_oneself_names_a_winner_in_at_most_five_of_a_hundred():
    random = np.random.default_rng(1)
    named = sum(any(row.better for row in compared(random)) for _ in range(COMPARISONS))
    assert named / COMPARISONS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / COMPARISONS)


def test_without_the_correction_it_would_be_more():
    random = np.random.default_rng(1)
    named = sum(any(row.p < 0.05 for row in compared(random)) for _ in range(COMPARISONS))
    assert named / COMPARISONS > 0.1


def test_a_slowdown_of_a_fifth_is_found_in_nine_of_ten():
    random = np.random.default_rng(2)
    found = [compared(random, 1.2) for _ in range(100)]
    for name in FIGURES[:3]:  # the tail at 0.8 spreads by a tenth: six pairs are few for that
        right = sum(row.better == "a" for rows in found for row in rows if row.figure == name)
        assert right >= 90, name
    assert not any(row.better == "b" for rows in found for row in rows)


def test_with_fewer_pairs_nobody_is_better_however_far_apart():
    for row in compared(np.random.default_rng(3), 5.0, pairs=PAIRS_MIN - 1):
        assert (row.better, row.why) == ("", "too few pairs")
        assert row.ratio is not None
        assert row.p_holm is None


def test_what_is_not_told_apart_says_why():
    (row,) = contrasts({CAPACITY: {"a": dict.fromkeys(range(6), 1.0), "b": dict.fromkeys(range(6), 1.0)}})
    assert (row.better, row.why, row.p) == ("", "chance would do", 1)


def test_a_trial_that_one_side_lacks_or_in_which_it_did_nothing_is_no_pair():
    one = {trial: 100.0 + trial for trial in range(8)}
    (row,) = contrasts({CAPACITY: {"a": one, "b": {**one, 3: 0.0, 99: 1.0}}})
    assert row.pairs == 7


@pytest.mark.parametrize(
    ("levels", "best", "behind"),
    [
        ({"a": 100, "b": 80, "c": 60}, ("a",), ("b", "c")),
        ({"a": 100, "b": 100, "c": 60}, ("a", "b"), ("c",)),
        ({"a": 100, "b": 100, "c": 100}, ("a", "b", "c"), ()),
    ],
)
def test_a_ranking_has_only_those_behind_who_are_worse_than_each_of_the_best(levels, best, behind):
    random = np.random.default_rng(4)
    values = {
        name: {trial: level * np.exp(random.normal(0, 0.02)) for trial in range(8)}
        for name, level in levels.items()
    }
    found = ranking(contrasts({CAPACITY: values}), levels)
    assert (found.best, found.behind) == (best, behind)
    assert (found.winner is not None) == (len(best) == 1)
