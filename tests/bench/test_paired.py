"""Differences over trials: ratios by hand, what cannot be compared, Holm's correction, trials needed, the noise floor."""

import math
import warnings
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from bench.paired import (
    ALPHA,
    PAIRS_MIN,
    Difference,
    Finding,
    finding,
    holm,
    noise_floor,
    paired,
    relative,
    subtracted,
    trials_needed,
    unpaired,
)
from bench.statistics import Estimate

ONE = [100.0, 140.0, 90.0, 120.0, 200.0, 60.0]
"""Trials of very different schedules ..."""
OTHER = [118.0, 171.0, 107.0, 149.0, 236.0, 73.0]
"""... each about a fifth slower in the other."""


def known(difference: Difference | None) -> Difference:
    assert difference is not None
    return difference


def test_the_ratio_is_the_geometric_mean_of_the_pairs() -> None:
    found = known(paired([1.0, 1.0], [2.0, 8.0]))
    assert found.ratio.median == pytest.approx(4)
    assert found.ratio.n == 2


def test_the_interval_is_students_of_the_log_ratios() -> None:
    """Four pairs with logs -1, 0, 1, 2: mean 0.5, s 1.291, t(3) 3.1824."""
    found = known(paired([1.0] * 4, [math.exp(log) for log in (-1, 0, 1, 2)]))
    half = 3.182446 * 1.290994 / 2
    assert math.log(found.ratio.low) == pytest.approx(0.5 - half, abs=1e-5)
    assert math.log(found.ratio.high) == pytest.approx(0.5 + half, abs=1e-5)
    assert found.p == pytest.approx(0.495025, abs=1e-5)


def test_pairs_find_what_schedules_hide_from_welch() -> None:
    assert known(paired(ONE, OTHER)).p < 1e-4
    assert known(unpaired(ONE, OTHER)).p > 0.2


