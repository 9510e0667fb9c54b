"""The sample-path recursions: against the closed forms and the textbook's, and laws on any path."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.theory.closed_forms import (
    allen_cunneen_mean_wait,
    mmc_mean_wait,
    mmc_response_quantile,
    round_robin_mean_wait,
    round_robin_response_quantile,
)
from bench.theory.replay import assigned, blind_round_robin, central_queue


class Path(NamedTuple):
    arrivals: np.ndarray
    occupancies: np.ndarray


@st.composite
def paths(draw, length_max=60):
    """Any path, bursts and empty services included; multiples of 1/8, so that every recursion is exact."""
    steps = st.integers(0, 80).map(lambda eighths: eighths / 8)
    rows = draw(st.lists(st.tuples(steps, steps), max_size=length_max))
    gaps = np.array([gap for gap, _ in rows], dtype=np.float64)
    return Path(np.cumsum(gaps), np.array([held for _, held in rows], dtype=np.float64))


worker_counts = st.integers(1, 6)


def exponential_path(workers, load, length, seed) -> Path:
    """Poisson arrivals that offer ``load`` to ``workers``, exponential service with mean 1."""
    generator = np.random.default_rng(seed)
    return Path(
        np.cumsum(generator.exponential(1 / (workers * load), length)), generator.exponential(1, length)
    )


def standard_error(waits, batches=25):
    """Of the mean of an autocorrelated series, by batch means."""
    means = waits[: len(waits) // batches * batches].reshape(batches, -1).mean(axis=1)
    return means.std(ddof=1) / np.sqrt(batches)


# --- against the closed forms: long enough that the standard error is at most half of what is allowed


@pytest.mark.parametrize(("workers", "load", "length"), [(8, 0.8, 1_000_000), (4, 0.5, 500_000)])
@pytest.mark.parametrize("discipline", ["central queue", "blind round robin", "random choice"])
def test_replay_of_exponential_service_agrees_with_the_closed_form(discipline, workers, load, length):
    path = exponential_path(workers, load, length, seed=1)
    if discipline == "central queue":
        waits = central_queue(*path, workers)
        mean, p99 = mmc_mean_wait(workers, load, 1.0), mmc_response_quantile(0.99, workers, load, 1.0)
    elif discipline == "blind round robin":
        waits = blind_round_robin(*path, workers)
        mean = round_robin_mean_wait(workers, load, 1.0)
        p99 = round_robin_response_quantile(0.99, workers, load, 1.0)
    else:
        waits = assigned(*path, np.random.default_rng(2).integers(workers, size=length))
        mean, p99 = mmc_mean_wait(1, load, 1.0), mmc_response_quantile(0.99, 1, load, 1.0)
    assert standard_error(waits) < 0.025 * mean
    assert waits.mean() == pytest.approx(mean, rel=0.05)
    assert np.quantile(waits + path.occupancies, 0.99) == pytest.approx(p99, rel=0.05)


def test_replay_of_constant_service_waits_half_as_long_as_exponential():
    arrivals = exponential_path(1, 0.8, 500_000, seed=1).arrivals
    waits = central_queue(arrivals, np.ones_like(arrivals), 1)
    expected = allen_cunneen_mean_wait(1, 0.8, 1.0, arrival_cv=1.0, service_cv=0.0)
    assert standard_error(waits) < 0.025 * expected
    assert waits.mean() == pytest.approx(expected, rel=0.05)


# --- against the recursions as the papers write them


@given(paths())
def test_one_worker_follows_lindley(path: Path):
    waits = np.zeros(len(path.arrivals))
    for i in range(1, len(waits)):
        gap = path.arrivals[i] - path.arrivals[i - 1]
        waits[i] = max(0.0, waits[i - 1] + path.occupancies[i - 1] - gap)
    assert np.array_equal(central_queue(*path, 1), waits)
    assert np.array_equal(blind_round_robin(*path, 1), waits)
    assert np.array_equal(assigned(*path, np.zeros(len(waits), dtype=int)), waits)


@given(paths(), worker_counts)
def test_central_queue_follows_kiefer_and_wolfowitz(path: Path, workers):
    work = np.zeros(workers)  # what each worker still has to do, least first
    waits = []
    for i, (arrival, held) in enumerate(zip(*path, strict=True)):
        if i:
            work = np.maximum(0.0, work - (arrival - path.arrivals[i - 1]))
        waits.append(work[0])
        work[0] += held
        work = np.sort(work)
    assert np.array_equal(central_queue(*path, workers), waits)


@given(paths(), worker_counts)
def test_round_robin_is_a_queue_of_its_own_for_each_worker(path: Path, workers):
    waits = blind_round_robin(*path, workers)
    for worker in range(workers):
        mine = slice(worker, None, workers)
        assert np.array_equal(
            waits[mine], central_queue(path.arrivals[mine], path.occupancies[mine], workers=1)
        )


# --- laws on any path


@given(paths(), worker_counts)
def test_no_wait_is_negative_and_there_is_one_for_each(path: Path, workers):
    for waits in (central_queue(*path, workers), blind_round_robin(*path, workers)):
        assert waits.shape == path.arrivals.shape
        assert waits.dtype == np.float64
        assert (waits >= 0).all()


@given(paths(), worker_counts)
def test_one_more_worker_makes_no_transaction_of_the_central_queue_wait_longer(path: Path, workers):
    # The recursion is monotone in the instants at which workers fall free, and c workers are c + 1 of which
    # one never does.
    assert (central_queue(*path, workers + 1) <= central_queue(*path, workers)).all()


@given(paths(), worker_counts)
def test_central_queue_starts_transactions_in_the_order_of_arrival(path: Path, workers):
    starts = path.arrivals + central_queue(*path, workers)
    assert (np.diff(starts) >= 0).all()


@given(paths(), worker_counts)
def test_each_worker_starts_its_own_in_the_order_of_arrival_and_one_at_a_time(path: Path, workers):
    starts = path.arrivals + blind_round_robin(*path, workers)
    for worker in range(workers):
        begun, held = starts[worker::workers], path.occupancies[worker::workers]
        assert (begun[1:] >= (begun + held)[:-1]).all()


@given(paths(), worker_counts)
def test_central_queue_keeps_no_worker_idle_while_one_waits(path: Path, workers):
    waits = central_queue(*path, workers)
    starts = path.arrivals + waits
    ends = starts + path.occupancies
    for i in np.flatnonzero(waits > 0):
        # Those before it in line that are not yet done, just before it starts, fill every worker.
        assert np.count_nonzero(ends[:i] >= starts[i]) >= workers


@given(paths(), worker_counts, st.integers(-8000, 8000))
def test_waits_do_not_depend_on_where_the_clock_begins(path: Path, workers, offset):
    moved = Path(path.arrivals + offset, path.occupancies)
    assert np.array_equal(central_queue(*moved, workers), central_queue(*path, workers))
    assert np.array_equal(blind_round_robin(*moved, workers), blind_round_robin(*path, workers))


@given(paths(), st.randoms(use_true_random=False))
def test_names_of_workers_do_not_matter(path: Path, random):
    workers = [random.randrange(3) for _ in path.arrivals]
    renamed = [{0: 17, 1: -4, 2: 2**40}[worker] for worker in workers]
    assert np.array_equal(
        assigned(*path, np.array(workers, dtype=int)), assigned(*path, np.array(renamed, dtype=int))
    )


# --- small cases by hand


def test_constant_gaps_and_shorter_constant_service_never_wait():
    arrivals = np.arange(1000) * 0.1
    for waits in (
        central_queue(arrivals, np.full(1000, 0.099), 1),
        blind_round_robin(arrivals, np.full(1000, 0.399), 4),
    ):
        assert (waits == 0).all()


def test_overloaded_worker_falls_behind_by_a_constant_step():
    waits = central_queue(np.arange(5.0), np.full(5, 1.5), 1)
    assert waits.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_round_robin_waits_behind_a_long_one_while_another_worker_is_idle():
    arrivals, occupancies = [0.0, 1.0, 2.0], [10.0, 0.5, 0.5]
    assert blind_round_robin(arrivals, occupancies, 2).tolist() == [0.0, 0.0, 8.0]
    assert central_queue(arrivals, occupancies, 2).tolist() == [0.0, 0.0, 0.0]


def test_empty_path_has_no_waits():
    assert central_queue([], [], 3).shape == (0,)
    assert blind_round_robin([], [], 3).shape == (0,)
    assert assigned([], [], []).shape == (0,)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: central_queue([0.0], [1.0], 0), "workers must be at least 1, got 0"),
        (lambda: blind_round_robin([0.0], [1.0], -1), "workers must be at least 1, got -1"),
        (lambda: central_queue([0.0, 1.0], [1.0], 2), r"one shape \(n,\), got \(2,\) and \(1,\)"),
        (lambda: central_queue([[0.0]], [[1.0]], 2), r"one shape \(n,\), got \(1, 1\) and \(1, 1\)"),
        (lambda: central_queue([0.0, 2.0, 1.0], [1.0] * 3, 2), "got 1.0 after 2.0 at index 2"),
        (lambda: central_queue([0.0], [-1.0], 2), "occupancies must be at least 0, got -1.0"),
        (lambda: central_queue([np.nan], [1.0], 2), "must be finite"),
        (lambda: central_queue([0.0], [np.inf], 2), "must be finite"),
        (lambda: assigned([0.0], [1.0], [0, 1]), r"shape of arrivals, \(1,\), got \(2,\)"),
        (lambda: assigned([0.0], [1.0], [0.5]), "worker_of must hold integers, got float64"),
    ],
)
def test_bad_path_is_named_with_what_was_expected(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()
