"""Service times: the right distribution over many ids, and the same for the same id whenever it is asked."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, lognorm, pearsonr

from common.distributions import DISTRIBUTIONS, Shape, service_time, uniform

IDS = [f"trial-1-{index}".encode() for index in range(50_000)]
MEAN_S = 0.02
SEED = 11


def times(kind, seed=SEED, shape=None):
    settings = {} if shape is None else {"shape": shape}
    return np.array([service_time(kind, MEAN_S, seed, id, **settings) for id in IDS])


# The cv is a standard deviation over its mean, and of 50,000 the mean's standard error is cv / 224 of it.
@pytest.mark.parametrize(
    ("kind", "cv"), [("constant", 0.0), ("exponential", 1.0), ("lognormal", 2.0), ("bimodal", 1.42)]
)
def test_mean_is_the_one_asked_for(kind, cv):
    assert times(kind).mean() == pytest.approx(MEAN_S, rel=4 * cv / np.sqrt(len(IDS)) + 1e-12)


@pytest.mark.parametrize("q", [0.01, 0.1, 0.5, 0.85, 0.99])  # none at the step of bimodal, 0.9
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("constant", lambda q: 1.0),
        ("exponential", lambda q: -np.log(1 - q)),
        ("lognormal", lambda q: lognorm.ppf(q, np.sqrt(np.log(5)), scale=5**-0.5)),
        ("bimodal", lambda q: 1 / 1.9 if q < 0.9 else 10 / 1.9),
    ],
)
def test_quantiles_are_the_distributions(kind, expected, q):
    assert np.quantile(times(kind), q) == pytest.approx(MEAN_S * expected(q), rel=0.05)


@pytest.mark.parametrize(
    ("kind", "distribution"),
    [("exponential", ("expon", (0, 1))), ("lognormal", ("lognorm", (np.sqrt(np.log(5)), 0, 5**-0.5)))],
)
def test_whole_distribution_is_the_one_named(kind, distribution):
    name, args = distribution
    assert kstest(times(kind) / MEAN_S, name, args=args).pvalue > 0.01


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0])
def test_lognormal_has_the_cv_asked_for(cv):
    drawn = times("lognormal", shape=Shape(cv=cv))
    assert drawn.mean() == pytest.approx(MEAN_S, rel=0.02)
    assert drawn.std() / drawn.mean() == pytest.approx(cv, rel=0.05, abs=1e-9)


def test_bimodal_is_slow_as_often_and_as_much_as_asked():
    drawn = times("bimodal", shape=Shape(slow_share=0.02, slow_ratio=50.0))
    quick, slow = np.unique(drawn)
    assert slow == pytest.approx(50 * quick)
    assert (drawn == slow).mean() == pytest.approx(0.02, abs=4 * np.sqrt(0.02 * 0.98 / len(IDS)))
    assert 0.98 * quick + 0.02 * slow == pytest.approx(MEAN_S)


def test_uniform_is_uniform_and_successive_ids_are_unrelated():
    drawn = np.array([uniform(SEED, id) for id in IDS])
    assert kstest(drawn, "uniform").pvalue > 0.01
    for lag in (1, 2, 8):
        assert abs(pearsonr(drawn[:-lag], drawn[lag:]).statistic) < 4 / np.sqrt(len(IDS))


@pytest.mark.parametrize("other", [SEED + 1, SEED + 256, 0, 2**64 - 1])
def test_seeds_are_unrelated(other):
    mine, theirs = ([uniform(seed, id) for id in IDS] for seed in (SEED, other))
    assert abs(pearsonr(mine, theirs).statistic) < 4 / np.sqrt(len(IDS))


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_an_id_takes_as_long_whenever_it_is_asked(kind):
    in_turn = dict(zip(IDS, times(kind), strict=True))
    shuffled = random.Random(0).sample(IDS, 1000)
    assert [service_time(kind, MEAN_S, SEED, id) for id in shuffled] == [in_turn[id] for id in shuffled]


def test_draws_do_not_change_from_release_to_release():
    # Results of different versions can be paired only as long as this holds.
    assert uniform(1, b"a") == 0.755026226959869
    times = {kind: service_time(kind, 1.0, 1, b"a") for kind in DISTRIBUTIONS}
    assert times == pytest.approx(
        {
            "constant": 1.0,
            "exponential": 1.4066041229833353,
            "lognormal": 1.0737290454748425,
            "bimodal": 0.5263157894736842,
        }
    )


@given(st.integers(0, 2**64 - 1), st.binary(max_size=200))
def test_uniform_excludes_both_ends(seed, id):
    assert 0 < uniform(seed, id) < 1


@pytest.mark.parametrize("digest", [b"\x00" * 8, b"\xff" * 8])
def test_uniform_excludes_both_ends_whatever_the_hash(digest, monkeypatch):
    class Hash:
        def digest(self):
            return digest

    monkeypatch.setattr("common.distributions.blake2b", lambda *args, **options: Hash())
    assert 0 < uniform(0, b"") < 1
    for kind in DISTRIBUTIONS:
        assert 0 <= service_time(kind, 1.0, 0, b"") < 1e6


@given(
    st.floats(0, 1, exclude_min=True, exclude_max=True), st.floats(0, 1, exclude_min=True, exclude_max=True)
)
def test_more_of_the_uniform_is_never_less_of_the_time(u, v):
    shape = Shape()
    for draw in DISTRIBUTIONS.values():
        assert draw(min(u, v), shape) <= draw(max(u, v), shape)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"kind": "pareto"},
            "unknown distribution 'pareto', expected one of: bimodal, constant, exponential, logn",
        ),
        ({"mean_s": -1.0}, "mean_s must be at least 0 and finite, got -1.0"),
        ({"mean_s": float("nan")}, "mean_s must be at least 0 and finite, got nan"),
        ({"seed": -1}, r"seed must be at least 0 and below 2\^64, got -1"),
        ({"seed": 2**64}, "seed must be at least 0 and below"),
    ],
)
def test_bad_input_is_named_with_what_was_expected(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        service_time(**{"kind": "exponential", "mean_s": 1.0, "seed": 0, "id": b"a"} | change)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ({"cv": -1.0}, "cv must be at least 0 and finite, got -1.0"),
        ({"slow_share": 1.0}, "slow_share must be above 0 and below 1, got 1.0"),
        ({"slow_ratio": 0.5}, "slow_ratio must be at least 1 and finite, got 0.5"),
    ],
)
def test_bad_shape_is_named_with_what_was_expected(setting, complaint):
    with pytest.raises(ValueError, match=complaint):
        Shape(**setting)