@given(
    st.lists(st.floats(0.1, 10), min_size=2, max_size=8, unique=True),
    st.lists(st.floats(0.1, 10), min_size=2, max_size=8, unique=True),
)
def test_trials_without_pairs_are_judged_as_welch_does(one: list[float], other: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values that are nearly identical
        test = ttest_ind(other, one, equal_var=False)
    ends = test.confidence_interval(0.95)
    judged = subtracted(one, other, pairs=False)
    assert judged.p == pytest.approx(float(test.pvalue), rel=1e-6, abs=1e-12)
    assert (judged.ratio.low, judged.ratio.high) == pytest.approx((ends.low, ends.high), rel=1e-6, abs=1e-9)


def test_a_side_that_does_not_vary_is_judged_by_the_other() -> None:
    """The other's logs from there: -0.2231, 0.1823, 0: t = 0.1161 at two degrees of freedom, p = 1 - t / sqrt(2 + t^2)."""
    judged = known(unpaired([5.0, 5.0, 5.0], [4.0, 6.0, 5.0]))
    assert judged.p == pytest.approx(0.9182, abs=1e-4)
    turned = known(unpaired([4.0, 6.0, 5.0], [5.0, 5.0, 5.0]))
    assert turned.p == judged.p
    assert turned.ratio.median == pytest.approx(1 / judged.ratio.median)


def test_swapping_turns_the_ratio_over_and_keeps_p() -> None:
    for compare in (paired, unpaired):
        there, back = known(compare(ONE, OTHER)), known(compare(OTHER, ONE))
        assert there.p == pytest.approx(back.p)
        assert there.ratio.median * back.ratio.median == pytest.approx(1)
        assert there.ratio.low * back.ratio.high == pytest.approx(1)


def test_students_p_is_near_the_one_from_flipping_signs() -> None:
    """A test that assumes no distribution, on ten pairs, where it has 1,024 ways."""
    chance = Random(3)
    for shift in (0, 0.05, 0.1):
        logs = [chance.gauss(shift, 0.1) for _ in range(10)]
        flipped = [
            abs(sum(map(math.prod, zip(signs, logs, strict=True)))) for signs in product((-1, 1), repeat=10)
        ]
        by_flips = sum(each >= abs(sum(logs)) - 1e-12 for each in flipped) / len(flipped)
        by_student = known(paired([1.0] * 10, list(map(math.exp, logs)))).p
        assert by_student == pytest.approx(by_flips, abs=0.03)


def test_one_pair_is_no_comparison() -> None:
    assert paired([1.0], [2.0]) is None
    assert unpaired([1.0], [2.0, 3.0]) is None
    assert paired([], []) is None


def test_equal_trials_do_not_differ() -> None:
    assert paired([3.0] * 6, [3.0] * 6) == Difference(Estimate(1.0, 1.0, 1.0, 6), 1.0)
    assert unpaired([3.0] * 6, [3.0] * 7) == Difference(Estimate(1.0, 1.0, 1.0, 6), 1.0)


def test_nothing_on_both_sides_is_equal_and_on_one_side_has_no_ratio() -> None:
    assert paired([0.0] * 6, [0.0] * 6) == Difference(Estimate(1.0, 1.0, 1.0, 6), 1.0)
    assert unpaired([0.0] * 6, [0.0] * 6) == Difference(Estimate(1.0, 1.0, 1.0, 6), 1.0)
    assert paired([0.0, 1.0, 1.0], [1.0, 1.0, 1.0]) is None
    assert unpaired([0.0, 1.0, 1.0], [1.0, 1.0, 1.0]) is None
    assert known(paired([0.0, 1.0, 2.0], [0.0, 1.1, 2.1])).ratio.n == 3


def test_one_ratio_in_every_pair_is_no_more_certain_than_their_number() -> None:
    found = known(paired([2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [each * 1.2 for each in (2, 3, 4, 5, 6, 7)]))
    assert found.p == 2 / 64
    assert found.ratio.median == pytest.approx(1.2)
    assert known(unpaired([2.0] * 3, [3.0] * 3)).p == 2 / 20


@pytest.mark.parametrize("wrong", [[-1.0, 1.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_what_is_no_quantity_is_refused(wrong: list[float]) -> None:
    for compare in (paired, unpaired):
        with pytest.raises(ValueError, match="finite and not below 0"):
            compare(wrong, [1.0, 1.0])


def test_pairs_need_both_sides() -> None:
    with pytest.raises(ValueError, match="got 2 and 3"):
        paired([1.0, 2.0], [1.0, 2.0, 3.0])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_raises_each_and_keeps_their_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    by_size = sorted(zip(p, adjusted, strict=True))
    assert [after for _, after in by_size] == sorted(adjusted)
    assert not p or min(adjusted) == pytest.approx(min(1, len(p) * min(p)))


def test_a_finding_needs_pairs_a_small_p_and_more_than_the_noise() -> None:
    ratio = Estimate(1.2, 1.1, 1.3, PAIRS_MIN)
    assert finding(ratio, 0.01, higher_is_better=True) is Finding.BETTER
    assert finding(ratio, 0.01, higher_is_better=False) is Finding.WORSE
    assert finding(Estimate(0.8, 0.7, 0.9, 6), 0.01, higher_is_better=False) is Finding.BETTER
    assert finding(ratio, ALPHA, higher_is_better=True) is Finding.NONE
    assert finding(Estimate(1.2, 1.1, 1.3, PAIRS_MIN - 1), 0.01, higher_is_better=True) is Finding.NONE
    assert finding(ratio, 0.01, higher_is_better=True, noise_floor=0.21) is Finding.NONE
    assert finding(ratio, 0.01, higher_is_better=True, noise_floor=0.19) is Finding.BETTER


def test_a_difference_is_as_large_whichever_is_first() -> None:
    assert relative(Estimate(1.25, 1, 2, 6)) == pytest.approx(0.25)
    assert relative(Estimate(0.8, 0.5, 1, 6)) == pytest.approx(0.25)


def test_trials_needed_are_the_fewest_whose_interval_is_as_narrow_as_wished() -> None:
    """s of -0.1, 0, 0.1 is 0.1; half-width log 1.05: (1.96 x 0.1 / 0.04879)^2 is 16.1, and Student wants 19."""
    assert trials_needed([-0.1, 0.0, 0.1], 0.05) == 19
    assert trials_needed([0.3, 0.3, 0.3], 0.05) == 2
    assert trials_needed([0.3], 0.05) is None


def test_twice_the_precision_needs_four_times_the_trials() -> None:
    coarse, fine = (trials_needed([-1.0, 0.0, 1.0], precision) for precision in (0.02, 0.01))
    assert coarse is not None
    assert fine == pytest.approx(4 * coarse, rel=0.02)


def test_a_wish_for_no_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        trials_needed([1.0, 2.0], 0)


def test_the_noise_floor_is_what_all_ways_to_halve_the_trials_show() -> None:
    """Six trials: three against three, 20 ways; their mean square, halved for twice the trials, times Student's 2.5706."""
    logs = [0.0, 0.02, -0.03, 0.05, 0.01, -0.04]
    halves = [set(half) for half in combinations(range(6), 3)]
    apart = [(2 * sum(logs[trial] for trial in half) - sum(logs)) / 3 for half in halves]
    spread = math.sqrt(sum(each**2 for each in apart) / len(apart) / 2)
    assert noise_floor([math.exp(log) for log in logs]) == pytest.approx(math.expm1(2.570582 * spread))


def test_a_machine_without_noise_has_no_floor_and_few_trials_do_not_tell() -> None:
    assert noise_floor([5.0] * 6) == pytest.approx(0)
    assert noise_floor([5.0] * 3) is None
    assert noise_floor([5.0, 0.0, 5.0, 5.0]) is None


@pytest.mark.parametrize("n", [4, 6, 12])
def test_one_in_twenty_comparisons_of_one_with_itself_is_beyond_the_noise_floor(n: int) -> None:
    chance = Random(n)
    beyond = 0
    for _ in range(2000):
        one, other = ([math.exp(chance.gauss(0, 0.05)) for _ in range(n)] for _ in range(2))
        apart = sum(map(math.log, one)) / n - sum(map(math.log, other)) / n
        beyond += math.expm1(abs(apart)) > (noise_floor(one) or 0)
    assert beyond / 2000 == pytest.approx(ALPHA, abs=0.02)  # four standard deviations of a share of 2,000


def test_values_without_a_ratio_are_judged_as_they_stand() -> None:
    """Four differences -1, 0, 1, 2: mean 0.5, s 1.291, t(3) 3.1824."""
    found = subtracted([0.0, 2.0, -3.0, 0.0], [-1.0, 2.0, -2.0, 2.0], pairs=True)
    half = 3.182446 * 1.290994 / 2
    assert found.ratio.median == 0.5
    assert (found.ratio.low, found.ratio.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-5)
    assert found.p == pytest.approx(0.495025, abs=1e-5)


def test_where_they_do_not_vary_p_is_what_signs_or_exchanged_trials_give() -> None:
    assert subtracted([0.0] * 6, [0.0] * 6, pairs=True).p == 1
    assert subtracted([0.0] * 6, [3.0] * 6, pairs=True).p == 2 / 2**6
    assert subtracted([0.0] * 3, [3.0] * 3, pairs=False).p == 2 / 20
