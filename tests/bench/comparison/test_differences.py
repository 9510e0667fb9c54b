"""A row of a comparison: paired or not, with zeros, with too few pairs, with trials that have no value."""

import pytest

from bench.comparison.cells import cells
from bench.comparison.differences import compared
from bench.comparison.figures import NEVER, Row
from bench.paired import Finding

P99 = Row("freelance", "p99", "0.5")
CAPACITY = Row("freelance", "capacity_per_s")
HARMED = Row("direct", "harmed", "kill-worker")
BASE = (10.0, 14.0, 11.0, 19.0, 12.0, 16.0, 13.0, 15.0)
NOISE = (1.01, 0.99, 1.02, 0.98, 1.0, 1.01, 0.99, 1.0)


def trials(*values):
    return dict(enumerate(values, 1))


def times(factor):
    return [value * factor * noise for value, noise in zip(BASE, NOISE, strict=True)]


def one(row, a, b, pairs=True):
    (found,) = compared({row: trials(*a)}, {row: trials(*b)}, pairs)
    return found


def test_a_run_beside_itself_is_neither_better_nor_worse():
    rows = {P99: trials(*BASE), CAPACITY: trials(*BASE), HARMED: trials(*[0.0] * 8)}
    for pairs in (True, False):
        assert all(row.verdict is Finding.NONE for row in compared(rows, rows, pairs))


def test_a_longer_latency_is_worse_and_a_larger_capacity_better():
    assert one(P99, BASE, times(1.2)).verdict is Finding.WORSE
    assert one(CAPACITY, BASE, times(1.2)).verdict is Finding.BETTER
    assert one(P99, BASE, times(0.8)).verdict is Finding.BETTER


def test_pairs_show_what_the_spread_between_trials_hides():
    assert one(P99, BASE, times(1.2), pairs=False).verdict is Finding.NONE
    assert one(P99, BASE, times(1.2), pairs=True).verdict is Finding.WORSE


def test_five_pairs_are_not_ranked_and_the_row_says_how_many_are_needed():
    found = one(P99, BASE[:5], times(3)[:5])
    assert found.verdict is Finding.NONE
    assert found.why == "5 pairs, 6 are needed"


def test_a_trial_without_a_value_forbids_a_verdict():
    found = one(P99, [*BASE, 12.0], [*times(3), None])
    assert found.verdict is Finding.NONE
    assert found.why == "it is not known in 1 trial"
    assert not found.vanished


def test_what_never_came_is_told_from_what_is_not_known():
    found = one(P99, BASE, [*times(1)[:6], NEVER, NEVER])
    assert (found.why, found.never_a, found.never_b) == ("it never came in 2 trials of B", 0, 2)
    assert not found.vanished
    assert one(P99, BASE, [NEVER] * 8).vanished
    assert not one(P99, BASE, [None] * 8).vanished
    assert not one(P99, [NEVER] * 8, BASE).vanished
    assert (
        one(P99, [NEVER] * 8, [None] * 8).why
        == "it never came in 8 trials of A and it is not known in 8 trials"
    )


def test_never_is_a_word_in_the_table():
    told = cells(one(P99, BASE, [*times(1)[:7], NEVER]))
    assert told[2].endswith("n=7), never (n=1)")
    assert cells(one(P99, BASE, [NEVER] * 8))[2] == "never (n=8)"


@pytest.mark.parametrize("pairs", [True, False])
def test_zeros_are_compared_by_difference(pairs):
    found = one(HARMED, [0.0] * 8, [2.0, 3.0, 2.0, 4.0, 3.0, 2.0, 3.0, 3.0], pairs)
    assert found.ratio is None
    assert found.difference.median == pytest.approx(2.75)
    assert found.verdict is Finding.WORSE


@pytest.mark.parametrize("pairs", [True, False])
def test_zeros_beside_the_same_number_throughout(pairs):
    found = one(HARMED, [0.0] * 8, [2.0] * 8, pairs)
    assert found.difference.low == found.difference.high == 2
    assert found.verdict is Finding.WORSE


def test_p_is_corrected_for_the_rows():
    alone = one(P99, BASE, times(1.05))
    many = {P99._replace(at=str(at)): trials(*BASE) for at in range(20)}
    other = {**many, P99._replace(at="0"): trials(*times(1.05))}
    assert compared(many, other, True)[0].p == pytest.approx(min(1, 20 * alone.p))


def test_pairs_are_made_by_trial_and_not_by_place():
    (found,) = compared(
        {P99: trials(*BASE)},
        {P99: {trial: value for trial, value in trials(*BASE).items() if trial > 2}},
        True,
    )
    assert found.n == 6
    assert found.ratio.median == 1
