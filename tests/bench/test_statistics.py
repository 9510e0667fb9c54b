"""Estimates over trials and quantiles within one."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, t

from bench.statistics import Estimate, mean_interval, quantile, summarize


def summary(values) -> Estimate:
    estimate = summarize(values)
    assert estimate is not None
    return estimate


def test_no_value_gives_none():
    assert summarize([]) is None
    assert summarize(np.empty(0)) is None


def test_fewer_than_five_give_the_extremes():
    assert summarize([3.0]) == Estimate(3.0, 3.0, 3.0, 1)
    assert summarize([4.0, 1.0]) == Estimate(2.5, 1.0, 4.0, 2)
    assert summarize([9.0, 1.0, 2.0, 3.0]) == Estimate(2.5, 1.0, 9.0, 4)


def test_five_or_more_give_the_bca_interval_of_the_median():
    values = np.random.default_rng(0).lognormal(size=12)
    expected = bootstrap(
        (values,), np.median, n_resamples=9999, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    assert summarize(values) == Estimate(float(np.median(values)), expected.low, expected.high, 12)


def test_interval_is_a_function_of_the_values():
    values = [5.0, 1.0, 4.0, 2.0, 8.0, 3.0]
    assert summarize(values) == summarize(tuple(values)) == summarize(np.array(values))


def test_interval_narrows_with_more_trials():
    generator = np.random.default_rng(5)
    few, many = (summary(generator.normal(100, 1, n)) for n in (8, 200))
    assert many.high - many.low < 0.5 * (few.high - few.low)
    assert many.low < 100 < many.high


def test_where_bca_is_not_defined_the_percentile_interval_serves():
    assert summarize([7.0] * 6) == Estimate(7.0, 7.0, 7.0, 6)
    assert summarize([3.0] * 6 + [9.0]) == Estimate(3.0, 3.0, 3.0, 7)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1000) | st.floats(-1e6, 1e6), min_size=1, max_size=40))
@example([4, 990901.9441184694, 0, 0, 1])  # its interval once ended a bit beyond the largest value
def test_median_lies_within_its_interval_and_that_within_the_values(values):
    estimate = summary(values)
    assert min(values) <= estimate.low <= estimate.median <= estimate.high <= max(values)
    assert estimate.n == len(values)


def test_interval_covers_the_median_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    estimates = [summary(generator.exponential(1, 20)) for _ in range(100)]
    covered = np.mean([estimate.low <= np.log(2) <= estimate.high for estimate in estimates])
    assert 0.88 <= covered <= 0.99


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), st.floats(0, 1))
def test_quantile_is_the_smallest_sample_that_enough_do_not_exceed(values, q):
    got = quantile(values, q)
    assert got in values
    assert sum(value <= got for value in values) >= q * len(values) * (1 - 1e-12)
    if q > 0:
        assert sum(value < got for value in values) <= q * len(values)


def test_quantile_of_a_hundred():
    values = list(range(1, 101))
    assert [quantile(values, q) for q in (0.0, 0.5, 0.99, 0.999, 1.0)] == [1, 50, 99, 100, 100]


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: summarize([1.0, float("nan")]), "values must be finite"),
        (lambda: summarize([1.0, float("inf")]), "values must be finite"),
        (lambda: summarize(np.ones((2, 2))), r"values must have shape \(n,\), got \(2, 2\)"),
        (lambda: quantile([1.0], 1.5), r"q must be within 0 and 1 .*, got 1.5"),
        (lambda: quantile([float("nan")], 0.5), "values must be finite"),
        (lambda: quantile([], 0.99), "needs at least 1 value, got none"),
    ],
)
def test_bad_input_is_named_with_what_was_expected(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()


def test_the_interval_of_a_mean_is_students():
    values = np.random.default_rng(0).normal(size=20)
    expected = t.interval(0.95, 19, loc=values.mean(), scale=values.std(ddof=1) / np.sqrt(20))
    assert mean_interval(values) == pytest.approx(expected)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="at least 2 values, got 1"):
        mean_interval([1.0])
