"""Arrival schedules: what a seed fixes, how many come, and how they are spread."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, pearsonr

from bench.load.schedule import ARRIVALS, SCHEDULE_LENGTH_MAX, arrivals, poisson, transaction_id, with_bursts
from common.transaction import is_id

ALPHABET = string.ascii_letters + string.digits + "._~-"


@pytest.mark.parametrize("kind", ARRIVALS)
def test_same_seed_gives_the_same_schedule(kind):
    assert np.array_equal(arrivals(kind, 500, 4, seed=7), arrivals(kind, 500, 4, seed=7))


@pytest.mark.parametrize("kind", ARRIVALS)
@given(
    rate_per_s=st.floats(0.001, 2000),
    duration_s=st.floats(0.001, 3),
    seed=st.integers(0, 2**70),
    stream=st.lists(st.integers(0, 2**40), max_size=3).map(tuple),
)
def test_offsets_are_sorted_and_within_the_duration(kind, rate_per_s, duration_s, seed, stream):
    offsets = arrivals(kind, rate_per_s, duration_s, seed, stream)
    assert offsets.dtype == np.float64
    assert offsets.ndim == 1
    assert (np.diff(offsets) >= 0).all()
    assert ((offsets >= 0) & (offsets < duration_s)).all()


@pytest.mark.parametrize("kind", ARRIVALS)
def test_longer_duration_only_appends(kind):
    short, long = arrivals(kind, 500, 2, seed=7), arrivals(kind, 500, 20, seed=7)
    assert np.array_equal(short, long[: len(short)])
    assert long[len(short)] >= 2


def test_constant_is_spaced_exactly_from_zero_on():
    offsets = arrivals("constant", 3, 100, seed=0)
    assert offsets.tolist() == [i / 3 for i in range(300)]


@pytest.mark.parametrize(
    ("rate_per_s", "duration_s", "count"),
    [(0.1, 30, 3), (10, 0.3, 3), (1, 0.5, 1), (7, 1, 7), (800, 60, 48_000)],
)
def test_constant_count_is_not_upset_by_rounding(rate_per_s, duration_s, count):
    assert len(arrivals("constant", rate_per_s, duration_s, seed=0)) == count


def test_constant_ignores_the_seed():
    assert np.array_equal(
        arrivals("constant", 50, 2, seed=1), arrivals("constant", 50, 2, seed=2, stream=(3,))
    )


def test_poisson_rate_is_right():
    counts = np.array([len(arrivals("poisson", 400, 5, seed)) for seed in range(200)])
    # 400,000 in all, give or take 632; the count of each is Poisson: its variance is its mean.
    assert counts.sum() == pytest.approx(400_000, abs=4 * 632)
    assert counts.var(ddof=1) / counts.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 200))


def test_poisson_gaps_are_exponential_and_independent():
    gaps = np.diff(arrivals("poisson", 250, 200, seed=3), prepend=0.0)
    assert kstest(gaps, "expon", args=(0, 1 / 250)).pvalue > 0.01
    assert abs(pearsonr(gaps[:-1], gaps[1:]).statistic) < 4 / np.sqrt(len(gaps))


def test_poisson_draws_on_when_gaps_are_so_short_that_the_first_batch_does_not_last():
    class Hasty(np.random.Generator):
        def exponential(self, scale, size):  # type: ignore[override]
            return np.full(size, scale / 4)

    offsets = poisson(100, 10, Hasty(np.random.PCG64()))
    assert len(offsets) == pytest.approx(4000, abs=1)
    assert offsets[-1] == pytest.approx(10, abs=0.0051)


def test_poisson_times_are_uniform_over_the_duration():
    assert kstest(arrivals("poisson", 250, 200, seed=3) / 200, "uniform").pvalue > 0.01


def test_streams_of_one_seed_differ_and_do_not_depend_on_each_other():
    streams = [(), (0,), (0, 0), (1,), (0, 1), (1, 0)]
    drawn = [arrivals("poisson", 100, 100, 7, stream) for stream in streams]
    gaps = [np.diff(offsets)[:9000] for offsets in drawn]
    for i, mine in enumerate(gaps):
        for other in gaps[:i]:
            assert abs(pearsonr(mine, other).statistic) < 4 / np.sqrt(9000)


def test_stream_is_the_documented_spawn_key():
    generator = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(0, 2, 1)))
    assert arrivals("poisson", 100, 1, 7, stream=(2, 1))[0] == generator.exponential(1 / 100)


def test_a_phase_in_which_nothing_arrives_is_empty():
    assert arrivals("poisson", 0.001, 0.001, seed=0).shape == (0,)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "bursty"}, "unknown arrivals 'bursty', expected one of: constant, poisson"),
        ({"rate_per_s": 0}, "rate_per_s must be above 0 and finite, got 0"),
        ({"rate_per_s": float("nan")}, "rate_per_s must be above 0 and finite, got nan"),
        ({"duration_s": -1}, "duration_s must be above 0 and finite, got -1"),
        ({"duration_s": float("inf")}, "duration_s must be above 0 and finite, got inf"),
        ({"rate_per_s": SCHEDULE_LENGTH_MAX}, "must be at most 10000000 transactions, got 10000000 x 2"),
        ({"seed": -1}, "must hold no negative number, got -1"),
        ({"stream": (0, -2)}, "must hold no negative number, got 0 and"),
    ],
)
def test_bad_input_is_named_with_what_was_expected(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        arrivals(**{"kind": "constant", "rate_per_s": 10, "duration_s": 2, "seed": 0} | change)


@given(st.text(ALPHABET, max_size=40), st.integers(0, 10**20))
def test_transaction_id_is_a_valid_one_and_says_which(prefix, index):
    made = transaction_id(prefix, index)
    assert is_id(made.encode())
    assert made.rpartition("-")[::2] == (prefix, str(index))


@pytest.mark.parametrize(
    ("prefix", "index", "complaint"),
    [
        ("a b", 0, "1 to 64 of"),
        ("é", 0, "1 to 64 of"),
        ("x\n", 0, "1 to 64 of"),
        ("p" * 63, 0, "1 to 64 of"),
        ("p", -1, "index must be at least 0, got -1"),
    ],
)
def test_invalid_transaction_id_is_refused(prefix, index, complaint):
    with pytest.raises(ValueError, match=complaint):
        transaction_id(prefix, index)


RATE_PER_S, LASTS_S = 200, 4


@st.composite
def some_bursts(draw) -> list[tuple[float, float, float]]:
    edges = sorted(draw(st.lists(st.floats(0, LASTS_S), min_size=2, max_size=6, unique=True)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [(begin, end, draw(st.floats(1.01, 5))) for begin, end in pairs]


def outside(offsets: np.ndarray, bursts: list[tuple[float, float, float]]) -> np.ndarray:
    for begin_s, end_s, _ in bursts:
        offsets = offsets[(offsets < begin_s) | (offsets >= end_s)]
    return offsets


@pytest.mark.parametrize("kind", ARRIVALS)
@given(bursts=some_bursts(), seed=st.integers(0, 1000), stream=st.tuples(st.integers(0, 9)))
def test_outside_of_bursts_everything_is_due_when_it_was(kind, bursts, seed, stream):
    plain = arrivals(kind, RATE_PER_S, LASTS_S, seed, stream)
    burst = with_bursts(plain, kind, RATE_PER_S, bursts, seed, stream)
    assert (np.diff(burst) >= 0).all()
    assert ((burst >= 0) & (burst < LASTS_S)).all()
    assert np.array_equal(outside(burst, bursts), outside(plain, bursts))
    assert np.array_equal(burst, with_bursts(plain, kind, RATE_PER_S, bursts, seed, stream))


@given(bursts=some_bursts(), seed=st.integers(0, 1000))
def test_a_poisson_burst_takes_nothing_away(bursts, seed):
    plain = arrivals("poisson", RATE_PER_S, LASTS_S, seed)
    assert np.isin(plain, with_bursts(plain, "poisson", RATE_PER_S, bursts, seed)).all()


def test_a_constant_burst_is_spaced_evenly_and_denser():
    plain = arrivals("constant", 10, 3, seed=1)
    burst = with_bursts(plain, "constant", 10, [(1.0, 2.0, 2.5)], 1)
    assert burst.tolist() == [
        *(i / 10 for i in range(10)),
        *(1 + i / 25 for i in range(25)),
        *(i / 10 for i in range(20, 30)),
    ]


def test_a_poisson_burst_is_poisson_at_its_rate():
    plain = arrivals("poisson", 100, 300, seed=5)
    burst = with_bursts(plain, "poisson", 100, [(50.0, 250.0, 3.0)], 5)
    within = burst[(burst >= 50) & (burst < 250)]
    assert len(within) == pytest.approx(60_000, abs=4 * np.sqrt(60_000))
    gaps = np.diff(within)
    assert kstest(gaps, "expon", args=(0, 1 / 300)).pvalue > 0.01
    assert abs(pearsonr(gaps[:-1], gaps[1:]).statistic) < 4 / np.sqrt(len(gaps))


def test_two_bursts_of_one_step_add_other_arrivals():
    first, second = (
        with_bursts(np.empty(0), "poisson", 100, bursts, 5)
        for bursts in ([(0.0, 1.0, 2.0)], [(0.0, 0.001, 2.0), (1.0, 2.0, 2.0)])
    )
    assert not np.isin(second[second >= 1] - 1, first).any()


def test_a_retrys_id_names_the_transaction_and_which_retry_it_is():
    assert transaction_id("p.0", 17, 2) == "p.0-17~2"
