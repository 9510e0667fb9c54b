"""Dispatchers with credit: against the recursions where they coincide, against the table, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.theory.closed_forms import mmc_mean_wait, mmc_response_quantile
from bench.theory.dispatch import Use, shared_out
from bench.theory.replay import assigned, central_queue
from tests.bench.theory.test_replay import exponential_path, paths, standard_error, worker_counts


def fronts_of(count, length, seed=5):
    return np.random.default_rng(seed).integers(count, size=length)


def credited(*path, **more):
    """The waits alone."""
    return shared_out(*path, **more).waits


def dealt_in_turn(arrivals, fronts, occupancies, workers):
    """The waits where each front deals to all workers in turn, and each worker serves in order of arrival."""
    worker_of = np.zeros_like(fronts)
    for front in np.unique(fronts):
        mine = np.flatnonzero(fronts == front)
        worker_of[mine] = np.arange(mine.size) % workers
    return assigned(arrivals, occupancies, worker_of)


@given(paths(), worker_counts)
def test_one_dispatcher_at_credit_1_is_the_central_queue(path, workers):
    waits = credited(path.arrivals, np.zeros(len(path.arrivals), dtype=int), path.occupancies, workers, 1)
    assert np.array_equal(waits, central_queue(path.arrivals, path.occupancies, workers))


@given(paths(length_max=30), worker_counts)
def test_at_credit_1_the_way_occupies_the_worker(path, workers):
    everyone = np.zeros(len(path.arrivals), dtype=int)
    waits = credited(path.arrivals, everyone, path.occupancies, workers, 1, ways=0.25)
    assert np.array_equal(waits, central_queue(path.arrivals, path.occupancies + 0.25, workers))


@given(paths(length_max=30), st.integers(1, 4), st.integers(1, 4))
def test_one_worker_keeps_no_work_waiting_whoever_hands_it_out(path, fronts, credit):
    who = fronts_of(fronts, len(path.arrivals))
    waits = credited(path.arrivals, who, path.occupancies, 1, credit)
    ends = np.sort(path.arrivals + waits + path.occupancies)
    alone = np.sort(path.arrivals + central_queue(path.arrivals, path.occupancies, 1) + path.occupancies)
    assert ends.size == 0 or ends[-1] == alone[-1]  # busy just as long, in whatever order


@settings(max_examples=30)
@given(paths(length_max=30), worker_counts, st.integers(1, 4), st.integers(1, 4))
def test_names_of_dispatchers_do_not_matter(path, workers, fronts, credit):
    who = fronts_of(fronts, len(path.arrivals))
    renamed = np.array([17, -4, 2**40, 0])[who] if who.size else who
    first, second = (
        credited(path.arrivals, names, path.occupancies, workers, credit) for names in (who, renamed)
    )
    assert np.array_equal(np.sort(first), np.sort(second))
    assert (first >= 0).all()


def test_one_dispatcher_agrees_with_the_closed_form():
    path = exponential_path(8, 0.8, 60_000, seed=1)
    waits = credited(path.arrivals, np.zeros(60_000, dtype=int), path.occupancies, 8, 1)
    assert waits.mean() == pytest.approx(
        mmc_mean_wait(8, 0.8, 1.0), rel=3 * standard_error(waits) / waits.mean()
    )
    p99 = np.quantile(waits + path.occupancies, 0.99)
    assert p99 == pytest.approx(mmc_response_quantile(0.99, 8, 0.8, 1.0), rel=0.05)


# facts-theory.md: freelance, credit 1, a queue in each front, p99 in service times.
@pytest.mark.parametrize(
    ("load", "fronts", "printed"),
    [
        (0.5, 1, 4.6), (0.5, 2, 5.5), (0.5, 4, 6.5), (0.5, 8, 7.3),
        (0.8, 1, 5.2), (0.8, 2, 6.4), (0.8, 4, 8.0), (0.8, 8, 10.2),
        (0.9, 1, 6.9), (0.9, 2, 8.4), (0.9, 4, 10.4), (0.9, 8, 12.2),
    ],
)  # fmt: skip
def test_queues_in_each_front_agree_with_the_table(load, fronts, printed):
    length = 60_000 if load < 0.9 else 150_000
    path = exponential_path(8, load, length, seed=1)
    waits = credited(path.arrivals, fronts_of(fronts, length), path.occupancies, 8, 1)
    assert np.quantile(waits + path.occupancies, 0.99) == pytest.approx(printed, rel=0.06)


@pytest.mark.parametrize(("credit", "printed"), [(2, 6.0), (4, 6.2)])
def test_one_dispatcher_with_more_credit_agrees_with_the_table(credit, printed):
    path = exponential_path(8, 0.8, 60_000, seed=1)
    waits = credited(path.arrivals, np.zeros(60_000, dtype=int), path.occupancies, 8, credit)
    assert np.quantile(waits + path.occupancies, 0.99) == pytest.approx(printed, rel=0.06)


@pytest.mark.parametrize(("fronts", "printed"), [(1, 13.7), (4, 13.9), (8, 14.5)])
def test_blind_fronts_agree_with_the_table(fronts, printed):
    path = exponential_path(8, 0.8, 400_000, seed=1)
    waits = dealt_in_turn(path.arrivals, fronts_of(fronts, 400_000), path.occupancies, 8)
    assert np.quantile(waits + path.occupancies, 0.99) == pytest.approx(printed, rel=0.06)


def test_a_front_waits_for_its_own_credit_and_then_behind_another_fronts_work():
    # Front 1 has the one worker; front 0's is delivered and waits there; its second waits for credit.
    waits = credited([0.0, 1.0, 2.0], [1, 0, 0], [10.0, 3.0, 1.0], workers=1, credit=1)
    assert waits.tolist() == [0.0, 9.0, 11.0]


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: credited([0.0], [0], [1.0], 0, 1), "workers must be at least 1, got 0"),
        (lambda: credited([0.0], [0], [1.0], 1, 0), "credit must be at least 1, got 0"),
        (lambda: credited([0.0], [0, 1], [1.0], 1, 1), r"shape of arrivals, \(1,\), got \(2,\)"),
        (lambda: credited([0.0], [0.5], [1.0], 1, 1), "dispatchers must hold integers, got float64"),
        (lambda: credited([0.0], [0], [1.0], 1, 1, ways=-1.0), "ways must be finite and at least 0"),
    ],
)
def test_bad_input_is_named_with_what_was_expected(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()


def test_a_dispatcher_with_nothing_in_hand_goes_on_from_whom_it_used_as_recorded():
    uses = {7: [Use(0.0, 0), Use(1.0, 1), Use(10.5, 2)]}  # then 2 was used last, and 0 longest ago
    arrivals, everyone = [10.0, 10.2, 20.0], [7, 7, 7]
    assert shared_out(arrivals, everyone, [1.0, 1.0, 1.0], 3, 1, uses=uses).worker_of.tolist() == [2, 0, 0]


def test_one_with_something_in_hand_goes_by_what_it_did_itself():
    uses = {0: [Use(0.0, 0), Use(1.0, 1), Use(10.1, 1)]}
    busy = shared_out([10.0, 10.2, 10.3], [0, 0, 0], [1.0, 1.0, 1.0], 3, 1, uses=uses)
    assert busy.worker_of.tolist() == [2, 0, 1]


def test_its_own_use_at_the_instant_of_an_arrival_is_not_yet_history():
    assert shared_out([5.0], [0], [1.0], 2, 1, uses={0: [Use(1.0, 1), Use(5.0, 0)]}).worker_of.tolist() == [0]
