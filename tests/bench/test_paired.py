"""The statistics of differences, held against figures worked out by hand and against chance itself."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.paired import PAIRS_MIN, TRIALS_NEEDED_MAX, holm, noise_floor, paired, trials_needed, unpaired

RANDOM = np.random.default_rng(20120101)


def trials(level: float, spread: float, n: int = 6) -> list[float]:
    return list(level * np.exp(RANDOM.normal(0, spread, n)))


def test_the_ratio_is_that_of_the_pairs():
    found = paired([20, 44, 60, 84, 100, 126], [10, 22, 30, 42, 50, 63])
    assert found.ratio.median == found.ratio.low == found.ratio.high == 2
    assert found.p == 0


def test_two_sides_alike_do_not_differ():
    assert paired([5, 6, 7, 8, 9, 10], [5, 6, 7, 8, 9, 10]).p == 1
    assert unpaired([5, 5], [5, 5]).p == 1
    assert unpaired([5, 5], [6, 6]).p == 0


def test_p_is_student_s():
    """Logs 0.1, 0.2, 0.3: mean 0.2, standard error 0.1 / sqrt(3), t = 3.46 with 2 degrees: p = 0.0742."""
    assert paired(np.exp([0.1, 0.2, 0.3]).tolist(), [1, 1, 1]).p == pytest.approx(0.0742, abs=2e-4)


def test_pairs_see_what_the_two_sides_together_do_not():
    shared = np.exp(RANDOM.normal(0, 0.5, 12))
    one, other = (shared * level * np.exp(RANDOM.normal(0, 0.02, 12)) for level in (1.1, 1.0))
    assert paired(list(one), list(other)).p < 0.001
    assert unpaired(list(one), list(other)).p > 0.05


def test_a_permutation_of_signs_agrees_where_it_can():
    from scipy.stats import permutation_test

    logs = RANDOM.normal(0.05, 0.1, 12)
    found = permutation_test(
        (logs, np.zeros(12)),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        n_resamples=4096,
    )
    assert paired(list(np.exp(logs)), [1.0] * 12).p == pytest.approx(float(found.pvalue), abs=0.05)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_and_keeps_their_order(ps):
    adjusted = holm(ps)
    assert all(p <= after <= 1 for p, after in zip(ps, adjusted, strict=True))
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    assert all(adjusted[a] <= adjusted[b] for a, b in pairwise(order))


def test_the_noise_floor_is_where_comparisons_with_oneself_end():
    """A mean of n differences of two values with spread s has a spread of s sqrt(2 / n)."""
    sides = {name: dict(enumerate(trials(100, 0.1, 200))) for name in "ab"}
    assert noise_floor(sides, 6) == pytest.approx(math.expm1(1.96 * 0.1 * math.sqrt(2 / 6)), rel=0.15)


def test_what_all_sides_share_is_no_noise():
    schedule = np.exp(RANDOM.normal(0, 1.0, 12))
    sides = {name: dict(enumerate(schedule * np.exp(RANDOM.normal(0, 0.01, 12)))) for name in "abc"}
    floor = noise_floor(sides, 12)
    assert floor is not None
    assert floor < 0.03


def test_of_too_little_there_is_no_noise_floor():
    assert noise_floor({}, 6) is None
    assert noise_floor({"a": {1: 1.0, 2: 1.1, 3: 1.2}}, 6) is None
    assert noise_floor({"a": {1: 1.0, 2: 1.1}, "b": {1: 1.0, 2: 1.1}}, 6) is None


def test_as_many_trials_as_are_said_to_be_needed_are_enough():
    spread = 0.1
    needed = trials_needed(list(np.exp(RANDOM.normal(0, spread, 2000))), 0.05)
    assert needed == pytest.approx((1.96 * spread / math.log(1.05)) ** 2, abs=4)
    assert trials_needed([1.0, 1.1, 0.9], 0.05) is None, "whose spread is mostly luck"
    assert trials_needed([1.0] * 4, 0.05) == 2
    assert trials_needed([0.01, 100.0, 1.0, 1.0], 1e-6) is None, f"more than {TRIALS_NEEDED_MAX}"


def test_pairs_min_is_what_the_project_promises():
    assert PAIRS_MIN == 6
